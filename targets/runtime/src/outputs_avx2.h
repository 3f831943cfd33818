/* From sixteen sums of products to outputs, on x86: what the kernels of matrices and of depthwise convolution have in common. */
#ifndef REDS_OUTPUTS_AVX2_H
#define REDS_OUTPUTS_AVX2_H

#include "lanes_avx2.h"
#include "reds_kernels.h"

/* What is done to whole vectors, by precision. */
typedef struct {
    reds_lanes (*multiply_add)(reds_lanes sum, reds_lanes window, reds_lanes weights);
    reds_lanes (*add)(reds_lanes a, reds_lanes b);
} reds_arithmetic;

/* How outputs are made of sums, by precision: from constants that are prepared once for every sixteen channels of the step. */
typedef struct {
    uint32_t constant_bytes; /* a multiple of a vector; the first vector is what sums begin with */
    void (*prepare)(const reds_operands *operands, uint32_t first_channel, uint32_t count, void *constants);
    /* Outputs of `count` channels at each of `windows` positions of the output map from `window` on; one vector of sums for each. */
    void (*write)(const reds_operands *operands, const void *constants, uint32_t first_channel, uint32_t count, const reds_lanes *sums,
                  uint32_t window, uint32_t windows);
} reds_lane_outputs;

static inline uint32_t reds_smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint64_t reds_whole_vectors(uint64_t bytes)
{
    return (bytes + REDS_VECTOR_BYTES - 1) / REDS_VECTOR_BYTES * REDS_VECTOR_BYTES;
}

/* The scratch from the first boundary of a vector on: kernels ask for one vector more. */
static inline uint8_t *reds_aligned_scratch(const reds_operands *operands)
{
    return (uint8_t *)operands->scratch + (-(uintptr_t)operands->scratch & (REDS_VECTOR_BYTES - 1));
}

