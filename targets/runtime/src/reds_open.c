/* The validator: everything that an image says is checked here, once, against docs/image-format.md.
 *
 * Offsets and lengths are added in 64 bits. What a record rules out is not checked again for the records that follow it, so the
 * order of the checks matters: header, layers, levels, and within a level its steps and their channels.
 */
#include <float.h>

#include "reds.h"
#include "reds_image.h"

enum { INT8_LOWEST = -128, INT8_HIGHEST = 127, FLOAT32_BYTES = 4, INT8_ROW_MULTIPLE = 4, CRC_TABLE_SIZE = 16 };

typedef struct {
    const uint8_t *bytes;
    const struct reds_header_record *header;
} image_view;

static int is_zero(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != 0)
            return 0;
    return 1;
}

static int in_range(int64_t value, int64_t lowest, int64_t highest)
{
    return lowest <= value && value <= highest;
}

/* Whether `count` records of `record_bytes` at `offset` lie within `limit` bytes and on a record boundary. */
static int fits(uint32_t offset, uint64_t count, uint64_t record_bytes, uint64_t limit)
{
    return offset % REDS_RECORD_ALIGNMENT == 0 && offset + count * record_bytes <= limit;
}

/* An int8 image has a scale and a zero point wherever a float32 image states 1 and 0. */
static int is_quantisation(uint8_t precision, float scale, int32_t zero_point)
{
    if (precision == REDS_FLOAT32)
        return scale == 1.0f && zero_point == 0;
    return scale > 0.0f && scale <= FLT_MAX && in_range(zero_point, INT8_LOWEST, INT8_HIGHEST);
}

static uint64_t rounded_up(uint64_t count, uint64_t multiple)
{
    return (count + multiple - 1) / multiple * multiple;
}

static uint64_t activation_bytes(uint8_t precision, uint32_t elements)
{
    return precision == REDS_FLOAT32 ? (uint64_t)elements * FLOAT32_BYTES : rounded_up(elements, REDS_RECORD_ALIGNMENT);
}

/* CRC-32 (IEEE 802.3), four bits at a time: a table of 64 bytes is a fair price on a microcontroller.
 * The firmware has a faster one for its frames; the runtime stands alone. */
static uint32_t crc32_of(const uint8_t *bytes, size_t count)
{
    static const uint32_t table[CRC_TABLE_SIZE] = {
        0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
        0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu, 0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu};
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ table[crc % CRC_TABLE_SIZE];
        crc = (crc >> 4) ^ table[crc % CRC_TABLE_SIZE];
    }
    return ~crc;
}

static reds_status check_file(const void *image, size_t image_bytes)
{
    const struct reds_header_record *const header = image;
    static const uint8_t magic[sizeof header->magic] = {'R', 'E', 'D', 'S'};
    for (size_t i = 0; i < sizeof magic && i < image_bytes; i++)
        if (header->magic[i] != magic[i])
            return REDS_NOT_AN_IMAGE;
    if (image_bytes < sizeof *header)
        return REDS_TRUNCATED;
    if (header->format_version != REDS_FORMAT_VERSION)
        return REDS_UNKNOWN_VERSION;
    if (header->header_bytes != sizeof *header)
        return REDS_BAD_HEADER;
    if (header->image_bytes > image_bytes)
        return REDS_TRUNCATED;
    if (header->image_bytes != image_bytes || image_bytes % REDS_RECORD_ALIGNMENT != 0)
        return REDS_BAD_HEADER;
    if (header->crc32 != crc32_of((const uint8_t *)image + REDS_CRC_START, image_bytes - REDS_CRC_START))
        return REDS_CORRUPT;
    return REDS_OK;
}

static reds_status check_header(const struct reds_header_record *header)
{
    if (header->precision != REDS_FLOAT32 && header->precision != REDS_INT8)
        return REDS_UNSUPPORTED;
    const int valid = in_range(header->layer_count, 1, REDS_MAX_LAYERS) && in_range(header->level_count, 1, REDS_MAX_LEVELS) &&
                      in_range(header->input_elements, 1, REDS_MAX_ELEMENTS) &&
                      in_range(header->output_elements, 1, REDS_MAX_ELEMENTS) &&
                      fits(header->layers_offset, header->layer_count, sizeof(struct reds_layer_record), header->image_bytes) &&
                      fits(header->levels_offset, header->level_count, sizeof(struct reds_level_record), header->image_bytes) &&
                      is_quantisation(header->precision, header->input_scale, header->input_zero_point) &&
                      header->reserved_a == 0 && is_zero(header->reserved_b, sizeof header->reserved_b);
    return valid ? REDS_OK : REDS_BAD_HEADER;
}

