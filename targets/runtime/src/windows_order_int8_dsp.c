/* The order of columns of a step, and windows gathered in it: windows_int8_dsp.h. */
#include "reds_kernels.h"

#if REDS_HAS_DSP

#include "matrix_windows.h"
#include "reds_cold.h"
#include "reds_dsp.h"
#include "windows_int8_dsp.h"

enum { WORD = REDS_INT8_BLOCK };

/* Shells that follow one another without a gap, in memory and among the columns, are taken as one. */
static void find_shells(reds_windows_order *order)
{
    const reds_operands *const operands = order->operands;
    const int is_pointwise = reds_positions(operands->layer) == 1, is_filled_up = operands->layer->layout == REDS_SHELLS;
    const struct reds_level_record *level = is_pointwise && !is_filled_up ? operands->level : operands->smallest;
    uint32_t begin = 0, end = 0; /* of the last shell */
    order->shell_count = 0;
    for (; level >= operands->level; level--) {
        const struct reds_step_record *const steps = reds_at(operands, level->steps_offset);
        const uint32_t channels = steps[operands->index].input_channels;
        if (channels == end)
            continue;
        if (order->shell_count == 0 || !is_pointwise || (end - begin) % WORD != 0) {
            order->shell_count++;
            begin = end;
        }
        order->shell_ends[order->shell_count - 1] = end = channels;
    }
}

static uint32_t longest_kernel_row(const reds_windows_order *order)
{
    uint32_t most = 0;
    for (uint32_t i = 0, begin = 0; i < order->shell_count; begin = order->shell_ends[i++])
        if (order->shell_ends[i] - begin > most)
            most = order->shell_ends[i] - begin;
    return most * order->operands->layer->kernel_width;
}

REDS_COLD void reds_find_windows_order(const reds_operands *operands, uint32_t most_columns, reds_windows_order *order)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t row_bytes = layer->kernel_width * operands->step->input_channels;
    const int is_whole = layer->kernel_height == layer->input_height && layer->kernel_width == layer->input_width &&
                         layer->pad_top == 0 && layer->pad_left == 0 && reds_windows(layer) == 1;
    order->operands = operands;
    find_shells(order);
    order->columns = reds_rounded_up(reds_columns(operands, WORD), WORD);
    order->is_direct = order->shell_count == 1 && (reds_positions(layer) == 1 || is_whole);
    order->row_bytes = order->shell_count == 1 && row_bytes % WORD == 0 ? row_bytes : 0;
    const uint32_t needed = order->is_direct ? 0 : longest_kernel_row(order) + WORD - 1;
    order->capacity = reds_rounded_up(most_columns > needed ? most_columns : needed, WORD);
    if (order->capacity > order->columns)
        order->capacity = order->columns;
}

static inline void copy_word(uint8_t *to, const uint8_t *from, uint32_t at)
{
    reds_store_word(to + at, reds_load_word(from + at));
}

/* `count` runs of bytes, which then lie next to one another: whole words, the last of which may overlap the one before. The
 * runs that narrow shells have take no loop inside the loop. */
static inline void copy_runs(uint8_t *to, const uint8_t *from, uint32_t from_pitch, uint32_t bytes, uint32_t count)
{
    const uint32_t last = bytes - WORD;
    if (bytes < WORD) {
        for (; count > 0; count--, to += bytes, from += from_pitch)
            for (uint32_t i = 0; i < bytes; i++)
                to[i] = from[i];
    } else if (bytes <= 2 * WORD) {
        for (; count > 0; count--, to += bytes, from += from_pitch) {
            copy_word(to, from, 0);
            copy_word(to, from, last);
        }
    } else if (bytes <= 4 * WORD) {
        for (; count > 0; count--, to += bytes, from += from_pitch) {
            copy_word(to, from, 0);
            copy_word(to, from, WORD);
            if (bytes > 3 * WORD)
                copy_word(to, from, 2 * WORD);
            copy_word(to, from, last);
        }
    } else {
        for (; count > 0; count--, to += bytes, from += from_pitch) {
            for (uint32_t i = 0; i < last; i += WORD)
                copy_word(to, from, i);
            copy_word(to, from, last);
        }
    }
}

static void fill_bytes(uint8_t *to, uint8_t value, uint32_t bytes)
{
    for (; bytes >= WORD; bytes -= WORD, to += WORD)
        reds_store_word(to, value * UINT32_C(0x01010101));
    for (; bytes > 0; bytes--)
        *to++ = value;
}

/* `rows` kernel rows of a shell of one window, from row `kernel_row` on. */
static void copy_kernel_rows(const reds_windows_order *order, const reds_window *at, uint32_t first_channel, uint32_t channels,
                             uint32_t kernel_row, uint32_t rows, uint8_t *to)
{
    const struct reds_layer_record *const layer = order->operands->layer;
    const uint32_t input_channels = order->operands->step->input_channels, row_bytes = layer->kernel_width * channels;
    const uint32_t first_row = at->first_row > kernel_row ? at->first_row : kernel_row;
    const uint32_t end_row = at->end_row < kernel_row + rows ? at->end_row : kernel_row + rows;
    const uint32_t width = at->end_column - at->first_column;
    if (end_row - first_row != rows || width != layer->kernel_width)
        fill_bytes(to, (uint8_t)order->operands->step->input_zero_point, rows * row_bytes);
    if (first_row >= end_row)
        return;
    const uint32_t position = reds_window_position(layer, at, first_row, at->first_column);
    const uint8_t *from = (const uint8_t *)order->operands->input + (size_t)position * input_channels + first_channel;
    const uint32_t map_row_bytes = layer->input_width * input_channels;
    to += (first_row - kernel_row) * row_bytes + at->first_column * channels;
    const int is_one_run = channels == input_channels;
    const uint32_t bytes = is_one_run ? width * channels : channels, count = is_one_run ? 1 : width;
    for (uint32_t row = first_row; row < end_row; row++, to += row_bytes, from += map_row_bytes)
        copy_runs(to, from, input_channels, bytes, count);
}

uint32_t reds_gather_rows(const reds_windows_order *order, const reds_window *at, reds_windows_progress *progress,
                          uint32_t filled, uint8_t *bytes)
{
    const struct reds_layer_record *const layer = order->operands->layer;
    while (progress->shell < order->shell_count) {
        const uint32_t first_channel = progress->shell == 0 ? 0 : order->shell_ends[progress->shell - 1];
        const uint32_t channels = order->shell_ends[progress->shell] - first_channel, row_bytes = layer->kernel_width * channels;
        const uint32_t room = (order->capacity - filled) / row_bytes, left = layer->kernel_height - progress->kernel_row;
        const uint32_t rows = left < room ? left : room;
        if (rows == 0)
            break;
        copy_kernel_rows(order, at, first_channel, channels, progress->kernel_row, rows, bytes + filled);
        filled += rows * row_bytes;
        progress->kernel_row += rows;
        if (progress->kernel_row < layer->kernel_height)
            break;
        progress->kernel_row = 0;
        progress->shell++;
        if (layer->layout == REDS_SHELLS || progress->shell == order->shell_count)
            while (filled % WORD != 0)
                bytes[filled++] = 0;
    }
    return filled;
}

#endif