/* What does not fit into 32 bits becomes more than any arena has. */
static inline uint32_t reds_sayable_bytes(uint64_t bytes)
{
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

/* float32 */

typedef struct REDS_MAY_ALIAS {
    float start[REDS_LANES]; /* zeros */
    float scale[REDS_LANES];
    float bias[REDS_LANES];
} reds_float32_constants;

REDS_INLINE void reds_prepare_float32(const reds_operands *operands, uint32_t first_channel, uint32_t count, void *prepared)
{
    reds_float32_constants *const constants = prepared;
    const struct reds_float32_channel_record *channel = reds_channels(operands);
    channel += first_channel;
    memset(constants, 0, sizeof *constants);
    for (uint32_t lane = 0; lane < count; lane++, channel++) {
        constants->scale[lane] = channel->scale;
        constants->bias[lane] = channel->bias;
    }
}

/* As reds_activate. */
REDS_INLINE reds_lanes reds_activate_lanes(reds_lanes value, uint8_t activation, reds_lanes negative_slope)
{
    switch (activation) {
    case REDS_RELU: return reds_max_float(value, reds_zero());
    case REDS_RELU6: return reds_min_float(reds_max_float(value, reds_zero()), reds_everywhere_float(6.0f));
    case REDS_LEAKY_RELU: return reds_scale_negative_float(value, negative_slope);
    default: return value;
    }
}

/* The outputs with an activation that is a constant. */
REDS_INLINE void reds_write_activated(const reds_operands *operands, const reds_float32_constants *constants, const uint8_t activation,
                                      uint32_t count, const reds_lanes *sums, reds_float32 *output, uint32_t windows)
{
    const size_t channels = operands->step->output_channels;
    const reds_lanes negative_slope = reds_everywhere_float(operands->layer->negative_slope);
    const reds_lanes scale = reds_load(constants->scale), bias = reds_load(constants->bias);
    for (uint32_t i = 0; i < windows; i++, output += channels)
        reds_store_words(output, count, reds_activate_lanes(reds_multiply_add_float(bias, sums[i], scale), activation, negative_slope));
}

REDS_INLINE void reds_write_float32(const reds_operands *operands, const void *constants, uint32_t first_channel, uint32_t count,
                                    const reds_lanes *sums, uint32_t window, uint32_t windows)
{
    reds_float32 *const output = (reds_float32 *)operands->output + (size_t)window * operands->step->output_channels + first_channel;
    switch (operands->layer->activation) {
    case REDS_RELU: reds_write_activated(operands, constants, REDS_RELU, count, sums, output, windows); break;
    case REDS_RELU6: reds_write_activated(operands, constants, REDS_RELU6, count, sums, output, windows); break;
    case REDS_LEAKY_RELU: reds_write_activated(operands, constants, REDS_LEAKY_RELU, count, sums, output, windows); break;
    default: reds_write_activated(operands, constants, REDS_NO_ACTIVATION, count, sums, output, windows);
    }
}

static const reds_lane_outputs reds_float32_outputs = {sizeof(reds_float32_constants), reds_prepare_float32, reds_write_float32};

/* int8: as requantise.h, bit by bit */

typedef struct REDS_MAY_ALIAS {
    int32_t start[REDS_LANES]; /* bias, less what the arithmetic adds too much */
    int32_t multiplier[REDS_LANES];
    int32_t half[REDS_LANES]; /* of the divisor: 2^(exponent - 1) */
    int32_t exponent[REDS_LANES];
    struct reds_int8_channel_record channels[REDS_LANES]; /* for factors that do not shift to the right, which are rare */
    int32_t is_rare;
    int32_t unused[REDS_LANES - 1];
} reds_int8_constants;

REDS_INLINE void reds_prepare_int8(const reds_operands *operands, uint32_t first_channel, uint32_t count, void *prepared)
{
    reds_int8_constants *const constants = prepared;
    const struct reds_int8_channel_record *channel = reds_channels(operands);
    channel += first_channel;
    memset(constants, 0, sizeof *constants);
    memcpy(constants->channels, channel, count * sizeof *channel);
    for (uint32_t lane = 0; lane < count; lane++, channel++) {
        constants->start[lane] = channel->bias;
        if (channel->shift < 0) {
            constants->multiplier[lane] = channel->multiplier;
            constants->half[lane] = (int32_t)(1u << (-channel->shift - 1));
            constants->exponent[lane] = -channel->shift;
        } else {
            constants->is_rare = 1;
        }
    }
}

typedef struct {
    reds_lanes zero_point;
    __m128i clamp_min, clamp_max;
} reds_int8_range;

/* The division's half is away from zero: one less where the value is negative. Narrowing saturates, no more than the clamp does. */
REDS_INLINE __m128i reds_requantise_lanes(reds_lanes sums, const reds_int8_constants *constants, const reds_int8_range *range)
{
    const reds_lanes value = reds_doubling_high_multiply_lanes(sums, reds_load(constants->multiplier));
    const reds_lanes rounded = reds_add(value, reds_add(reds_load(constants->half), reds_signs(value)));
    const reds_lanes quotient = reds_shift_right(rounded, reds_load(constants->exponent));
    const __m128i output = reds_narrow(reds_add(quotient, range->zero_point));
    return _mm_min_epi8(_mm_max_epi8(output, range->clamp_min), range->clamp_max);
}

static __attribute__((noinline)) void reds_write_rare_int8(const reds_operands *operands, const reds_int8_constants *constants,
                                                           uint32_t count, const reds_lanes *sums, int8_t *output, uint32_t windows)
{
    const reds_clamp clamp = reds_clamp_of(operands->step);
    for (uint32_t i = 0; i < windows; i++, output += operands->step->output_channels) {
        int32_t each[REDS_LANES];
        reds_store(each, sums[i]);
        reds_requantise_all(each, count, constants->channels, clamp, output);
    }
}

REDS_INLINE void reds_write_int8(const reds_operands *operands, const void *prepared, uint32_t first_channel, uint32_t count,
                                 const reds_lanes *sums, uint32_t window, uint32_t windows)
{
    const struct reds_step_record *const step = operands->step;
    const reds_int8_constants *const constants = prepared;
    const size_t channels = step->output_channels;
    int8_t *output = (int8_t *)operands->output + window * channels + first_channel;
    if (constants->is_rare) {
        reds_write_rare_int8(operands, constants, count, sums, output, windows);
        return;
    }
    const reds_int8_range range = {
        reds_everywhere(step->output_zero_point),
        _mm_set1_epi8((char)step->clamp_min),
        _mm_set1_epi8((char)step->clamp_max),
    };
    for (uint32_t i = 0; i < windows; i++, output += channels)
        reds_store_bytes(output, count, reds_requantise_lanes(sums[i], constants, &range));
}

static const reds_lane_outputs reds_int8_outputs = {sizeof(reds_int8_constants), reds_prepare_int8, reds_write_int8};

#endif
