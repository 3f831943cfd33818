/* QUANTIZE without floating point: value / scale in float32, rounded half away from zero, from the bits of the two numbers.
 *
 * Let the magnitudes be v x 2^(d) times as large as s, with v and s (the significands) in 2^23 .. 2^24 - 1. Twice the
 * quotient is v x 2^(d+1) / s, and its whole part tells how to round. Before that, float32 rounds the quotient to 24 bits,
 * which can only make it reach the next whole number: when s x 2^-24 x (the power of two below the quotient) or less is
 * missing in the numerator. So that much is added to it. */
#ifndef REDS_QUANTISE_M0PLUS_H
#define REDS_QUANTISE_M0PLUS_H

#include <string.h>

#include "reds_image.h"

typedef struct {
    float scale;
    int32_t zero_point;
    uint32_t significand, reciprocal; /* of the scale: s, and 2^38 / s rounded down */
    int32_t exponent;                 /* as it stands in the number */
} reds_quantiser;

enum { REDS_SIGNIFICAND_BITS = 24, REDS_LEAST_EXPONENT = 3, REDS_MOST_EXPONENT = 240 };

static inline uint32_t reds_float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline uint32_t reds_significand(uint32_t bits)
{
    const uint32_t hidden_bit = 1u << (REDS_SIGNIFICAND_BITS - 1);
    return (bits & (hidden_bit - 1)) | hidden_bit;
}

static inline reds_quantiser reds_quantiser_of(float scale, int32_t zero_point)
{
    const uint32_t bits = reds_float_bits(scale);
    reds_quantiser quantiser = {.scale = scale, .zero_point = zero_point, .significand = reds_significand(bits)};
    quantiser.exponent = (int32_t)(bits >> (REDS_SIGNIFICAND_BITS - 1));
    quantiser.reciprocal = (uint32_t)((UINT64_C(1) << 38) / quantiser.significand);
    return quantiser;
}

/* Whether the scale is far enough from the ends of float32 for reds_quantised. */
static inline int reds_is_ordinary(const reds_quantiser *quantiser)
{
    return quantiser->exponent >= REDS_LEAST_EXPONENT && quantiser->exponent <= REDS_MOST_EXPONENT;
}

/* The bits of a float32 number, quantised. What is not a number becomes anything. */
static inline int8_t reds_quantised(const reds_quantiser *quantiser, uint32_t bits)
{
    enum { FARTHEST = 8 }; /* beyond it, a quotient is 256 or more */
    const uint32_t value = reds_significand(bits), scale = quantiser->significand;
    const int32_t distance = (int32_t)(bits << 1 >> REDS_SIGNIFICAND_BITS) - quantiser->exponent;
    int32_t result = 0;
    if (distance > FARTHEST) {
        result = 2 * UINT8_MAX;
    } else if (distance >= -1) {
        const uint32_t shift = (uint32_t)(distance + 1), power = value >= scale ? shift : shift - 1;
        uint32_t twice = (value >> 8) * quantiser->reciprocal >> (30 - shift); /* or one less */
        const uint32_t missing = shift == 0 ? 0 : scale >> (REDS_SIGNIFICAND_BITS - power);
        const uint32_t rest = (value << shift) + missing - twice * scale; /* modulo 2^32 */
        twice += rest >= scale;
        result = (int32_t)((twice + 1) >> 1);
    }
    result = ((int32_t)bits < 0 ? -result : result) + quantiser->zero_point;
    result = result < INT8_MIN ? INT8_MIN : result;
    return (int8_t)(result > INT8_MAX ? INT8_MAX : result);
}

#endif
