/* Dense layers and convolutions, float32, weights column by column: the order in which a data cache is read from one end to the
 * other.
 *
 * Sums of a few rows are kept while the columns pass; each sum adds its columns in their order.
 */
#include "float32_output.h"
#include "matrix_windows.h"

enum { ROWS = 8 };

static inline void add_columns(const reds_float32 *weights, size_t stride, const reds_float32 *window, uint32_t columns,
                               uint32_t rows, float sums[ROWS])
{
    for (uint32_t column = 0; column < columns; column++, weights += stride) {
        const float value = window[column];
        for (uint32_t r = 0; r < rows; r++)
            sums[r] = reds_multiply_add(sums[r], weights[r], value);
    }
}

static void multiply_window(const reds_operands *operands, const void *window, void *output)
{
    const struct reds_float32_channel_record *channel = reds_channels(operands);
    const uint32_t columns = reds_columns(operands, 1);
    const size_t stride = operands->layer->output_channels;
    const reds_float32 *weights = reds_at(operands, operands->layer->weights_offset);
    reds_float32 *to = output;
    for (uint32_t left = operands->step->output_channels; left > 0;) {
        const uint32_t rows = left < ROWS ? left : ROWS;
        float sums[ROWS] = {0};
        if (rows == ROWS) /* a number that the compiler knows keeps the sums in registers */
            add_columns(weights, stride, window, columns, ROWS, sums);
        else
            add_columns(weights, stride, window, columns, rows, sums);
        for (uint32_t r = 0; r < rows; r++)
            *to++ = reds_float32_output(sums[r], channel++, operands->layer);
        weights += rows;
        left -= rows;
    }
}

static void run(const reds_operands *operands)
{
    reds_each_float32_window(operands, multiply_window);
}

const reds_kernel reds_matrix_float32_transposed = {run, reds_float32_window_bytes};
