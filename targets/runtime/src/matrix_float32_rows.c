/* Dense layers and convolutions, float32, weights in rows or shells, in portable C.
 *
 * Each sum is kept in four parts, one for every fourth column: the compiler puts them into one vector register on a host, and on a
 * core with a scalar unit they hide the latency of the addition. Four rows share each load of the window. The order of additions
 * does not depend on how rows are grouped, so an output does not depend on how many outputs are active.
 */
#include "reds_kernels.h"

#if !REDS_HAS_FPV4

#include "float32_output.h"
#include "matrix_windows.h"

enum { LANES = 4, ROWS = 4 };

static inline void accumulate(float parts[LANES], const reds_float32 *row, const float window[LANES])
{
    parts[0] = reds_multiply_add(parts[0], row[0], window[0]);
    parts[1] = reds_multiply_add(parts[1], row[1], window[1]);
    parts[2] = reds_multiply_add(parts[2], row[2], window[2]);
    parts[3] = reds_multiply_add(parts[3], row[3], window[3]);
}

/* The sum of a row's parts and of its last columns, fewer than LANES. */
static float finish_sum(const float parts[LANES], const reds_float32 *row, const reds_float32 *window, uint32_t columns)
{
    float sum = (parts[0] + parts[1]) + (parts[2] + parts[3]);
    for (uint32_t i = columns - columns % LANES; i < columns; i++)
        sum = reds_multiply_add(sum, row[i], window[i]);
    return sum;
}

static void add_row(const reds_float32 *row, const reds_float32 *window, uint32_t columns, float sums[ROWS])
{
    float parts[LANES] = {0};
    for (uint32_t i = 0; i + LANES <= columns; i += LANES) {
        const float lanes[LANES] = {window[i], window[i + 1], window[i + 2], window[i + 3]};
        accumulate(parts, row + i, lanes);
    }
    sums[0] += finish_sum(parts, row, window, columns);
}

static void add_four_rows(const reds_float32 *rows, size_t stride, const reds_float32 *window, uint32_t columns, float sums[ROWS])
{
    const reds_float32 *const row0 = rows, *const row1 = row0 + stride, *const row2 = row1 + stride, *const row3 = row2 + stride;
    float parts0[LANES] = {0}, parts1[LANES] = {0}, parts2[LANES] = {0}, parts3[LANES] = {0};
    for (uint32_t i = 0; i + LANES <= columns; i += LANES) {
        const float lanes[LANES] = {window[i], window[i + 1], window[i + 2], window[i + 3]};
        accumulate(parts0, row0 + i, lanes);
        accumulate(parts1, row1 + i, lanes);
        accumulate(parts2, row2 + i, lanes);
        accumulate(parts3, row3 + i, lanes);
    }
    sums[0] += finish_sum(parts0, row0, window, columns);
    sums[1] += finish_sum(parts1, row1, window, columns);
    sums[2] += finish_sum(parts2, row2, window, columns);
    sums[3] += finish_sum(parts3, row3, window, columns);
}

static void multiply_window(const reds_operands *operands, const void *window, void *output)
{
    const struct reds_float32_channel_record *channel = reds_channels(operands);
    reds_float32 *to = output;
    reds_row_group group;
    for (uint32_t index = 0; reds_row_group_at(operands, index, sizeof(float), 1, &group); index++) {
        for (uint32_t row = 0; row < group.row_count;) {
            const uint32_t rows = group.row_count - row < ROWS ? 1 : ROWS;
            float sums[ROWS] = {0};
            for (const reds_segment *segment = group.segments; segment < group.segments + group.segment_count; segment++) {
                const size_t stride = segment->stride / sizeof(float);
                const reds_float32 *const weights = (const reds_float32 *)(const void *)segment->weights + row * stride;
                const reds_float32 *const from = (const reds_float32 *)window + segment->column;
                if (rows == ROWS)
                    add_four_rows(weights, stride, from, segment->elements, sums);
                else
                    add_row(weights, from, segment->elements, sums);
            }
            for (uint32_t r = 0; r < rows; r++)
                *to++ = reds_float32_output(sums[r], channel++, operands->layer);
            row += rows;
        }
    }
}

static void run(const reds_operands *operands)
{
    reds_each_float32_window(operands, multiply_window);
}

const reds_kernel reds_matrix_float32_rows = {run, reds_float32_window_bytes};

#endif
