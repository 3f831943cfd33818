/* Dense layers and convolutions, int8, weights in rows or shells, in portable C: what a core without kernels of its own runs.
 *
 * Two rows share each load of the window.
 */
#include "reds_kernels.h"

#if !REDS_HAS_DSP && !REDS_HAS_M0PLUS_ASSEMBLY

#include "matrix_windows.h"
#include "requantise.h"

enum { ROWS = 2 };

static void add_row(const reds_segment *segment, uint32_t row, const int8_t *window, int32_t sums[ROWS])
{
    const int8_t *const weights = (const int8_t *)segment->weights + (size_t)row * segment->stride;
    int32_t sum = sums[0];
    for (uint32_t i = 0; i < segment->elements; i++)
        sum += weights[i] * window[i];
    sums[0] = sum;
}

static void add_two_rows(const reds_segment *segment, uint32_t row, const int8_t *window, int32_t sums[ROWS])
{
    const int8_t *const first = (const int8_t *)segment->weights + (size_t)row * segment->stride;
    const int8_t *const second = first + segment->stride;
    int32_t sum0 = sums[0], sum1 = sums[1];
    for (uint32_t i = 0; i < segment->elements; i++) {
        const int32_t value = window[i];
        sum0 += first[i] * value;
        sum1 += second[i] * value;
    }
    sums[0] = sum0;
    sums[1] = sum1;
}

static void multiply_window(const reds_operands *operands, const void *window, void *output)
{
    const struct reds_int8_channel_record *channel = reds_channels(operands);
    const reds_clamp clamp = reds_clamp_of(operands->step);
    int8_t *to = output;
    reds_row_group group;
    for (uint32_t index = 0; reds_row_group_at(operands, index, sizeof(int8_t), REDS_INT8_BLOCK, &group); index++) {
        for (uint32_t row = 0; row < group.row_count;) {
            const uint32_t rows = group.row_count - row < ROWS ? 1 : ROWS;
            int32_t sums[ROWS] = {channel[0].bias, channel[rows - 1].bias};
            for (const reds_segment *segment = group.segments; segment < group.segments + group.segment_count; segment++) {
                const int8_t *const from = (const int8_t *)window + segment->column;
                if (rows == ROWS)
                    add_two_rows(segment, row, from, sums);
                else
                    add_row(segment, row, from, sums);
            }
            to = reds_requantise_all(sums, rows, channel, clamp, to);
            channel += rows;
            row += rows;
        }
    }
}

static void run(const reds_operands *operands)
{
    reds_each_int8_window(operands, multiply_window);
}

const reds_kernel reds_matrix_int8_rows = {run, reds_int8_window_bytes};

#endif
