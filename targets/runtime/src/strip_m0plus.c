/* Where the windows of a strip lie, and in which order their columns are packed: strip_m0plus.h. */
#include "strip_m0plus.h"

#if REDS_HAS_M0PLUS_ASSEMBLY

#include <string.h>

/* Rows or columns of an axis of the input, which may lie outside. */
typedef struct {
    int32_t start;
    uint32_t size;
} span;

static span covered(uint32_t first, uint32_t last, uint32_t stride, uint32_t padding, uint32_t kernel)
{
    const span covered = {(int32_t)(first * stride) - (int32_t)padding, (last - first) * stride + kernel};
    return covered;
}

static int is_inside(span part, uint32_t size)
{
    return part.start >= 0 && (uint32_t)part.start + part.size <= size;
}

/* The rows that outputs of two rows cover, and the columns. */
static span covered_rows(const struct reds_layer_record *layer, uint32_t first, uint32_t last)
{
    return covered(first, last, layer->stride_height, layer->pad_top, layer->kernel_height);
}

static span covered_columns(const struct reds_layer_record *layer, uint32_t first, uint32_t last)
{
    return covered(first, last, layer->stride_width, layer->pad_left, layer->kernel_width);
}

static uint32_t rounded_up(uint32_t columns)
{
    return (columns + REDS_INT8_BLOCK - 1) / REDS_INT8_BLOCK * REDS_INT8_BLOCK;
}

uint32_t reds_strip_columns(const reds_operands *operands)
{
    return rounded_up(reds_columns(operands, REDS_INT8_BLOCK));
}

uint32_t reds_patch_bytes(const reds_operands *operands)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t height = layer->output_height, width = layer->output_width;
    if (is_inside(covered_rows(layer, 0, height - 1u), layer->input_height) &&
        is_inside(covered_columns(layer, 0, width - 1u), layer->input_width))
        return 0;
    uint32_t rows = 1 + (REDS_PACKED_WINDOWS - 2 + width) / width, columns = width; /* at most, of a strip's windows */
    if (width % REDS_PACKED_WINDOWS == 0) {
        rows = 1;
        columns = REDS_PACKED_WINDOWS;
    }
    rows = rows < height ? rows : height;
    const uint64_t patch_bytes = (uint64_t)covered_rows(layer, 0, rows - 1).size * covered_columns(layer, 0, columns - 1).size *
                                 operands->step->input_channels;
    const uint32_t gathered_bytes = reds_strip_columns(operands) * REDS_PACKED_WINDOWS;
    return patch_bytes < gathered_bytes ? (uint32_t)patch_bytes : gathered_bytes;
}

/* Copies rows and columns of the input; what lies outside is the input's zero point. */
static void copy_patch(const reds_operands *operands, span rows, span columns, uint8_t *patch)
{
    const struct reds_layer_record *const layer = operands->layer;
    const size_t channels = operands->step->input_channels, row_bytes = columns.size * channels;
    const int padding = operands->step->input_zero_point;
    const int32_t end = columns.start + (int32_t)columns.size, width = layer->input_width;
    const uint32_t left = columns.start < 0 ? (uint32_t)-columns.start : 0, right = end > width ? (uint32_t)(end - width) : 0;
    const size_t copied_bytes = row_bytes - (left + right) * channels;
    const uint8_t *const input = (const uint8_t *)operands->input + (size_t)(columns.start + (int32_t)left) * channels;
    for (uint32_t y = 0; y < rows.size; y++, patch += row_bytes) {
        const int32_t row = rows.start + (int32_t)y;
        if (row < 0 || row >= layer->input_height) {
            memset(patch, padding, row_bytes);
            continue;
        }
        memset(patch, padding, left * channels);
        memcpy(patch + left * channels, input + (size_t)row * layer->input_width * channels, copied_bytes);
        memset(patch + row_bytes - right * channels, padding, right * channels);
    }
}

static uint32_t *fill_up(uint32_t *packed, uint32_t columns)
{
    const size_t words = (rounded_up(columns) - columns) * REDS_PACKED_WORDS;
    memset(packed, 0, words * sizeof *packed);
    return packed + words;
}

