/* The validator's rules about step and channel records: docs/image-format.md, "Step record", "Buffers", "Weights". */
#include "reds_check.h"

static int is_channels(const reds_image_view *image, const struct reds_layer_record *layer, const struct reds_level_record *level,
                       const struct reds_step_record *step, uint32_t index)
{
    if (!reds_in_range(step->input_channels, 1, layer->input_channels) ||
        !reds_in_range(step->output_channels, 1, layer->output_channels) ||
        (!reds_is_matrix(layer) && step->output_channels != step->input_channels))
        return 0;
    if (level == image->smallest)
        return 1;
    const struct reds_step_record *const smaller = reds_steps_of(image, level + 1) + index;
    return step->input_channels >= smaller->input_channels && step->output_channels >= smaller->output_channels;
}

/* Zero points and clamp of an int8 step; all zero in float32, which has no use for them. */
static int is_range(const reds_image_view *image, const struct reds_step_record *step)
{
    if (!reds_is_int8(image))
        return step->input_zero_point == 0 && step->output_zero_point == 0 && step->clamp_min == 0 && step->clamp_max == 0;
    return reds_in_range(step->input_zero_point, REDS_INT8_LOWEST, REDS_INT8_HIGHEST) &&
           reds_in_range(step->output_zero_point, REDS_INT8_LOWEST, REDS_INT8_HIGHEST) &&
           reds_in_range(step->clamp_max, REDS_INT8_LOWEST, REDS_INT8_HIGHEST) &&
           reds_in_range(step->clamp_min, REDS_INT8_LOWEST, step->clamp_max);
}

/* The maps of a step: at most 2^24 elements by the layer's rules, and once they are known to lie in the arena every sum of an
 * offset and a part of a map stays below 2^32. */
typedef struct {
    uint32_t input_row_bytes, output_row_bytes;
    uint32_t input_bytes, output_bytes; /* filled up to whole words */
} map_sizes;

static map_sizes sizes_of(const reds_image_view *image, const struct reds_layer_record *layer, const struct reds_step_record *step)
{
    const uint32_t element_bytes = reds_element_bytes(image);
    map_sizes sizes;
    sizes.input_row_bytes = layer->input_width * step->input_channels * element_bytes;
    sizes.output_row_bytes = layer->output_width * step->output_channels * element_bytes;
    sizes.input_bytes = reds_filled_up(layer->input_height * sizes.input_row_bytes, REDS_RECORD_ALIGNMENT);
    sizes.output_bytes = reds_filled_up(layer->output_height * sizes.output_row_bytes, REDS_RECORD_ALIGNMENT);
    return sizes;
}

/* Whether output row `y`, or the last one, and those before it end where nothing is read any more once the row is begun. */
static int is_row_behind(const struct reds_layer_record *layer, const struct reds_step_record *step, const map_sizes *sizes,
                         uint32_t y)
{
    const uint32_t row = y < layer->output_height ? y : layer->output_height - 1u;
    const int32_t first_row = (int32_t)(row * layer->stride_height) - layer->pad_top;
    const uint32_t free_bytes = first_row > 0 ? (uint32_t)first_row * sizes->input_row_bytes : 0;
    return step->output_offset + (row + 1) * sizes->output_row_bytes <= step->input_offset + free_bytes;
}

/* The room that output row y leaves shrinks while its windows begin in the padding and changes linearly from there on: it is least
 * at one of three rows. */
static int is_behind(const struct reds_layer_record *layer, const struct reds_step_record *step, const map_sizes *sizes)
{
    const uint32_t padded = layer->pad_top / layer->stride_height;
    return is_row_behind(layer, step, sizes, padded) && is_row_behind(layer, step, sizes, padded + 1) &&
           is_row_behind(layer, step, sizes, layer->output_height);
}

static int is_buffers(const reds_image_view *image, const struct reds_layer_record *layer, const struct reds_level_record *level,
                      const struct reds_step_record *step)
{
    const map_sizes sizes = sizes_of(image, layer, step);
    if (!reds_fits(step->input_offset, sizes.input_bytes, level->activation_bytes) ||
        !reds_fits(step->output_offset, sizes.output_bytes, level->activation_bytes))
        return 0;
    const uint32_t input_end = step->input_offset + sizes.input_bytes, output_end = step->output_offset + sizes.output_bytes;
    if (input_end <= step->output_offset || output_end <= step->input_offset)
        return 1;
    return layer->kind != REDS_DENSE && output_end <= input_end && is_behind(layer, step, &sizes);
}

