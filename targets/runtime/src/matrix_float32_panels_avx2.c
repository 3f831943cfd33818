/* Dense layers and convolutions, float32, weights in panels, with the vector instructions of x86: panels_avx2.h. */
#include "reds_kernels.h"

#if REDS_HAS_AVX2

#include "panels_avx2.h"

static void prepare(const uint8_t *weights, uint32_t words, void *start)
{
    (void)weights;
    (void)words;
    (void)start;
}

static void convert(uint8_t *windows, size_t bytes)
{
    (void)windows;
    (void)bytes;
}

static const reds_panels_kernel kernel = {
    .arithmetic = {reds_multiply_add_float, reds_add_float},
    .element_bytes = sizeof(float),
    .block = 1,
    .outputs = &reds_float32_outputs,
    .prepare = prepare,
    .convert = convert,
};

static void run(const reds_operands *operands)
{
    reds_run_panels(operands, &kernel, 0);
}

static uint32_t scratch_bytes(const reds_operands *operands)
{
    return reds_panels_scratch_bytes(operands, &kernel);
}

const reds_kernel reds_matrix_float32_panels = {run, scratch_bytes};

#endif
