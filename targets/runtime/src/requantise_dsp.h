/* Requantisation with the DSP instructions: the bytes of requantise.h in four instructions for each output of most channels.
 *
 * The multiplier of nearly every channel lies in 2^30..2^31 - 1 and its shift in -31..-2. Then, for a sum s,
 *   - the doubled multiplier less 2^32 fits an int32, so SMMLAR gives round(s x multiplier / 2^31) as s + high(s x (2 multiplier
 *     - 2^32));
 *   - dividing that value v by 2^-shift, rounded half up, and adding the zero point is one SMMLAR with 2^(32 + shift). The
 *     reference rounds half away from zero: v + (v >> 31) instead of v. Where outputs are clamped at the zero point (ReLU) or
 *     above it, a negative value comes to the same either way, and the addition is left out;
 *   - SSAT clamps to -128..127. A narrower clamp is applied to the finished bytes.
 * All other channels (a multiplier of 0 or one that batch norm has made negative, a left shift) take the reference.
 */
#ifndef REDS_REQUANTISE_DSP_H
#define REDS_REQUANTISE_DSP_H

#include "reds_dsp.h"
#include "reds_kernels.h"
#include "requantise.h"

/* What assembly needs of a channel's requantisation, as words in this order. */
typedef struct {
    int32_t multiplier; /* doubled, less 2^32 */
    int32_t power;      /* 2^(32 + shift); 0: the channel takes the reference */
} reds_scaling;

enum { REDS_LARGEST_FAST_SHIFT = -2 };

static inline reds_scaling reds_scaling_of(const struct reds_int8_channel_record *channel)
{
    reds_scaling scaling = {.multiplier = (int32_t)((uint32_t)channel->multiplier << 1), .power = 0};
    if (channel->multiplier > 0 && channel->shift <= REDS_LARGEST_FAST_SHIFT)
        scaling.power = (int32_t)(UINT32_C(1) << (32 + channel->shift));
    return scaling;
}

/* Whether negative values end at the zero point or above it, however they were rounded. */
static inline int reds_clamps_negatives(const struct reds_step_record *step)
{
    return step->clamp_min >= step->output_zero_point;
}

/* The output for a sum by a scaling whose power is not 0, clamped to -128..127 only. */
static inline int8_t reds_requantise_fast(int32_t sum, const reds_scaling *scaling, int clamps_negatives, int32_t zero_point)
{
    int32_t value = reds_multiply_high_add(sum, sum, scaling->multiplier);
    if (!clamps_negatives)
        value += value >> 31;
    return (int8_t)reds_saturate_byte(reds_multiply_high_add(zero_point, value, scaling->power));
}

/* The output for a sum of any channel, by the reference; and by the record in fewer instructions, clamped to -128..127 only
 * unless the channel takes the reference: where a scaling would serve one output. */
int8_t reds_requantise_reference(int32_t sum, const struct reds_int8_channel_record *channel,
                                 const struct reds_step_record *step);
void reds_requantise_sums(const int32_t *sums, uint32_t count, const struct reds_int8_channel_record *channels,
                          const struct reds_step_record *step, int8_t *outputs);

/* The clamp of a step on outputs that are clamped to -128..127. */
void reds_clamp_bytes(const struct reds_step_record *step, int8_t *outputs, uint32_t count);

#endif