static reds_status check_layer(const struct reds_header_record *header, const struct reds_layer_record *layer)
{
    if (layer->kind != REDS_DENSE || layer->layout != REDS_ROW_MAJOR)
        return REDS_UNSUPPORTED;
    if (!in_range(layer->inputs, 1, REDS_MAX_ELEMENTS) || !in_range(layer->outputs, 1, REDS_MAX_ELEMENTS))
        return REDS_BAD_LAYER;
    const int quantised = header->precision == REDS_INT8;
    const uint64_t row_stride = quantised ? rounded_up(layer->inputs, INT8_ROW_MULTIPLE) : layer->inputs;
    const uint64_t weights_bytes = layer->outputs * row_stride * (quantised ? 1u : FLOAT32_BYTES);
    const int valid = (layer->activation == REDS_NO_ACTIVATION || layer->activation == REDS_RELU) &&
                      layer->row_stride == row_stride && layer->weights_bytes == weights_bytes &&
                      fits(layer->weights_offset, weights_bytes, 1, header->image_bytes) && layer->reserved_a == 0 &&
                      is_zero(layer->reserved_b, sizeof layer->reserved_b);
    return valid ? REDS_OK : REDS_BAD_LAYER;
}

static reds_status check_int8_channels(const struct reds_int8_channel_record *channels, uint32_t count)
{
    for (const struct reds_int8_channel_record *channel = channels; channel < channels + count; channel++) {
        const int multiplier = channel->multiplier == 0 || channel->multiplier >= REDS_MIN_MULTIPLIER;
        if (!multiplier || !in_range(channel->shift, REDS_MIN_SHIFT, REDS_MAX_SHIFT) ||
            !in_range(channel->bias, -REDS_MAX_BIAS, REDS_MAX_BIAS))
            return REDS_BAD_STEP;
    }
    return REDS_OK;
}

/* What an int8 step states of its output: all zero in float32, which has no use for it. */
static int is_output_range(uint8_t precision, const struct reds_step_record *step)
{
    if (precision == REDS_FLOAT32)
        return step->output_zero_point == 0 && step->clamp_min == 0 && step->clamp_max == 0;
    return in_range(step->output_zero_point, INT8_LOWEST, INT8_HIGHEST) && in_range(step->clamp_min, INT8_LOWEST, step->clamp_max) &&
           step->clamp_max <= INT8_HIGHEST;
}

static reds_status check_step(image_view image, const struct reds_layer_record *layer, const struct reds_level_record *level,
                              const struct reds_step_record *step)
{
    const uint8_t precision = image.header->precision;
    const int quantised = precision == REDS_INT8;
    if (!in_range(step->inputs, 1, layer->inputs) || !in_range(step->outputs, 1, layer->outputs))
        return REDS_BAD_STEP;
    const uint64_t input_bytes = activation_bytes(precision, step->inputs);
    const uint64_t output_bytes = activation_bytes(precision, step->outputs);
    const uint64_t channel_bytes =
        quantised ? sizeof(struct reds_int8_channel_record) : sizeof(struct reds_float32_channel_record);
    const int disjoint =
        step->input_offset + input_bytes <= step->output_offset || step->output_offset + output_bytes <= step->input_offset;
    const int valid = fits(step->channels_offset, step->outputs, channel_bytes, image.header->image_bytes) &&
                      fits(step->input_offset, input_bytes, 1, level->arena_bytes) &&
                      fits(step->output_offset, output_bytes, 1, level->arena_bytes) && disjoint &&
                      is_output_range(precision, step) && is_zero(step->reserved, sizeof step->reserved);
    if (!valid)
        return REDS_BAD_STEP;
    if (!quantised)
        return REDS_OK;
    return check_int8_channels((const void *)(image.bytes + step->channels_offset), step->outputs);
}

