/* Average and max pooling, float32: over what lies inside the input.
 *
 * A few channels at a time, which lie next to one another.
 */
#include "reds_kernels.h"

#if !REDS_HAS_FPV4 && !REDS_HAS_AVX2

#include "reds_window.h"

enum { CHANNELS = 8 };

/* Pools one window's `count` channels from `input` on into `output`. */
typedef void (*pool_window)(const reds_operands *operands, const reds_window *window, const reds_float32 *input, uint32_t count,
                            reds_float32 *output);

static inline const reds_float32 *values_at(const reds_operands *operands, const reds_window *window, const reds_float32 *input,
                                            uint32_t y, uint32_t x)
{
    return input + (size_t)reds_window_position(operands->layer, window, y, x) * operands->step->input_channels;
}

static void average(const reds_operands *operands, const reds_window *window, const reds_float32 *input, uint32_t count,
                    reds_float32 *output)
{
    const uint32_t positions = (window->end_row - window->first_row) * (window->end_column - window->first_column);
    const float share = 1.0f / (float)positions;
    float sums[CHANNELS] = {0};
    for (uint32_t y = window->first_row; y < window->end_row; y++) {
        for (uint32_t x = window->first_column; x < window->end_column; x++) {
            const reds_float32 *const values = values_at(operands, window, input, y, x);
            for (uint32_t c = 0; c < count; c++)
                sums[c] += values[c];
        }
    }
    for (uint32_t c = 0; c < count; c++)
        output[c] = sums[c] * share;
}

static void largest(const reds_operands *operands, const reds_window *window, const reds_float32 *input, uint32_t count,
                    reds_float32 *output)
{
    float pooled[CHANNELS];
    const reds_float32 *const first = values_at(operands, window, input, window->first_row, window->first_column);
    for (uint32_t c = 0; c < count; c++)
        pooled[c] = first[c];
    for (uint32_t y = window->first_row; y < window->end_row; y++) {
        for (uint32_t x = window->first_column; x < window->end_column; x++) {
            const reds_float32 *const values = values_at(operands, window, input, y, x);
            for (uint32_t c = 0; c < count; c++)
                pooled[c] = values[c] > pooled[c] ? values[c] : pooled[c];
        }
    }
    for (uint32_t c = 0; c < count; c++)
        output[c] = pooled[c];
}

static void run(const reds_operands *operands, pool_window pool)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t channels = operands->step->input_channels;
    reds_float32 *output = operands->output;
    for (uint32_t row = 0; row < layer->output_height; row++) {
        for (uint32_t column = 0; column < layer->output_width; column++, output += channels) {
            const reds_window window = reds_window_at(layer, row, column);
            for (uint32_t channel = 0; channel < channels; channel += CHANNELS) {
                const uint32_t left = channels - channel, count = left < CHANNELS ? left : CHANNELS;
                pool(operands, &window, (const reds_float32 *)operands->input + channel, count, output + channel);
            }
        }
    }
}

static void run_average(const reds_operands *operands)
{
    run(operands, average);
}

static void run_largest(const reds_operands *operands)
{
    run(operands, largest);
}

const reds_kernel reds_average_pool_float32 = {run_average, NULL};
const reds_kernel reds_max_pool_float32 = {run_largest, NULL};

#endif
