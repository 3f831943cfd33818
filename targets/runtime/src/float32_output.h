/* From a float32 sum of products to an output: what all float32 kernels share. */
#ifndef REDS_FLOAT32_OUTPUT_H
#define REDS_FLOAT32_OUTPUT_H

#include "reds_image.h"

static inline float reds_multiply_add(float sum, float a, float b)
{
#if defined(__ARM_FEATURE_FMA) || defined(__FMA__)
    return __builtin_fmaf(a, b, sum);
#else
    return sum + a * b;
#endif
}

/* ReLU and ReLU6 make 0 of what is not a number. */
static inline float reds_activate(float value, uint8_t activation, float negative_slope)
{
    switch (activation) {
    case REDS_RELU: return value > 0.0f ? value : 0.0f;
    case REDS_RELU6: return value > 0.0f ? (value < 6.0f ? value : 6.0f) : 0.0f;
    case REDS_LEAKY_RELU: return value < 0.0f ? negative_slope * value : value;
    default: return value;
    }
}

/* activation(sum x scale + bias) */
static inline float reds_float32_output(float sum, const struct reds_float32_channel_record *channel,
                                        const struct reds_layer_record *layer)
{
    return reds_activate(reds_multiply_add(channel->bias, sum, channel->scale), layer->activation, layer->negative_slope);
}

#endif
