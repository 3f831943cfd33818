/* e^x for x <= 0 without floating point: 2^-y for y = -x log2 e, whose whole part goes into the exponent of the result. */
#ifndef REDS_EXPONENTIAL_M0PLUS_H
#define REDS_EXPONENTIAL_M0PLUS_H

#include <stdint.h>
#include <string.h>

/* The upper 32 bits of a product. */
static inline uint32_t reds_upper_product(uint32_t a, uint32_t b)
{
    const uint32_t low_a = a & 0xffffu, high_a = a >> 16, low_b = b & 0xffffu, high_b = b >> 16;
    const uint32_t middle = high_a * low_b + (low_a * low_b >> 16);
    return high_a * high_b + (middle >> 16) + ((low_a * high_b + (middle & 0xffffu)) >> 16);
}

/* e^x for x <= 0, within 2e-7 of it; 0 below e^-87, where float32 loses digits, and of what is not a number. */
static inline float reds_exponential(float x)
{
    enum { SIGNIFICAND_BITS = 24, EXPONENT_BIAS = 127, X_FRACTION_BITS = 25, WHOLE_BITS = 8, TERMS = 6 };
    static const uint32_t log2_e = 3098164010u; /* x 2^31 */
    /* 2^-f = c0 - f (c1 - f (c2 - ...)) for f in 0..1, within 2e-9; x 2^31 */
    static const uint32_t coefficients[TERMS + 1] = {2147483644, 1488521876, 515877041, 119162627, 20566476, 2733858, 233026};
    const float lowest = -87.0f;
    if (!(x > lowest))
        return 0.0f;
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t hidden_bit = 1u << (SIGNIFICAND_BITS - 1), significand = (bits & (hidden_bit - 1)) | hidden_bit;
    const int32_t exponent = (int32_t)(bits << 1 >> SIGNIFICAND_BITS) - EXPONENT_BIAS;
    const int32_t shift = exponent + X_FRACTION_BITS - (SIGNIFICAND_BITS - 1);
    const uint32_t magnitude = shift >= 0 ? significand << shift : shift > -SIGNIFICAND_BITS ? significand >> -shift : 0;
    const uint32_t upper = reds_upper_product(magnitude, log2_e), lower = magnitude * log2_e; /* y x 2^56 */
    const uint32_t whole = upper >> (32 - WHOLE_BITS), fraction = upper << WHOLE_BITS | lower >> (32 - WHOLE_BITS);
    uint32_t power = coefficients[TERMS];
    for (int term = TERMS - 1; term >= 0; term--)
        power = coefficients[term] - reds_upper_product(fraction, power);
    const uint32_t rounded = (power + 64) >> 7; /* 24 bits; 2^24 when it is 1 */
    const uint32_t result_bits = ((EXPONENT_BIAS - 1 - whole) << (SIGNIFICAND_BITS - 1)) + (rounded - hidden_bit);
    float result;
    memcpy(&result, &result_bits, sizeof result);
    return result;
}

#endif
