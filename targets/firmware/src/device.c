#include "device.h"

#include <string.h>

#include "built_in_image.h"
#include "bytes.h"
#include "frame.h"
#include "hal.h"
#include "measure.h"

#ifndef REDS_BOARD
#error "REDS_BOARD is set by targets/firmware/bake_identity.py"
#endif
#ifndef REDS_FIRMWARE_SHA256
#error "REDS_FIRMWARE_SHA256 is set by targets/firmware/bake_identity.py"
#endif

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#define CAPABILITY_FLOAT32 1u
#define CAPABILITY_INT8 2u
#define NETWORK_BYTES 19u /* of the answer to LOAD_END before what each level needs */

typedef struct {
    uint8_t verb;
    uint8_t least_bytes; /* of the payload */
    bool open_ended;     /* more may follow */
    status (*handle)(device *self, const request *asked, uint8_t *answer, size_t *length);
} command;

size_t device_payload_bytes(const device *self) { return self->frame_bytes - FRAME_HEADER_BYTES - FRAME_CRC_BYTES; }

static status refuse(status reason, const char *message, uint8_t *answer, size_t *length)
{
    *length = strlen(message);
    memcpy(answer, message, *length);
    return reason;
}

static uint8_t *put_string(uint8_t *at, const char *text)
{
    size_t bytes = strlen(text) + 1;
    memcpy(at, text, bytes);
    return at + bytes;
}

static status hello(device *self, const request *asked, uint8_t *answer, size_t *length)
{
    (void)asked;
    self->greeted = true;
    put_u16(answer, PROTOCOL_VERSION);
    put_u16(answer + 2, (uint16_t)self->frame_bytes);
    put_u32(answer + 4, (uint32_t)self->pool_bytes);
    put_u32(answer + 8, hal_clock_hz());
    put_u32(answer + 12, CAPABILITY_FLOAT32 | CAPABILITY_INT8);
    uint8_t *at = answer + 16;
    at = put_string(at, REDS_BOARD);
    at = put_string(at, REDS_FIRMWARE_SHA256);
    at = put_string(at, hal_clock_kind());
    at = put_string(at, COMPILER);
    at = put_string(at, REDS_RUNTIME_VERSION);
    *length = (size_t)(at - answer);
    return STATUS_DONE;
}

static status ping(device *self, const request *asked, uint8_t *answer, size_t *length)
{
    (void)self, (void)asked, (void)answer, (void)length;
    return STATUS_DONE;
}

static void forget_image(device *self)
{
    self->loaded = false;
    self->announced = false;
    self->image_bytes = 0;
    self->received_bytes = 0;
}

static status load_begin(device *self, const request *asked, uint8_t *answer, size_t *length)
{
    forget_image(self);
    uint32_t image_bytes = get_u32(asked->payload);
    if (image_bytes > self->pool_bytes) {
        return refuse(STATUS_NO_ROOM, "the image does not fit in the memory pool", answer, length);
    }
    self->announced = true;
    self->image_bytes = image_bytes;
    return STATUS_DONE;
}

static status load_data(device *self, const request *asked, uint8_t *answer, size_t *length)
{
    uint32_t offset = get_u32(asked->payload);
    const uint8_t *data = asked->payload + sizeof offset;
    size_t bytes = asked->length - sizeof offset;
    /* A part that is sent again begins within what has arrived, and leaves it as the first time did. */
    if (self->loaded || offset > self->received_bytes || bytes > self->image_bytes - offset) {
        return refuse(STATUS_OUT_OF_ORDER, "this part of the image does not follow the one before", answer, length);
    }
    memcpy(self->pool + offset, data, bytes);
    self->received_bytes = offset + bytes;
    return STATUS_DONE;
}

/* Wider than size_t: what an image states of its arena may be any number of 32 bits. */
static uint64_t aligned(uint64_t bytes) { return (bytes + REDS_ARENA_ALIGNMENT - 1) / REDS_ARENA_ALIGNMENT * REDS_ARENA_ALIGNMENT; }

/* Open an image, give it its arena from `arena_at` on in the pool, and leave the rest to inputs. Where the pool is too small for the
 * level that needs most, the arena is what remains beside one input, and the levels that fit can be selected. */