static reds_status check_steps(image_view image, const struct reds_layer_record *layers, const struct reds_level_record *level)
{
    const struct reds_step_record *const steps = (const void *)(image.bytes + level->steps_offset);
    const uint32_t count = image.header->layer_count;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t inputs = i == 0 ? image.header->input_elements : steps[i - 1].outputs;
        const uint32_t input_offset = i == 0 ? steps[0].input_offset : steps[i - 1].output_offset;
        if (steps[i].inputs != inputs || steps[i].input_offset != input_offset)
            return REDS_BAD_STEP;
        const reds_status status = check_step(image, &layers[i], level, &steps[i]);
        if (status != REDS_OK)
            return status;
    }
    return steps[count - 1].outputs == image.header->output_elements ? REDS_OK : REDS_BAD_STEP;
}

/* Whether level 0 uses every row and column of every layer. Its steps have been checked. */
static int is_whole(image_view image, const struct reds_layer_record *layers, const struct reds_level_record *level)
{
    const struct reds_step_record *const steps = (const void *)(image.bytes + level->steps_offset);
    for (uint32_t i = 0; i < image.header->layer_count; i++)
        if (steps[i].inputs != layers[i].inputs || steps[i].outputs != layers[i].outputs)
            return 0;
    return 1;
}

/* One to seven printable ASCII characters, then NULs. */
static int is_name(const char name[8])
{
    size_t length = 0;
    while (length < 8 && in_range(name[length], ' ' + 1, '~'))
        length++;
    return in_range((int64_t)length, 1, 7) && is_zero((const uint8_t *)name + length, 8 - length);
}

static int is_same_name(const char a[8], const char b[8])
{
    for (size_t i = 0; i < 8; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

static int is_new_name(const struct reds_level_record *levels, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (is_same_name(levels[i].name, levels[index].name))
            return 0;
    return 1;
}

/* One level record; those before it have been checked. */
static reds_status check_level(image_view image, const struct reds_level_record *levels, uint32_t index)
{
    const struct reds_header_record *const header = image.header;
    const struct reds_level_record *const level = levels + index;
    const int valid = is_name(level->name) && is_new_name(levels, index) && level->arena_bytes % REDS_RECORD_ALIGNMENT == 0 &&
                      fits(level->steps_offset, header->layer_count, sizeof(struct reds_step_record), header->image_bytes) &&
                      is_quantisation(header->precision, level->output_scale, level->output_zero_point) &&
                      is_zero(level->reserved, sizeof level->reserved);
    return valid ? REDS_OK : REDS_BAD_LEVEL;
}

reds_status reds_open(reds_network *network, const void *image, size_t image_bytes)
{
    if ((uintptr_t)image % REDS_RECORD_ALIGNMENT != 0)
        return REDS_MISALIGNED;
    reds_status status = check_file(image, image_bytes);
    if (status != REDS_OK)
        return status;
    const image_view view = {image, image};
    status = check_header(view.header);
    if (status != REDS_OK)
        return status;
    const struct reds_layer_record *const layers = (const void *)(view.bytes + view.header->layers_offset);
    const struct reds_level_record *const levels = (const void *)(view.bytes + view.header->levels_offset);
    for (uint32_t i = 0; i < view.header->layer_count; i++) {
        status = check_layer(view.header, &layers[i]);
        if (status != REDS_OK)
            return status;
    }
    uint32_t arena_bytes = 0;
    for (uint32_t i = 0; i < view.header->level_count; i++) {
        status = check_level(view, levels, i);
        if (status == REDS_OK)
            status = check_steps(view, layers, &levels[i]);
        if (status == REDS_OK && i == 0 && !is_whole(view, layers, &levels[i]))
            status = REDS_BAD_STEP;
        if (status != REDS_OK)
            return status;
        arena_bytes = levels[i].arena_bytes > arena_bytes ? levels[i].arena_bytes : arena_bytes;
    }
    if (arena_bytes != view.header->arena_bytes)
        return REDS_BAD_HEADER;
    network->image = image;
    network->level = NULL;
    network->arena = NULL;
    network->arena_bytes = 0;
    return REDS_OK;
}
