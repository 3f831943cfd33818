#include "frame.h"

#include <string.h>

#include "bytes.h"
#include "crc32.h"
#include "hal.h"

#define LONGEST_RUN 254u /* non-zero bytes that one code byte can announce */
#define FULL_BLOCK 0xffu /* the code of such a run; no zero follows it */

/* Append bytes to the body, as far as they fit. */
static void store(frame_receiver *receiver, const uint8_t *bytes, size_t count)
{
    size_t room = receiver->capacity - receiver->length;
    if (count > room) {
        receiver->overflowed = true;
        count = room;
    }
    memcpy(receiver->body + receiver->length, bytes, count);
    receiver->length += count;
}

/* How many of the bytes come before a zero. */
static size_t bytes_before_zero(const uint8_t *bytes, size_t count)
{
    size_t before = 0;
    while (before < count && bytes[before] != 0) {
        ++before;
    }
    return before;
}

static frame_event finish(frame_receiver *receiver)
{
    bool whole = receiver->left == 0 && !receiver->overflowed;
    bool sound = false;
    if (whole && receiver->length >= FRAME_HEADER_BYTES + FRAME_CRC_BYTES) {
        receiver->length -= FRAME_CRC_BYTES;
        sound = crc32_update(0, receiver->body, receiver->length) == get_u32(receiver->body + receiver->length);
    }
    receiver->started = false;
    return sound ? FRAME_COMPLETE : FRAME_DAMAGED;
}

static void start(frame_receiver *receiver)
{
    receiver->started = true;
    receiver->length = 0;
    receiver->left = 0;
    receiver->zero_due = false;
    receiver->overflowed = false;
}

frame_event frame_receive(frame_receiver *receiver, const uint8_t *bytes, size_t count, size_t *taken)
{
    static const uint8_t zero = 0;
    size_t at = 0;
    while (at < count) {
        if (bytes[at] == 0) {
            ++at;
            if (receiver->started) {
                *taken = at;
                return finish(receiver);
            }
            continue; /* an empty frame */
        }
        if (!receiver->started) {
            start(receiver);
        }
        if (receiver->left > 0) {
            size_t here = count - at < receiver->left ? count - at : receiver->left;
            size_t run = bytes_before_zero(bytes + at, here);
            store(receiver, bytes + at, run);
            receiver->left = (uint8_t)(receiver->left - run);
            at += run;
        } else {
            if (receiver->zero_due) {
                store(receiver, &zero, sizeof zero);
            }
            receiver->left = (uint8_t)(bytes[at] - 1);
            receiver->zero_due = bytes[at] != FULL_BLOCK;
            ++at;
        }
    }
    *taken = at;
    return FRAME_INCOMPLETE;
}

void frame_send(uint8_t *body, size_t length)
{
    put_u32(body + length, crc32_update(0, body, length));
    length += FRAME_CRC_BYTES;
    for (size_t from = 0; from <= length;) {
        size_t rest = length - from;
        size_t run = bytes_before_zero(body + from, rest < LONGEST_RUN ? rest : LONGEST_RUN);
        uint8_t code = (uint8_t)(run + 1);
        hal_write(&code, 1);
        hal_write(body + from, run);
        from += run + (code == FULL_BLOCK ? 0 : 1); /* a shorter run takes the zero (or the end) that stopped it along */
    }
    const uint8_t end = 0;
    hal_write(&end, 1);
    hal_flush();
}
