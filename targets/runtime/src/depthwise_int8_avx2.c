/* Depthwise convolution, int8, with the vector instructions of x86: depthwise_avx2.h. Values and weights are widened; the instruction
 * adds the products of both halves of a lane, and the upper half of a weight is zero.
 */
#include "reds_kernels.h"

#if REDS_HAS_AVX2

#include "depthwise_avx2.h"

static reds_lanes load_values(const uint8_t *from, uint32_t count)
{
    return reds_widen(reds_load_bytes((const int8_t *)from, count));
}

static reds_lanes load_weights(const uint8_t *from, uint32_t count)
{
    return reds_lower_halves(load_values(from, count));
}

static const reds_depthwise_kernel kernel = {
    .arithmetic = {reds_multiply_add_shorts, reds_add},
    .element_bytes = sizeof(int8_t),
    .block = REDS_INT8_BLOCK,
    .outputs = &reds_int8_outputs,
    .load_values = load_values,
    .load_weights = load_weights,
};

static void run(const reds_operands *operands)
{
    reds_run_depthwise(operands, &kernel, reds_everywhere(operands->step->input_zero_point));
}

static uint32_t scratch_bytes(const reds_operands *operands)
{
    return reds_depthwise_scratch_bytes(operands, &kernel);
}

const reds_kernel reds_depthwise_int8 = {run, scratch_bytes};

#endif
