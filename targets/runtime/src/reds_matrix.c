/* Rows and windows of the matrix kernels: reds_matrix.h. */
#include <string.h>

#include "reds_cold.h"
#include "reds_matrix.h"
#include "reds_window.h"

static inline uint32_t rounded_up(uint32_t count, uint32_t multiple)
{
    return (count + multiple - 1) / multiple * multiple;
}

static inline const struct reds_step_record *step_of(const reds_operands *operands, const struct reds_level_record *level)
{
    const struct reds_step_record *const steps = reds_at(operands, level->steps_offset);
    return steps + operands->index;
}

/* Input channels that the levels smaller than `level` have. */
static inline uint32_t smaller_channels(const reds_operands *operands, const struct reds_level_record *level)
{
    return level == operands->smallest ? 0 : step_of(operands, level + 1)->input_channels;
}

/* Elements of the shell of `level`, with what fills it up. */
static inline uint32_t shell_elements(const reds_operands *operands, const struct reds_level_record *level, uint32_t block)
{
    const uint32_t channels = step_of(operands, level)->input_channels - smaller_channels(operands, level);
    return rounded_up(reds_positions(operands->layer) * channels, block);
}

/* Columns of a level in the layout shells. */
REDS_COLD static uint32_t shells_columns(const reds_operands *operands, const struct reds_level_record *level, uint32_t block)
{
    uint32_t columns = 0;
    for (; level <= operands->smallest; level++)
        columns += shell_elements(operands, level, block);
    return columns;
}

uint32_t reds_columns(const reds_operands *operands, uint32_t block)
{
    if (operands->layer->layout == REDS_SHELLS)
        return shells_columns(operands, operands->level, block);
    return reds_positions(operands->layer) * operands->step->input_channels;
}

static int all_rows(const reds_operands *operands, uint32_t element_bytes, uint32_t block, reds_row_group *group)
{
    const uint32_t positions = reds_positions(operands->layer);
    group->first_row = 0;
    group->row_count = operands->step->output_channels;
    group->segment_count = 1;
    group->segments[0].weights = reds_at(operands, operands->layer->weights_offset);
    group->segments[0].stride = rounded_up(positions * operands->layer->input_channels, block) * element_bytes;
    group->segments[0].column = 0;
    group->segments[0].elements = positions * operands->step->input_channels;
    return 1;
}

/* The rows that `level` adds: all its columns lie together, those of each larger level in that level's section. */
REDS_COLD static void rows_of_level(const reds_operands *operands, const struct reds_level_record *level, uint32_t element_bytes,
                          uint32_t block, reds_row_group *group)
{
    reds_segment *segment = group->segments;
    segment->weights = reds_at(operands, step_of(operands, level)->rows_offset);
    segment->column = 0;
    segment->elements = shells_columns(operands, level, block);
    segment->stride = segment->elements * element_bytes;
    uint32_t column = segment->elements;
    while (level > operands->level) {
        level--;
        const uint32_t elements = shell_elements(operands, level, block);
        if (elements == 0)
            continue;
        segment++;
        segment->stride = elements * element_bytes;
        segment->weights = operands->image + step_of(operands, level)->columns_offset + (size_t)group->first_row * segment->stride;
        segment->column = column;
        segment->elements = elements;
        column += elements;
    }
    group->segment_count = (uint32_t)(segment - group->segments) + 1;
}

int reds_row_group_at(const reds_operands *operands, uint32_t index, uint32_t element_bytes, uint32_t block, reds_row_group *group)
{
    if (operands->layer->layout != REDS_SHELLS)
        return index == 0 && all_rows(operands, element_bytes, block, group);
    uint32_t rows = 0;
    for (const struct reds_level_record *level = operands->smallest; level >= operands->level; level--) {
        const uint32_t level_rows = step_of(operands, level)->output_channels;
        if (level_rows > rows && index-- == 0) {
            group->first_row = rows;
            group->row_count = level_rows - rows;
            rows_of_level(operands, level, element_bytes, block, group);
            return 1;
        }
        rows = level_rows;
    }
    return 0;
}