static int is_int8_channel(const struct reds_int8_channel_record *channel)
{
    return (channel->multiplier == 0 || reds_in_range(channel->multiplier, REDS_MIN_MULTIPLIER, INT32_MAX) ||
            reds_in_range(channel->multiplier, -INT32_MAX, -REDS_MIN_MULTIPLIER)) &&
           reds_in_range(channel->shift, REDS_MIN_SHIFT, REDS_MAX_SHIFT) &&
           reds_in_range(channel->bias, -REDS_MAX_BIAS, REDS_MAX_BIAS);
}

static int is_channel_records(const reds_image_view *image, const struct reds_layer_record *layer,
                              const struct reds_level_record *level, const struct reds_step_record *step)
{
    if (reds_is_pool(layer))
        return step->channels_offset == 0;
    const int quantised = reds_is_int8(image);
    const uint32_t record_bytes = quantised ? sizeof(struct reds_int8_channel_record) : sizeof(struct reds_float32_channel_record);
    if (!reds_is_in_sections(image, level, step->channels_offset, (uint64_t)step->output_channels * record_bytes))
        return 0;
    const struct reds_int8_channel_record *const channels = (const void *)(image->bytes + step->channels_offset);
    for (uint32_t i = 0; quantised && i < step->output_channels; i++)
        if (!is_int8_channel(&channels[i]))
            return 0;
    return 1;
}

static int is_table(const reds_image_view *image, const struct reds_layer_record *layer, const struct reds_level_record *level,
                    const struct reds_step_record *step)
{
    if (!reds_is_int8(image) || layer->activation != REDS_LEAKY_RELU)
        return step->table_offset == 0;
    return reds_is_in_sections(image, level, step->table_offset, REDS_TABLE_BYTES);
}

/* What a level adds in one place, or 0 where it adds nothing. */
static int is_addition(uint32_t offset, uint64_t elements, const reds_image_view *image, const struct reds_level_record *level)
{
    return elements == 0 ? offset == 0 : reds_is_in_sections(image, level, offset, elements * reds_element_bytes(image));
}

/* Weights of the layout shells: the columns of the level's shell for the rows it shares with the next smaller level, and its new
 * rows. Columns and rows of the smaller levels have been checked. */
static int is_shell(const reds_image_view *image, const struct reds_layer_record *layer, const struct reds_level_record *level,
                    const struct reds_step_record *step, uint32_t index)
{
    if (layer->layout != REDS_SHELLS)
        return step->columns_offset == 0 && step->rows_offset == 0;
    uint32_t columns = 0, shell = 0, rows = 0, channels = 0; /* below 2^25: fewer than 2^24 columns, 32 times filled up */
    for (const struct reds_level_record *at = image->smallest; at >= level; at--) {
        const struct reds_step_record *const current = reds_steps_of(image, at) + index;
        rows = at == level ? rows : current->output_channels;
        shell = reds_filled_up(reds_kernel_positions(layer) * (current->input_channels - channels), reds_block(image));
        columns += shell;
        channels = current->input_channels;
    }
    return is_addition(step->columns_offset, (uint64_t)rows * shell, image, level) &&
           is_addition(step->rows_offset, (uint64_t)(step->output_channels - rows) * columns, image, level);
}

reds_status reds_check_step(const reds_image_view *image, const struct reds_level_record *level, uint32_t index)
{
    const struct reds_layer_record *const layer = &image->layers[index];
    const struct reds_step_record *const step = reds_steps_of(image, level) + index;
    const int valid = is_channels(image, layer, level, step, index) && is_range(image, step) &&
                      is_buffers(image, layer, level, step) && is_channel_records(image, layer, level, step) &&
                      is_table(image, layer, level, step) && is_shell(image, layer, level, step, index) &&
                      reds_is_zero(step->reserved, sizeof step->reserved);
    return valid ? REDS_OK : REDS_BAD_STEP;
}