static status open_image(device *self, const uint8_t *image, size_t image_bytes, uint64_t arena_at, uint8_t *answer, size_t *length)
{
    reds_status opened = reds_open(&self->network, image, image_bytes);
    if (opened != REDS_OK) {
        return refuse(STATUS_IMAGE_REFUSED, reds_status_text(opened), answer, length);
    }
    reds_describe(&self->network, &self->description);
    const reds_description *network = &self->description;
    size_t element_bytes = network->precision == REDS_INT8 ? sizeof(int8_t) : sizeof(float);
    self->input_bytes = network->input_elements * element_bytes;
    self->output_bytes = network->output_elements * element_bytes;

    uint64_t taken = arena_at + aligned(self->input_bytes);
    uint64_t arena_bytes = taken < self->pool_bytes ? (self->pool_bytes - taken) / REDS_ARENA_ALIGNMENT * REDS_ARENA_ALIGNMENT : 0;
    if (arena_bytes > network->arena_bytes) {
        arena_bytes = network->arena_bytes;
    }
    if (self->output_bytes > device_payload_bytes(self)) {
        return refuse(STATUS_NO_ROOM, "one output does not fit in a frame", answer, length);
    }
    reds_status bound = reds_bind(&self->network, self->pool + arena_at, (size_t)arena_bytes);
    if (bound != REDS_OK) {
        return refuse(STATUS_NO_ROOM, "image, arena and one input do not fit in the memory pool", answer, length);
    }
    self->arena_bytes = (size_t)arena_bytes;
    uint64_t staging_at = aligned(arena_at + arena_bytes);
    self->staging = self->pool + staging_at;
    self->staging_bytes = self->pool_bytes - (size_t)staging_at;
    self->staged_bytes = 0;
    self->loaded = true;

    put_u32(answer, (uint32_t)arena_bytes);
    put_u32(answer + 4, network->input_elements);
    put_u32(answer + 8, network->output_elements);
    put_u32(answer + 12, (uint32_t)self->staging_bytes);
    answer[16] = (uint8_t)network->precision;
    answer[17] = (uint8_t)network->level_count;
    answer[18] = (uint8_t)network->layer_count;
    *length = NETWORK_BYTES;
    for (uint32_t level = 0; level < network->level_count; ++level, *length += sizeof(uint32_t)) {
        reds_level facts;
        (void)reds_describe_level(&self->network, level, &facts);
        put_u32(answer + *length, facts.arena_bytes);
    }
    return STATUS_DONE;
}

static status load_end(device *self, const request *asked, uint8_t *answer, size_t *length)
{
    (void)asked;
    if (!self->announced || self->received_bytes != self->image_bytes) {
        return refuse(STATUS_OUT_OF_ORDER, "the image is not complete", answer, length);
    }
    self->loaded = false; /* asked again, it opens the image again */
    return open_image(self, self->pool, self->image_bytes, aligned(self->image_bytes), answer, length);
}

static status load_built_in(device *self, const request *asked, uint8_t *answer, size_t *length)
{
    (void)asked;
    forget_image(self);
    if (built_in_image_bytes() == 0) {
        return refuse(STATUS_NO_IMAGE, "no image is built into this firmware", answer, length);
    }
    return open_image(self, built_in_image(), built_in_image_bytes(), 0, answer, length);
}

static status no_image(uint8_t *answer, size_t *length) { return refuse(STATUS_NO_IMAGE, "no image is loaded", answer, length); }

/* Whether the level can be selected, or why not. */
static status can_select(const device *self, uint8_t level, uint8_t *answer, size_t *length)
{
    reds_level facts;
    if (reds_describe_level(&self->network, level, &facts) != REDS_OK) {
        return refuse(STATUS_NO_SUCH_LEVEL, "the image has no such level", answer, length);
    }
    if (facts.arena_bytes > self->arena_bytes) {
        return refuse(STATUS_NO_ROOM, "this level needs more memory than the arena has", answer, length);
    }
    return STATUS_DONE;
}

static status select_level(device *self, const request *asked, uint8_t *answer, size_t *length)
{
    if (!self->loaded) {
        return no_image(answer, length);
    }
    status selectable = can_select(self, asked->payload[0], answer, length);
    if (selectable == STATUS_DONE) {
        (void)reds_select(&self->network, asked->payload[0]);
    }
    return selectable;
}

static status input(device *self, const request *asked, uint8_t *answer, size_t *length)
{
    if (!self->loaded) {
        return no_image(answer, length);
    }
    uint32_t offset = get_u32(asked->payload);
    size_t bytes = asked->length - sizeof offset;
    if (offset > self->staged_bytes) {
        return refuse(STATUS_OUT_OF_ORDER, "these inputs do not follow the ones before", answer, length);
    }
    if (bytes > self->staging_bytes - offset) {
        return refuse(STATUS_NO_ROOM, "the inputs do not fit in the memory pool", answer, length);
    }
    memcpy(self->staging + offset, asked->payload + sizeof offset, bytes);
    self->staged_bytes = offset + bytes;
    return STATUS_DONE;
}

