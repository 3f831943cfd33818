/* From an int32 sum of products to an int8 output: TensorFlow Lite's reference arithmetic (int8 quantisation specification;
 * gemmlowp's saturating rounding doubling high multiply, then rounding divide by a power of two).
 *
 * The format's rules keep every step defined: a multiplier is never -2^31, so the doubling never saturates; the left shift
 * wraps modulo 2^32; the zero point is added after the clamp, so that the addition cannot overflow.
 */
#ifndef REDS_REQUANTISE_H
#define REDS_REQUANTISE_H

#include "reds_image.h"

#define REDS_LIKELY(condition) __builtin_expect(condition, 1)

/* The bounds of the clamp less the output's zero point, and the zero point. */
typedef struct {
    int32_t low, high, zero_point;
} reds_clamp;

static inline reds_clamp reds_clamp_of(const struct reds_step_record *step)
{
    const reds_clamp clamp = {step->clamp_min - step->output_zero_point, step->clamp_max - step->output_zero_point,
                              step->output_zero_point};
    return clamp;
}

/* The high word of 2 x a x b, rounded by the bit below it: floor((a b + 2^30) / 2^31), whatever the signs. */
static inline int32_t reds_doubling_high_multiply(int32_t a, int32_t b)
{
    const uint64_t doubled = (uint64_t)((int64_t)a * b) << 1;
    return (int32_t)((uint32_t)(doubled >> 32) + ((uint32_t)doubled >> 31));
}

/* value / 2^exponent for an exponent of 1..31, rounded half away from zero: one bit more is kept, then rounded half up, which the
 * subtraction of one has turned into half down where the value is negative. A value of -2^31 does not occur: a multiplier is
 * smaller than 2^31 in magnitude. */
static inline int32_t reds_rounding_divide(int32_t value, int32_t exponent)
{
    const int32_t towards_half_down = value + (value >> 31);
    return ((towards_half_down >> (exponent - 1)) + 1) >> 1;
}

static inline int32_t reds_limit(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static inline int8_t reds_requantise(int32_t sum, const struct reds_int8_channel_record *channel, reds_clamp clamp)
{
    const int32_t multiplier = channel->multiplier, shift = channel->shift;
    int32_t value;
    if (REDS_LIKELY(shift < 0))
        value = reds_rounding_divide(reds_doubling_high_multiply(sum, multiplier), -shift);
    else
        value = reds_doubling_high_multiply((int32_t)((uint32_t)sum << shift), multiplier);
    return (int8_t)(reds_limit(value, clamp.low, clamp.high) + clamp.zero_point);
}

/* One output for each sum. */
static inline int8_t *reds_requantise_all(const int32_t *sums, uint32_t count, const struct reds_int8_channel_record *channel,
                                          reds_clamp clamp, int8_t *output)
{
    for (const int32_t *const end = sums + count; sums < end; sums++, channel++)
        *output++ = reds_requantise(*sums, channel, clamp);
    return output;
}

#endif
