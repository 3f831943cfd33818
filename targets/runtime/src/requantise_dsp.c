/* Requantisation with the DSP instructions: what is not worth repeating in each kernel. */
#include "reds_kernels.h"

#if REDS_HAS_DSP

#include "requantise_dsp.h"

int8_t reds_requantise_reference(int32_t sum, const struct reds_int8_channel_record *channel, const struct reds_step_record *step)
{
    return reds_requantise(sum, channel, reds_clamp_of(step));
}

void reds_requantise_sums(const int32_t *sums, uint32_t count, const struct reds_int8_channel_record *channels,
                          const struct reds_step_record *step, int8_t *outputs)
{
    const int32_t zero_point = step->output_zero_point;
    for (const int32_t *const end = sums + count; sums < end; sums++, channels++) {
        const int32_t shift = channels->shift;
        if (REDS_LIKELY(shift < 0)) {
            const int32_t value = reds_multiply_high(*sums * 2, channels->multiplier);
            *outputs++ = (int8_t)reds_saturate_byte(reds_shift_rounded_add(value + (value >> 31), -shift, zero_point));
        } else {
            *outputs++ = reds_requantise_reference(*sums, channels, step);
        }
    }
}

void reds_clamp_bytes(const struct reds_step_record *step, int8_t *outputs, uint32_t count)
{
    if (step->clamp_min == INT8_MIN && step->clamp_max == INT8_MAX)
        return;
    for (int8_t *const end = outputs + count; outputs < end; outputs++)
        *outputs = (int8_t)reds_limit(*outputs, step->clamp_min, step->clamp_max);
}

#endif
