/* The device's side of docs/wire-protocol.md: one request in, one answer out. Knows nothing of frames or boards. */
#ifndef REDS_FIRMWARE_DEVICE_H
#define REDS_FIRMWARE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reds.h"

#define PROTOCOL_VERSION 3u

typedef enum {
    VERB_HELLO = 1,
    VERB_LOAD_BEGIN = 2,
    VERB_LOAD_DATA = 3,
    VERB_LOAD_END = 4,
    VERB_SELECT = 5,
    VERB_INPUT = 6,
    VERB_INFER = 7,
    VERB_TIME = 8,
    VERB_LOAD_BUILT_IN = 9,
    VERB_PING = 10,
    VERB_DAMAGED_FRAME = 0x7f, /* with ANSWER_BIT: the answer to what could not be read */
    ANSWER_BIT = 0x80
} verb;

typedef enum {
    STATUS_DONE = 0,
    STATUS_DAMAGED_FRAME = 1,
    STATUS_UNKNOWN_VERB = 2,
    STATUS_WRONG_LENGTH = 3,
    STATUS_NO_ROOM = 4,
    STATUS_IMAGE_REFUSED = 5,
    STATUS_NO_IMAGE = 6,
    STATUS_NO_SUCH_LEVEL = 7,
    STATUS_OUT_OF_ORDER = 8,
    STATUS_CLOCK_OVERFLOW = 9,
    STATUS_NOT_GREETED = 10
} status;

/* A loaded image and the memory it works in. The pool holds, one after the other: the image unless it is built into the firmware, the
 * arena, staged inputs. */
typedef struct {
    uint8_t *pool; /* aligned to REDS_ARENA_ALIGNMENT */
    size_t pool_bytes;
    size_t frame_bytes; /* of the longest body that can be received and of the longest answer */

    bool greeted; /* by HELLO, since the reset */

    bool announced;        /* LOAD_BEGIN has announced an image, and nothing else was loaded since */
    size_t image_bytes;    /* of that image */
    size_t received_bytes; /* of that image */

    bool loaded;
    reds_network network;
    reds_description description;
    size_t arena_bytes; /* that the network was given */
    size_t input_bytes, output_bytes;
    uint8_t *staging;
    size_t staging_bytes;
    size_t staged_bytes;
} device;

typedef struct {
    uint8_t verb;
    const uint8_t *payload;
    size_t length;
} request;

/* Answer a request: the payload goes to `answer`, which holds frame_bytes less header and CRC; `*length` says how much. A
 * status other than done comes with a readable message as its payload. */
status device_answer(device *self, const request *asked, uint8_t *answer, size_t *length);

/* How many bytes of payload a frame carries. */
size_t device_payload_bytes(const device *self);

#endif
