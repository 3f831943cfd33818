/* Dense layers and convolutions, int8, weights column by column: the order in which a data cache is read from one end to the other.
 *
 * Sums of a few rows are kept while the columns pass.
 */
#include "matrix_windows.h"

#if !REDS_HAS_M0PLUS_ASSEMBLY

#include "requantise.h"

enum { ROWS = 8 };

static inline void add_columns(const int8_t *weights, size_t stride, const int8_t *window, uint32_t columns, uint32_t rows,
                               int32_t sums[ROWS])
{
    for (uint32_t column = 0; column < columns; column++, weights += stride) {
        const int32_t value = window[column];
        for (uint32_t r = 0; r < rows; r++)
            sums[r] += weights[r] * value;
    }
}

static void multiply_window(const reds_operands *operands, const void *window, void *output)
{
    const struct reds_int8_channel_record *channel = reds_channels(operands);
    const reds_clamp clamp = reds_clamp_of(operands->step);
    const uint32_t columns = reds_columns(operands, REDS_INT8_BLOCK);
    const size_t stride = reds_rounded_up(operands->layer->output_channels, REDS_INT8_BLOCK);
    const int8_t *weights = reds_at(operands, operands->layer->weights_offset);
    int8_t *to = output;
    for (uint32_t left = operands->step->output_channels; left > 0;) {
        const uint32_t rows = left < ROWS ? left : ROWS;
        int32_t sums[ROWS];
        for (uint32_t r = 0; r < rows; r++)
            sums[r] = channel[r].bias;
        if (rows == ROWS) /* a number that the compiler knows keeps the sums in registers */
            add_columns(weights, stride, window, columns, ROWS, sums);
        else
            add_columns(weights, stride, window, columns, rows, sums);
        to = reds_requantise_all(sums, rows, channel, clamp, to);
        channel += rows;
        weights += rows;
        left -= rows;
    }
}

static void run(const reds_operands *operands)
{
    reds_each_int8_window(operands, multiply_window);
}

const reds_kernel reds_matrix_int8_transposed = {run, reds_int8_window_bytes};

#endif
