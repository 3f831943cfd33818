/* requantise.h for a core whose multiplier gives the low 32 bits only, bit for bit the same.
 *
 * A multiplier is cut into three pieces, multiplier = (upper x 2^10 + middle) x 2^11 + lower, so narrow that no product with
 * a sum of less than 2^21 leaves 32 bits. Rounding down may be done in steps:
 *
 *     floor(sum x multiplier / 2^21) = floor((floor(sum x lower / 2^11) + sum x middle) / 2^10) + sum x upper
 *
 * and ten bits more make it the doubling high multiply, whose rounding only looks at the last bit that goes. The same sign
 * decides "half away from zero" before and after that rounding: where they differ the value is 0. */
#ifndef REDS_REQUANTISE_M0PLUS_H
#define REDS_REQUANTISE_M0PLUS_H

#include "requantise.h"

enum { REDS_LOWER_BITS = 11, REDS_MIDDLE_BITS = 10, REDS_LAST_BITS = 31 - REDS_LOWER_BITS - REDS_MIDDLE_BITS };
enum { REDS_WIDEST_SUM = (1 << 21) - (1 << 12) }; /* in magnitude, for three pieces */
enum { REDS_STRIP_WINDOWS = 6 };

/* Exponents of 2 for which a sum of REDS_WIDEST_SUM, with the smallest multiplier, lies beyond every clamp. */
enum { REDS_MAX_SATURATED_EXPONENT = 11 };

static inline int32_t reds_shifted_left(int32_t value, int32_t bits)
{
    return (int32_t)((uint32_t)value << bits);
}

/* For sums of up to REDS_WIDEST_SUM in magnitude and exponents of 1..31. */
static inline int32_t reds_multiply_by_pieces(int32_t sum, int32_t multiplier, int32_t exponent)
{
    const int32_t lower = reds_shifted_left(multiplier, 32 - REDS_LOWER_BITS) >> (32 - REDS_LOWER_BITS);
    const int32_t rest = (multiplier >> REDS_LOWER_BITS) + (multiplier >> (REDS_LOWER_BITS - 1) & 1);
    const int32_t upper = rest >> REDS_MIDDLE_BITS, middle = rest & ((1 << REDS_MIDDLE_BITS) - 1);
    const int32_t product = (((sum * lower >> REDS_LOWER_BITS) + sum * middle) >> REDS_MIDDLE_BITS) + sum * upper;
    const int32_t high = (product >> REDS_LAST_BITS) + (product >> (REDS_LAST_BITS - 1) & 1) + (product >> 31);
    return (high >> exponent) + (high >> (exponent - 1) & 1);
}

/* One output. The rare channels for which three pieces do not do take the long way. */
static inline int8_t reds_requantise_narrow(int32_t sum, const struct reds_int8_channel_record *channel, reds_clamp clamp)
{
    const int32_t exponent = -channel->shift;
    if (exponent < 1 || exponent > REDS_MAX_SATURATED_EXPONENT)
        return reds_requantise(sum, channel, clamp);
    const int32_t limited = reds_limit(sum, -REDS_WIDEST_SUM, REDS_WIDEST_SUM);
    const int32_t value = reds_multiply_by_pieces(limited, channel->multiplier, exponent);
    return (int8_t)(reds_limit(value, clamp.low, clamp.high) + clamp.zero_point);
}

/* Sums of a few rows for a strip of windows, and where their outputs go. */
typedef struct {
    const int32_t *sums;                             /* row by row, a strip's windows next to one another; without the bias */
    int8_t *output;                                  /* of the first row, for the first window */
    uint32_t stride;                                 /* bytes from one window's outputs to the next's */
    uint32_t windows;                                /* the first ones of a strip that count, at least 1 */
    const struct reds_int8_channel_record *channels; /* of the rows */
    uint32_t rows;
    int32_t widest_bias; /* REDS_WIDEST_SUM less what a row's products may come to; negative: none */
    const struct reds_step_record *step;
} reds_strip;

/* The outputs of a strip's rows. */
void reds_requantise_strip(reds_strip strip);

#endif
