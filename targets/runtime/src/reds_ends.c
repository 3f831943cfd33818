/* Real numbers at both ends of a network: quantisation of inputs, and softmax of outputs. */
#include <string.h>

#include "float32_output.h"
#include "quantise_m0plus.h"
#include "reds.h"
#include "reds_core.h"
#include "requantise.h"
#if REDS_HAS_M0PLUS_ASSEMBLY
#include "exponential_m0plus.h"
#endif

/* Towards zero; what int32 does not hold becomes one of its ends, and what is not a number anything. */
static inline int32_t truncated(float value)
{
#if REDS_HAS_FPV4 && defined(__arm__)
    int32_t result;
    __asm__("vcvt.s32.f32 %0, %1" : "=t"(result) : "t"(value)); /* saturates; a cast is undefined there */
    return result;
#else
    if (!(value > -2147483648.0f))
        return INT32_MIN;
    return value < 2147483648.0f ? (int32_t)value : INT32_MAX;
#endif
}

/* TensorFlow Lite's QUANTIZE: value / scale, rounded half away from zero, plus the zero point, as far as int8 goes. Twice the
 * quotient is exact, and its lowest whole bit says which way to round. */
static inline int8_t quantised(float value, float scale, int32_t zero_point)
{
    const float quotient = value / scale;
    const int32_t twice = truncated(quotient + quotient);
    const int32_t rounded = (twice >> 1) + (twice & ~(twice >> 31) & 1);
    const int32_t result = rounded + zero_point;
    if (REDS_LIKELY(result == (int8_t)result))
        return (int8_t)result;
    return result < 0 ? INT8_MIN : INT8_MAX;
}

static void write_quantised(const float *values, uint32_t elements, float scale, int32_t zero_point, int8_t *quantised_values)
{
#if REDS_HAS_M0PLUS_ASSEMBLY
    const reds_quantiser quantiser = reds_quantiser_of(scale, zero_point);
    if (reds_is_ordinary(&quantiser)) {
        for (const float *const end = values + elements; values < end; values++)
            *quantised_values++ = reds_quantised(&quantiser, reds_float_bits(*values));
        return;
    }
#endif
    for (const float *const end = values + elements; values < end; values++)
        *quantised_values++ = quantised(*values, scale, zero_point);
}

void reds_write_real_input(const reds_network *network, const float *values)
{
    const struct reds_header_record *const header = (const void *)network->image;
    const uint32_t elements = header->input_elements;
    if (header->precision == REDS_FLOAT32) {
        memcpy(reds_input(network), values, elements * sizeof *values);
        return;
    }
    write_quantised(values, elements, header->input_scale, header->input_zero_point, reds_input(network));
}

#if !REDS_HAS_M0PLUS_ASSEMBLY

/* e^x for x <= 0, within 2e-7 of it; 0 below e^-87, where float32 loses digits, and of what is not a number.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, the first with few enough digits that its multiples are exact. The
 * polynomial for e^r is that of the Cephes library (S. L. Moshier), expf. */
static inline float reds_exponential(float x)
{
    const float lowest = -87.0f, log2_e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    enum { MANTISSA_BITS = 23, EXPONENT_BIAS = 127 };
    if (!(x > lowest))
        return 0.0f;
    const int32_t n = (int32_t)(x * log2_e - 0.5f);
    const float r = reds_multiply_add(reds_multiply_add(x, (float)-n, ln2_high), (float)-n, ln2_low);
    float p = 1.9875691500e-4f;
    p = reds_multiply_add(1.3981999507e-3f, p, r);
    p = reds_multiply_add(8.3334519073e-3f, p, r);
    p = reds_multiply_add(4.1665795894e-2f, p, r);
    p = reds_multiply_add(1.6666665459e-1f, p, r);
    p = reds_multiply_add(5.0000001201e-1f, p, r);
    p = reds_multiply_add(r, p, r * r) + 1.0f;
    const uint32_t power = (uint32_t)(n + EXPONENT_BIAS) << MANTISSA_BITS; /* 2^n */
    float scale;
    memcpy(&scale, &power, sizeof scale);
    return p * scale;
}

#endif

/* The last output as real numbers. */
static void read_logits(const reds_network *network, uint32_t elements, float *logits)
{
    const struct reds_header_record *const header = (const void *)network->image;
    if (header->precision == REDS_FLOAT32) {
        memcpy(logits, reds_output(network), elements * sizeof *logits);
        return;
    }
    const int8_t *const output = reds_output(network);
    const float scale = network->level->output_scale;
    const int32_t zero_point = network->level->output_zero_point;
    for (uint32_t i = 0; i < elements; i++)
        logits[i] = scale * (float)(output[i] - zero_point);
}

void reds_read_probabilities(const reds_network *network, float *probabilities)
{
    const struct reds_header_record *const header = (const void *)network->image;
    const uint32_t elements = header->output_elements;
    read_logits(network, elements, probabilities);
    float largest = probabilities[0], sum = 0.0f;
    for (uint32_t i = 1; i < elements; i++)
        largest = probabilities[i] > largest ? probabilities[i] : largest;
    for (uint32_t i = 0; i < elements; i++) {
        probabilities[i] = reds_exponential(probabilities[i] - largest);
        sum += probabilities[i];
    }
    const float share = 1.0f / sum;
    for (uint32_t i = 0; i < elements; i++)
        probabilities[i] *= share;
}