static status infer(device *self, const request *asked, uint8_t *answer, size_t *length)
{
    (void)asked;
    if (!self->loaded) {
        return no_image(answer, length);
    }
    size_t count = self->staged_bytes / self->input_bytes;
    if (count == 0 || count * self->input_bytes != self->staged_bytes) {
        return refuse(STATUS_OUT_OF_ORDER, "the staged inputs are not whole", answer, length);
    }
    if (count * self->output_bytes > device_payload_bytes(self)) {
        return refuse(STATUS_NO_ROOM, "the outputs do not fit in a frame", answer, length);
    }
    for (size_t i = 0; i < count; ++i) {
        memcpy(reds_input(&self->network), self->staging + i * self->input_bytes, self->input_bytes);
        reds_invoke(&self->network);
        memcpy(answer + i * self->output_bytes, reds_output(&self->network), self->output_bytes);
    }
    *length = count * self->output_bytes;
    return STATUS_DONE;
}

static status time_work(device *self, const request *asked, uint8_t *answer, size_t *length)
{
    if (!self->loaded) {
        return no_image(answer, length);
    }
    /* Real inputs, and the probabilities behind them, are floats whatever the image's element type is. */
    bool real = asked->payload[0] == MEASURE_REAL_INFERENCE;
    size_t input_bytes = real ? self->description.input_elements * sizeof(float) : self->input_bytes;
    size_t output_at = real ? (size_t)aligned(input_bytes) : 0;
    if (real && output_at + self->description.output_elements * sizeof(float) > self->staging_bytes) {
        return refuse(STATUS_NO_ROOM, "a real input and the probabilities do not fit in the memory pool", answer, length);
    }
    measurement wanted = {
        .what = asked->payload[0],
        .from_level = asked->payload[1],
        .to_level = asked->payload[2],
        .repeats = get_u16(asked->payload + 4),
        .input = self->staging,
        .input_bytes = input_bytes,
        .probabilities = (float *)(void *)(self->staging + output_at),
    };
    status selectable = can_select(self, wanted.from_level, answer, length);
    if (selectable == STATUS_DONE) {
        selectable = can_select(self, wanted.to_level, answer, length);
    }
    if (selectable != STATUS_DONE) {
        return selectable;
    }
    if (wanted.what != MEASURE_SWITCH && self->staged_bytes < input_bytes) {
        return refuse(STATUS_OUT_OF_ORDER, "no input is staged", answer, length);
    }
    size_t samples = wanted.what == MEASURE_LAYERS ? self->description.layer_count : wanted.repeats;
    *length = (1 + samples) * sizeof(uint32_t);
    if (*length > device_payload_bytes(self)) {
        return refuse(STATUS_NO_ROOM, "so many samples do not fit in a frame", answer, length);
    }
    switch (measure(&self->network, &wanted, answer, answer + sizeof(uint32_t))) {
    case MEASURED:
        return STATUS_DONE;
    case MEASURE_TOO_LONG:
        return refuse(STATUS_CLOCK_OVERFLOW, "a sample takes more than 2^32 - 1 ticks", answer, length);
    case MEASURE_UNKNOWN:
        break;
    }
    return refuse(STATUS_UNKNOWN_VERB, "there is no such measurement", answer, length);
}

static const command commands[] = {
    {VERB_HELLO, 0, false, hello},        {VERB_LOAD_BEGIN, 4, false, load_begin}, {VERB_LOAD_DATA, 4, true, load_data},
    {VERB_LOAD_END, 0, false, load_end},  {VERB_SELECT, 1, false, select_level},   {VERB_INPUT, 4, true, input},
    {VERB_INFER, 0, false, infer},        {VERB_TIME, 6, false, time_work},      {VERB_LOAD_BUILT_IN, 0, false, load_built_in},
    {VERB_PING, 0, false, ping},
};

status device_answer(device *self, const request *asked, uint8_t *answer, size_t *length)
{
    *length = 0;
    if (!self->greeted && asked->verb != VERB_HELLO) {
        return refuse(STATUS_NOT_GREETED, "the device has started and was not greeted since", answer, length);
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; ++i) {
        const command *found = &commands[i];
        if (found->verb != asked->verb) {
            continue;
        }
        if (asked->length < found->least_bytes || (asked->length > found->least_bytes && !found->open_ended)) {
            return refuse(STATUS_WRONG_LENGTH, "the request has the wrong length", answer, length);
        }
        return found->handle(self, asked, answer, length);
    }
    return refuse(STATUS_UNKNOWN_VERB, "there is no such verb", answer, length);
}
