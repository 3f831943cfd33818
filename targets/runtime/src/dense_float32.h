/* What the variants of the float32 dense kernel share. */
#ifndef REDS_DENSE_FLOAT32_H
#define REDS_DENSE_FLOAT32_H

#include "reds_kernels.h"

static inline float reds_multiply_add(float sum, float a, float b)
{
#if defined(__ARM_FEATURE_FMA)
    return __builtin_fmaf(a, b, sum);
#else
    return sum + a * b;
#endif
}

/* activation(sum x scale + bias); ReLU makes 0 of what is not a number. */
static inline float reds_float32_output(float sum, const struct reds_float32_channel_record *channel, uint8_t activation)
{
    const float value = reds_multiply_add(channel->bias, sum, channel->scale);
    return activation == REDS_RELU && !(value > 0.0f) ? 0.0f : value;
}

#endif
