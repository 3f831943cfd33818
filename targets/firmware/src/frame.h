/* Frames of docs/wire-protocol.md: COBS(body) and a zero byte; the body ends with the CRC-32 of what is before. */
#ifndef REDS_FIRMWARE_FRAME_H
#define REDS_FIRMWARE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER_BYTES 4u /* verb, status, sequence number */
#define FRAME_CRC_BYTES 4u

/* Takes bytes off the line. `body` and `capacity` are the caller's to set; the rest starts as zeros. */
typedef struct {
    uint8_t *body;
    size_t capacity;
    size_t length;   /* of body so far */
    uint8_t left;    /* bytes until the next code byte */
    bool zero_due;   /* the block that ends stands for a zero too, unless the frame ends with it */
    bool started;    /* a byte of this frame has arrived */
    bool overflowed; /* the body did not fit */
} frame_receiver;

typedef enum {
    FRAME_INCOMPLETE, /* all bytes taken, no frame has ended */
    FRAME_COMPLETE,   /* body[0 .. length) is a frame without its CRC */
    FRAME_DAMAGED     /* a frame ended that is too short, too long, not COBS, or does not fit its CRC */
} frame_event;

/* Take bytes until a frame ends; `*taken` says how many. After COMPLETE or DAMAGED the next call starts a new frame. */
frame_event frame_receive(frame_receiver *receiver, const uint8_t *bytes, size_t count, size_t *taken);

/* Append the CRC to body[0 .. length), which has room for it, and write the frame through hal_write. */
void frame_send(uint8_t *body, size_t length);

#endif
