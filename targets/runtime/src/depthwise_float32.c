/* Depthwise convolution, float32, in portable C: each channel with its own kernel; what lies outside the input counts as zero.
 *
 * A few channels at a time: their inputs and their weights lie next to one another.
 */
#include "reds_kernels.h"

#if !REDS_HAS_FPV4 && !REDS_HAS_AVX2

#include "float32_output.h"
#include "reds_window.h"

enum { CHANNELS = 8 };

static inline void add_window(const struct reds_layer_record *layer, const reds_window *window, const reds_float32 *input,
                              size_t channels, const reds_float32 *weights, uint32_t count, float *sums)
{
    for (uint32_t y = window->first_row; y < window->end_row; y++) {
        for (uint32_t x = window->first_column; x < window->end_column; x++) {
            const reds_float32 *const kernel = weights + ((size_t)y * layer->kernel_width + x) * layer->input_channels;
            const reds_float32 *const values = input + reds_window_position(layer, window, y, x) * channels;
            for (uint32_t c = 0; c < count; c++)
                sums[c] = reds_multiply_add(sums[c], kernel[c], values[c]);
        }
    }
}

static reds_float32 *multiply_window(const reds_operands *operands, const reds_window *window, reds_float32 *output)
{
    const struct reds_layer_record *const layer = operands->layer;
    const struct reds_float32_channel_record *channel = reds_channels(operands);
    const reds_float32 *weights = reds_at(operands, layer->weights_offset), *input = operands->input;
    const uint32_t channels = operands->step->input_channels;
    for (uint32_t left = channels; left > 0;) {
        const uint32_t count = left < CHANNELS ? left : CHANNELS;
        float sums[CHANNELS] = {0};
        if (count == CHANNELS) /* a number that the compiler knows keeps the sums in registers */
            add_window(layer, window, input, channels, weights, CHANNELS, sums);
        else
            add_window(layer, window, input, channels, weights, count, sums);
        for (uint32_t c = 0; c < count; c++)
            *output++ = reds_float32_output(sums[c], channel++, layer);
        weights += count;
        input += count;
        left -= count;
    }
    return output;
}

static void run(const reds_operands *operands)
{
    const struct reds_layer_record *const layer = operands->layer;
    reds_float32 *output = operands->output;
    for (uint32_t row = 0; row < layer->output_height; row++) {
        for (uint32_t column = 0; column < layer->output_width; column++) {
            const reds_window window = reds_window_at(layer, row, column);
            output = multiply_window(operands, &window, output);
        }
    }
}

const reds_kernel reds_depthwise_float32 = {run, NULL};

#endif