/* Whether the order of columns is that of the channels and positions of a window, with nothing filled up in between. */
static int is_map_order(const reds_operands *operands, uint32_t block)
{
    const uint32_t positions = reds_positions(operands->layer), channels = operands->step->input_channels;
    const int shells = operands->layer->layout == REDS_SHELLS;
    for (const struct reds_level_record *level = operands->level; level < operands->smallest; level++) {
        const uint32_t smaller = smaller_channels(operands, level);
        if (smaller != channels && (positions > 1 || (shells && smaller % block != 0)))
            return 0;
    }
    return 1;
}

REDS_COLD int reds_is_gathered(const reds_operands *operands, uint32_t block)
{
    const struct reds_layer_record *const layer = operands->layer;
    if (!is_map_order(operands, block))
        return 0;
    if (layer->kernel_height == layer->input_height && layer->kernel_width == layer->input_width)
        return layer->pad_top == 0 && layer->pad_left == 0 && reds_windows(layer) == 1;
    return reds_positions(layer) == 1 && layer->stride_height == 1 && layer->stride_width == 1 &&
           layer->output_width == layer->input_width && operands->step->input_channels % block == 0;
}

/* The shell of `channels` channels from `first_channel` on of one window: what lies outside the input is padding. */
static uint8_t *gather_shell(const reds_operands *operands, const reds_window *window, uint32_t first_channel, uint32_t channels,
                             uint32_t element_bytes, uint8_t padding, uint8_t *gathered)
{
    const struct reds_layer_record *const layer = operands->layer;
    const size_t channel_bytes = (size_t)channels * element_bytes, row_bytes = channel_bytes * layer->kernel_width;
    const size_t position_bytes = (size_t)operands->step->input_channels * element_bytes;
    const uint8_t *const input = (const uint8_t *)operands->input + (size_t)first_channel * element_bytes;
    const size_t left_bytes = window->first_column * channel_bytes, end_bytes = window->end_column * channel_bytes;
    for (uint32_t y = 0; y < layer->kernel_height; y++, gathered += row_bytes) {
        if (y < window->first_row || y >= window->end_row) {
            memset(gathered, padding, row_bytes);
            continue;
        }
        const uint8_t *from = input + reds_window_position(layer, window, y, window->first_column) * position_bytes;
        memset(gathered, padding, left_bytes);
        if (channel_bytes == position_bytes)
            memcpy(gathered + left_bytes, from, end_bytes - left_bytes);
        else
            for (size_t to = left_bytes; to < end_bytes; to += channel_bytes, from += position_bytes)
                memcpy(gathered + to, from, channel_bytes);
        memset(gathered + end_bytes, padding, row_bytes - end_bytes);
    }
    return gathered;
}

static uint8_t *fill_up(uint8_t *gathered, uint32_t elements, uint32_t element_bytes, uint32_t block)
{
    const uint32_t fill_bytes = (rounded_up(elements, block) - elements) * element_bytes;
    memset(gathered, 0, fill_bytes);
    return gathered + fill_bytes;
}

void reds_gather(const reds_operands *operands, uint32_t window, uint32_t element_bytes, uint32_t block, uint8_t padding,
                 uint8_t *gathered)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t positions = reds_positions(layer);
    const int shells = layer->layout == REDS_SHELLS;
    const reds_window at = reds_window_at(layer, window / layer->output_width, window % layer->output_width);
    uint32_t first_channel = 0;
    for (const struct reds_level_record *level = operands->smallest; level >= operands->level; level--) {
        const uint32_t end_channel = step_of(operands, level)->input_channels;
        if (end_channel == first_channel)
            continue;
        gathered = gather_shell(operands, &at, first_channel, end_channel - first_channel, element_bytes, padding, gathered);
        if (shells)
            gathered = fill_up(gathered, positions * (end_channel - first_channel), element_bytes, block);
        first_channel = end_channel;
    }
    if (!shells)
        fill_up(gathered, positions * first_channel, element_bytes, block);
}
