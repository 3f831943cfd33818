/* Depthwise convolution, int8, in portable C: each channel with its own kernel.
 *
 * A few channels at a time: their inputs and their weights lie next to one another.
 */
#include "reds_kernels.h"
#include "reds_window.h"
#include "requantise.h"

#if !REDS_HAS_DSP && !REDS_HAS_M0PLUS_ASSEMBLY && !REDS_HAS_AVX2

enum { CHANNELS = 8 };

/* What the channels of one window have in common. */
typedef struct {
    const struct reds_layer_record *layer;
    reds_window at;
    uint32_t channels; /* of the input */
    uint32_t stride;   /* from one position's weights to the next's */
    int32_t padding;
} depthwise_window;

/* Whether a position of the window lies in the input. */
static inline int is_inside(const reds_window *window, uint32_t y, uint32_t x)
{
    return y >= window->first_row && y < window->end_row && x >= window->first_column && x < window->end_column;
}

static inline void add_window(const depthwise_window *window, const int8_t *input, const int8_t *weights, uint32_t count,
                              int32_t *sums)
{
    for (uint32_t y = 0; y < window->layer->kernel_height; y++) {
        for (uint32_t x = 0; x < window->layer->kernel_width; x++, weights += window->stride) {
            if (is_inside(&window->at, y, x)) {
                const int8_t *const values =
                    input + (size_t)reds_window_position(window->layer, &window->at, y, x) * window->channels;
                for (uint32_t c = 0; c < count; c++)
                    sums[c] += weights[c] * values[c];
            } else {
                for (uint32_t c = 0; c < count; c++)
                    sums[c] += weights[c] * window->padding;
            }
        }
    }
}

static int8_t *multiply_window(const reds_operands *operands, const depthwise_window *window, reds_clamp clamp, int8_t *output)
{
    const struct reds_int8_channel_record *channel = reds_channels(operands);
    const int8_t *weights = reds_at(operands, operands->layer->weights_offset), *input = operands->input;
    for (uint32_t left = window->channels; left > 0;) {
        const uint32_t count = left < CHANNELS ? left : CHANNELS;
        int32_t sums[CHANNELS];
        for (uint32_t c = 0; c < count; c++)
            sums[c] = channel[c].bias;
        if (count == CHANNELS) /* a number that the compiler knows keeps the sums in registers */
            add_window(window, input, weights, CHANNELS, sums);
        else
            add_window(window, input, weights, count, sums);
        output = reds_requantise_all(sums, count, channel, clamp, output);
        channel += count;
        weights += count;
        input += count;
        left -= count;
    }
    return output;
}

static void run(const reds_operands *operands)
{
    const struct reds_layer_record *const layer = operands->layer;
    const reds_clamp clamp = reds_clamp_of(operands->step);
    depthwise_window window = {.layer = layer, .channels = operands->step->input_channels};
    window.stride = (layer->input_channels + REDS_INT8_BLOCK - 1) / REDS_INT8_BLOCK * REDS_INT8_BLOCK;
    window.padding = operands->step->input_zero_point;
    int8_t *output = operands->output;
    for (uint32_t row = 0; row < layer->output_height; row++) {
        for (uint32_t column = 0; column < layer->output_width; column++) {
            window.at = reds_window_at(layer, row, column);
            output = multiply_window(operands, &window, clamp, output);
        }
    }
}

const reds_kernel reds_depthwise_int8 = {run, NULL};

#endif
