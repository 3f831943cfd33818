/* What a layer computes, by its definition: one output after the other, in int64 or double. */
#include <math.h>

#include "kernel_case.h"

#define FLOAT32_TOLERANCE 1e-5 /* of the sum of magnitudes */

/* Position of a window's element in the input, or -1 outside of it. */
static int64_t input_position(const struct reds_layer_record *layer, uint32_t window, uint32_t kernel_y, uint32_t kernel_x)
{
    const int64_t y = (int64_t)(window / layer->output_width) * layer->stride_height - layer->pad_top + kernel_y;
    const int64_t x = (int64_t)(window % layer->output_width) * layer->stride_width - layer->pad_left + kernel_x;
    if (y < 0 || y >= layer->input_height || x < 0 || x >= layer->input_width)
        return -1;
    return y * layer->input_width + x;
}

/* gemmlowp's fixed-point arithmetic, as the integer reference kernels have it. */
static int32_t doubling_high_multiply(int32_t a, int32_t b)
{
    const int64_t product = (int64_t)a * b;
    const int64_t nudge = product >= 0 ? INT64_C(1) << 30 : 1 - (INT64_C(1) << 30);
    return (int32_t)((product + nudge) / (INT64_C(1) << 31));
}

static int64_t divide_by_power_of_two(int64_t value, int32_t exponent)
{
    const int64_t power = INT64_C(1) << exponent, magnitude = value < 0 ? -value : value;
    const int64_t rounded = (magnitude + power / 2) / power;
    return value < 0 ? -rounded : rounded;
}

static int8_t clamped(int64_t value, const struct reds_step_record *step)
{
    return (int8_t)(value < step->clamp_min ? step->clamp_min : value > step->clamp_max ? step->clamp_max : value);
}

static int8_t requantised(int64_t sum, const struct reds_int8_channel_record *channel, const struct reds_step_record *step)
{
    const int32_t left = channel->shift > 0 ? channel->shift : 0, right = channel->shift < 0 ? -channel->shift : 0;
    const int32_t shifted = (int32_t)(uint32_t)((uint64_t)sum << left);
    const int64_t value = divide_by_power_of_two(doubling_high_multiply(shifted, channel->multiplier), right);
    return clamped(value + step->output_zero_point, step);
}

static float weight_at(const kernel_case *drawn, uint32_t output, uint32_t position, uint32_t channel)
{
    const struct reds_layer_record *const layer = &drawn->layer;
    const size_t positions = (size_t)layer->kernel_height * layer->kernel_width;
    const size_t row = layer->kind == REDS_DEPTHWISE ? 0 : output * positions;
    return drawn->weights[(row + position) * layer->input_channels + channel];
}

/* Input channels that an output looks at: all, or its own. */
static void channels_of(const kernel_case *drawn, uint32_t level, uint32_t output, uint32_t *first, uint32_t *end)
{
    *first = is_matrix(drawn) ? 0 : output;
    *end = is_matrix(drawn) ? drawn->widths[level].inputs : output + 1;
}

static int8_t int8_output(const kernel_case *drawn, uint32_t level, const int8_t *input, uint32_t window, uint32_t output)
{
    const struct reds_layer_record *const layer = &drawn->layer;
    const struct reds_step_record *const step = &drawn->steps[level];
    uint32_t first, end;
    channels_of(drawn, level, output, &first, &end);
    int64_t sum = has_weights(drawn) ? drawn->int8_channels[level][output].bias : 0, largest = INT64_MIN, inside = 0;
    for (uint32_t position = 0; position < (uint32_t)layer->kernel_height * layer->kernel_width; position++) {
        const int64_t at = input_position(layer, window, position / layer->kernel_width, position % layer->kernel_width);
        for (uint32_t channel = first; channel < end; channel++) {
            const int64_t value = at < 0 ? step->input_zero_point : input[at * drawn->widths[level].inputs + channel];
            if (has_weights(drawn)) {
                sum += value * (int64_t)weight_at(drawn, output, position, channel);
            } else if (at >= 0) {
                sum += value;
                largest = value > largest ? value : largest;
                inside++;
            }
        }
    }
    if (has_weights(drawn))
        return requantised(sum, &drawn->int8_channels[level][output], step);
    if (layer->kind == REDS_MAX_POOL)
        return clamped(largest, step);
    const int64_t magnitude = ((sum < 0 ? -sum : sum) * 2 + inside) / (2 * inside);
    return clamped(sum < 0 ? -magnitude : magnitude, step);
}

void expect_int8(const kernel_case *drawn, uint32_t level, const int8_t *input, int8_t *output)
{
    const uint32_t outputs = drawn->widths[level].outputs;
    for (uint32_t i = 0; i < output_elements(drawn, level); i++)
        output[i] = int8_output(drawn, level, input, i / outputs, i % outputs);
}

static double activated(double value, const struct reds_layer_record *layer)
{
    switch (layer->activation) {
    case REDS_RELU: return fmax(value, 0.0);
    case REDS_RELU6: return fmin(fmax(value, 0.0), 6.0);
    case REDS_LEAKY_RELU: return value < 0.0 ? value * (double)layer->negative_slope : value;
    default: return value;
    }
}

static double float32_output(const kernel_case *drawn, uint32_t level, const float *input, uint32_t window, uint32_t output,
                             double *magnitude)
{
    const struct reds_layer_record *const layer = &drawn->layer;
    uint32_t first, end;
    channels_of(drawn, level, output, &first, &end);
    double sum = 0, largest = -INFINITY, inside = 0;
    *magnitude = 0;
    for (uint32_t position = 0; position < (uint32_t)layer->kernel_height * layer->kernel_width; position++) {
        const int64_t at = input_position(layer, window, position / layer->kernel_width, position % layer->kernel_width);
        for (uint32_t channel = first; at >= 0 && channel < end; channel++) {
            const double value = (double)input[at * drawn->widths[level].inputs + channel];
            const double product = value * (has_weights(drawn) ? (double)weight_at(drawn, output, position, channel) : 1.0);
            sum += product;
            *magnitude += fabs(product);
            largest = fmax(largest, value);
            inside++;
        }
    }
    if (layer->kind == REDS_MAX_POOL) {
        *magnitude = 0;
        return largest;
    }
    if (layer->kind == REDS_AVERAGE_POOL) {
        *magnitude /= inside;
        return sum / inside;
    }
    const struct reds_float32_channel_record *const channel = &drawn->float32_channels[level][output];
    *magnitude = *magnitude * fabs((double)channel->scale) + fabs((double)channel->bias);
    return activated(sum * (double)channel->scale + (double)channel->bias, layer);
}

void expect_float32(const kernel_case *drawn, uint32_t level, const float *input, float *output, float *tolerance)
{
    const uint32_t outputs = drawn->widths[level].outputs;
    for (uint32_t i = 0; i < output_elements(drawn, level); i++) {
        double magnitude;
        output[i] = (float)float32_output(drawn, level, input, i / outputs, i % outputs, &magnitude);
        tolerance[i] = (float)(FLOAT32_TOLERANCE * magnitude);
    }
}
