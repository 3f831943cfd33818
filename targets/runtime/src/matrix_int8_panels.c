/* Dense layers and convolutions, int8, weights in panels, in portable C: four columns of every row of a panel lie together. */
#include "reds_kernels.h"

#if !REDS_HAS_DSP && !REDS_HAS_AVX2

#include "matrix_windows.h"
#include "requantise.h"

/* Sums of the first `rows` rows of a panel. What fills the last block up with zeros meets whatever follows the window's elements.
 */
static void add_panel(const int8_t *panel, size_t block_bytes, const int8_t *window, uint32_t columns, uint32_t rows, int32_t *sums)
{
    for (uint32_t column = 0; column < columns; column += REDS_INT8_BLOCK, window += REDS_INT8_BLOCK, panel += block_bytes) {
        const int8_t *weights = panel;
        const int32_t value0 = window[0], value1 = window[1], value2 = window[2], value3 = window[3];
        for (uint32_t r = 0; r < rows; r++, weights += REDS_INT8_BLOCK)
            sums[r] += weights[0] * value0 + weights[1] * value1 + weights[2] * value2 + weights[3] * value3;
    }
}

static void multiply_window(const reds_operands *operands, const void *window, void *output)
{
    const struct reds_layer_record *const layer = operands->layer;
    const struct reds_int8_channel_record *channel = reds_channels(operands);
    const reds_clamp clamp = reds_clamp_of(operands->step);
    const uint32_t columns = reds_columns(operands, REDS_INT8_BLOCK), panel_rows = layer->panel_rows;
    const size_t block_bytes = (size_t)panel_rows * REDS_INT8_BLOCK;
    const size_t panel_bytes = (size_t)panel_rows * reds_rounded_up(reds_positions(layer) * layer->input_channels, REDS_INT8_BLOCK);
    const int8_t *panel = reds_at(operands, layer->weights_offset);
    int8_t *to = output;
    for (uint32_t left = operands->step->output_channels; left > 0; panel += panel_bytes) {
        const uint32_t rows = left < panel_rows ? left : panel_rows;
        int32_t sums[REDS_MAX_PANEL_ROWS];
        for (uint32_t r = 0; r < rows; r++)
            sums[r] = channel[r].bias;
        add_panel(panel, block_bytes, window, columns, rows, sums);
        to = reds_requantise_all(sums, rows, channel, clamp, to);
        channel += rows;
        left -= rows;
    }
}

static void run(const reds_operands *operands)
{
    reds_each_int8_window(operands, multiply_window);
}

const reds_kernel reds_matrix_int8_panels = {run, reds_int8_window_bytes};

#endif
