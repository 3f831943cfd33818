/* Frames in, frames out: the loop that every board runs. */
#include "bytes.h"
#include "device.h"
#include "frame.h"
#include "hal.h"

#if REDS_FRAME_BYTES < 1024 || REDS_FRAME_BYTES > 65535
#error "REDS_FRAME_BYTES must be 1024..65535 (see platformio.ini)"
#endif

#define READ_BYTES 256u

static uint8_t reds_pool[REDS_POOL_BYTES] __attribute__((aligned(REDS_ARENA_ALIGNMENT)));
static uint8_t request_body[REDS_FRAME_BYTES];
static uint8_t answer_body[REDS_FRAME_BYTES];

static void send_answer(uint8_t verb_number, status outcome, uint16_t sequence, size_t payload_bytes)
{
    answer_body[0] = (uint8_t)(verb_number | ANSWER_BIT);
    answer_body[1] = (uint8_t)outcome;
    put_u16(answer_body + 2, sequence);
    frame_send(answer_body, FRAME_HEADER_BYTES + payload_bytes);
}

static void answer_request(device *self, size_t length)
{
    request asked = {
        .verb = request_body[0],
        .payload = request_body + FRAME_HEADER_BYTES,
        .length = length - FRAME_HEADER_BYTES,
    };
    size_t payload_bytes = 0;
    status outcome = device_answer(self, &asked, answer_body + FRAME_HEADER_BYTES, &payload_bytes);
    send_answer(asked.verb, outcome, get_u16(request_body + 2), payload_bytes);
}

void firmware_run(void)
{
    device self = {.pool = reds_pool, .pool_bytes = sizeof reds_pool, .frame_bytes = sizeof request_body};
    frame_receiver receiver = {.body = request_body, .capacity = sizeof request_body};
    uint8_t chunk[READ_BYTES];
    size_t count;
    while ((count = hal_read(chunk, sizeof chunk)) > 0) {
        for (size_t at = 0, taken; at < count; at += taken) {
            switch (frame_receive(&receiver, chunk + at, count - at, &taken)) {
            case FRAME_COMPLETE:
                answer_request(&self, receiver.length);
                break;
            case FRAME_DAMAGED:
                send_answer(VERB_DAMAGED_FRAME, STATUS_DAMAGED_FRAME, 0, 0);
                break;
            case FRAME_INCOMPLETE:
                break;
            }
        }
    }
}