/* Packs windows whose rows lie `row_bytes` from one another, in the order of the columns. */
static void pack_in_order(const reds_operands *operands, const int8_t *const windows[REDS_PACKED_WINDOWS], size_t row_bytes,
                          uint32_t *packed)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t channels = operands->step->input_channels, positions = reds_positions(layer);
    uint32_t first_channel = 0;
    for (const struct reds_level_record *level = operands->smallest; level >= operands->level; level--) {
        const struct reds_step_record *const steps = reds_at(operands, level->steps_offset);
        const uint32_t end_channel = steps[operands->index].input_channels, added = end_channel - first_channel;
        if (added == 0)
            continue;
        reds_runs runs = {.length = added, .count = layer->kernel_width, .stride = channels};
        if (added == channels) {
            runs.length *= runs.count;
            runs.count = 1;
        }
        const int8_t *from[REDS_PACKED_WINDOWS];
        for (uint32_t i = 0; i < REDS_PACKED_WINDOWS; i++)
            from[i] = windows[i] + first_channel;
        for (uint32_t y = 0; y < layer->kernel_height; y++) {
            packed = reds_pack_runs(from, &runs, packed);
            for (uint32_t i = 0; i < REDS_PACKED_WINDOWS; i++)
                from[i] += row_bytes;
        }
        if (layer->layout == REDS_SHELLS)
            packed = fill_up(packed, positions * added);
        first_channel = end_channel;
    }
    if (layer->layout != REDS_SHELLS)
        fill_up(packed, positions * channels);
}

static void pack_gathered(const reds_operands *operands, uint32_t window, uint32_t count, uint8_t *gathered, uint32_t *packed)
{
    const uint8_t padding = (uint8_t)operands->step->input_zero_point;
    const reds_runs runs = {.length = reds_strip_columns(operands), .count = 1};
    const int8_t *windows[REDS_PACKED_WINDOWS];
    for (uint32_t i = 0; i < REDS_PACKED_WINDOWS; i++) {
        uint8_t *const to = gathered + (i < count ? i * runs.length : 0);
        if (i < count)
            reds_gather(operands, window + i, sizeof(int8_t), REDS_INT8_BLOCK, padding, to);
        windows[i] = (const int8_t *)to;
    }
    reds_pack_runs(windows, &runs, packed);
}

void reds_pack_strip(const reds_operands *operands, uint32_t window, uint32_t count, uint8_t *patch, uint32_t patch_bytes,
                     uint32_t *packed)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t channels = operands->step->input_channels, width = layer->output_width;
    uint32_t row = window / width, column = window % width;
    const uint32_t last_row = (window + count - 1) / width;
    const uint32_t first_column = last_row == row ? column : 0, last_column = last_row == row ? column + count - 1 : width - 1;
    span rows = covered_rows(layer, row, last_row), columns = covered_columns(layer, first_column, last_column);
    const int8_t *from = operands->input;
    size_t position_row_bytes = (size_t)layer->input_width * channels; /* from one row of positions to the next */
    if (!is_inside(rows, layer->input_height) || !is_inside(columns, layer->input_width)) {
        position_row_bytes = columns.size * (size_t)channels;
        if ((uint64_t)position_row_bytes * rows.size > patch_bytes) {
            pack_gathered(operands, window, count, patch, packed);
            return;
        }
        copy_patch(operands, rows, columns, patch);
        from = (const int8_t *)patch;
        rows.start = columns.start = 0;
    }
    from += (uint32_t)rows.start * position_row_bytes + (uint32_t)columns.start * channels;
    const int8_t *windows[REDS_PACKED_WINDOWS];
    const size_t down = layer->stride_height * position_row_bytes, along = (size_t)layer->stride_width * channels;
    column -= first_column;
    for (uint32_t i = 0, y = 0; i < REDS_PACKED_WINDOWS; i++) {
        windows[i] = i < count ? from + y * down + column * along : windows[0];
        if (++column + first_column == width) {
            column = 0;
            y++;
        }
    }
    pack_in_order(operands, windows, position_row_bytes, packed);
}

#endif
