/* Dense layers and convolutions, float32, weights in panels, in portable C: one column of every row of a panel lies together.
 *
 * Each sum adds its columns in their order.
 */
#include "reds_kernels.h"

#if !REDS_HAS_AVX2

#include "float32_output.h"
#include "matrix_windows.h"

static void add_panel(const reds_float32 *panel, uint32_t panel_rows, const reds_float32 *window, uint32_t columns, uint32_t rows,
                      float *sums)
{
    for (uint32_t column = 0; column < columns; column++, panel += panel_rows) {
        const float value = window[column];
        for (uint32_t r = 0; r < rows; r++)
            sums[r] = reds_multiply_add(sums[r], panel[r], value);
    }
}

static void multiply_window(const reds_operands *operands, const void *window, void *output)
{
    const struct reds_layer_record *const layer = operands->layer;
    const struct reds_float32_channel_record *channel = reds_channels(operands);
    const uint32_t columns = reds_columns(operands, 1), panel_rows = layer->panel_rows;
    const size_t panel_elements = (size_t)panel_rows * reds_positions(layer) * layer->input_channels;
    const reds_float32 *panel = reds_at(operands, layer->weights_offset);
    reds_float32 *to = output;
    for (uint32_t left = operands->step->output_channels; left > 0; panel += panel_elements) {
        const uint32_t rows = left < panel_rows ? left : panel_rows;
        float sums[REDS_MAX_PANEL_ROWS];
        for (uint32_t r = 0; r < rows; r++)
            sums[r] = 0.0f;
        add_panel(panel, panel_rows, window, columns, rows, sums);
        for (uint32_t r = 0; r < rows; r++)
            *to++ = reds_float32_output(sums[r], channel++, layer);
        left -= rows;
    }
}

static void run(const reds_operands *operands)
{
    reds_each_float32_window(operands, multiply_window);
}

const reds_kernel reds_matrix_float32_panels = {run, reds_float32_window_bytes};

#endif
