/* Average and max pooling, int8: over what lies inside the input.
 *
 * A few channels at a time, which lie next to one another.
 */
#include "reds_kernels.h"

#if !REDS_HAS_DSP && !REDS_HAS_AVX2

#include "reds_window.h"
#include "requantise.h"

enum { CHANNELS = 8 };

/* Pools one window's `count` channels from `input` on into `pooled`. */
typedef void (*pool_window)(const reds_operands *operands, const reds_window *window, const int8_t *input, uint32_t count,
                            int32_t *pooled);

static inline const int8_t *values_at(const reds_operands *operands, const reds_window *window, const int8_t *input, uint32_t y,
                                      uint32_t x)
{
    return input + (size_t)reds_window_position(operands->layer, window, y, x) * operands->step->input_channels;
}

/* sum / count, rounded half away from zero; the sum of a map of fewer than 2^24 elements stays above -2^31. */
static inline int32_t mean(int32_t sum, uint32_t count)
{
    const uint32_t magnitude = sum < 0 ? 0u - (uint32_t)sum : (uint32_t)sum;
    const int32_t quotient = (int32_t)((magnitude + count / 2) / count);
    return sum < 0 ? -quotient : quotient;
}

static void average(const reds_operands *operands, const reds_window *window, const int8_t *input, uint32_t count, int32_t *pooled)
{
    const uint32_t positions = (window->end_row - window->first_row) * (window->end_column - window->first_column);
    for (uint32_t c = 0; c < count; c++)
        pooled[c] = 0;
    for (uint32_t y = window->first_row; y < window->end_row; y++) {
        for (uint32_t x = window->first_column; x < window->end_column; x++) {
            const int8_t *const values = values_at(operands, window, input, y, x);
            for (uint32_t c = 0; c < count; c++)
                pooled[c] += values[c];
        }
    }
    for (uint32_t c = 0; c < count; c++)
        pooled[c] = mean(pooled[c], positions);
}

static void largest(const reds_operands *operands, const reds_window *window, const int8_t *input, uint32_t count, int32_t *pooled)
{
    for (uint32_t c = 0; c < count; c++)
        pooled[c] = INT8_MIN;
    for (uint32_t y = window->first_row; y < window->end_row; y++) {
        for (uint32_t x = window->first_column; x < window->end_column; x++) {
            const int8_t *const values = values_at(operands, window, input, y, x);
            for (uint32_t c = 0; c < count; c++)
                pooled[c] = values[c] > pooled[c] ? values[c] : pooled[c];
        }
    }
}

static void run(const reds_operands *operands, pool_window pool)
{
    const struct reds_layer_record *const layer = operands->layer;
    const struct reds_step_record *const step = operands->step;
    int8_t *output = operands->output;
    for (uint32_t row = 0; row < layer->output_height; row++) {
        for (uint32_t column = 0; column < layer->output_width; column++) {
            const reds_window window = reds_window_at(layer, row, column);
            for (uint32_t channel = 0; channel < step->input_channels; channel += CHANNELS) {
                const uint32_t left = step->input_channels - channel, count = left < CHANNELS ? left : CHANNELS;
                int32_t pooled[CHANNELS];
                pool(operands, &window, (const int8_t *)operands->input + channel, count, pooled);
                for (uint32_t c = 0; c < count; c++)
                    *output++ = (int8_t)reds_limit(pooled[c], step->clamp_min, step->clamp_max);
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

const reds_kernel reds_average_pool_int8 = {run_average, NULL};
const reds_kernel reds_max_pool_int8 = {run_largest, NULL};

#endif
