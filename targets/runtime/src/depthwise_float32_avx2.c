/* Depthwise convolution, float32, with the vector instructions of x86: depthwise_avx2.h. */
#include "reds_kernels.h"

#if REDS_HAS_AVX2

#include "depthwise_avx2.h"

static const reds_depthwise_kernel kernel = {
    .arithmetic = {reds_multiply_add_float, reds_add_float},
    .element_bytes = sizeof(float),
    .block = 1,
    .outputs = &reds_float32_outputs,
    .load_values = reds_load_words,
    .load_weights = reds_load_words,
};

static void run(const reds_operands *operands)
{
    reds_run_depthwise(operands, &kernel, reds_zero());
}

static uint32_t scratch_bytes(const reds_operands *operands)
{
    return reds_depthwise_scratch_bytes(operands, &kernel);
}

const reds_kernel reds_depthwise_float32 = {run, scratch_bytes};

#endif
