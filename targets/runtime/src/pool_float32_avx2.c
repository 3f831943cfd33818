/* Average and max pooling, float32, with the vector instructions of x86: pool_avx2.h. */
#include "reds_kernels.h"

#if REDS_HAS_AVX2

#include "pool_avx2.h"

enum { MINUS_INFINITY = -0x800000 }; /* as bits of a float32 */

/* values > pooled ? values : pooled */
static reds_lanes larger(reds_lanes pooled, reds_lanes values)
{
    return reds_max_float(values, pooled);
}

static void write_average(const reds_operands *operands, reds_lanes pooled, uint32_t positions, uint32_t count, uint8_t *output)
{
    (void)operands;
    const reds_lanes share = reds_everywhere_float(1.0f / (float)positions);
    reds_store_words(output, count, reds_multiply_add_float(reds_zero(), pooled, share));
}

static void write_largest(const reds_operands *operands, reds_lanes pooled, uint32_t positions, uint32_t count, uint8_t *output)
{
    (void)operands;
    (void)positions;
    reds_store_words(output, count, pooled);
}

static void run_average(const reds_operands *operands)
{
    static const reds_pool_kernel kernel = {sizeof(float), 0, reds_load_words, reds_add_float, write_average};
    reds_run_pool(operands, &kernel);
}

static void run_largest(const reds_operands *operands)
{
    static const reds_pool_kernel kernel = {sizeof(float), MINUS_INFINITY, reds_load_words, larger, write_largest};
    reds_run_pool(operands, &kernel);
}

const reds_kernel reds_average_pool_float32 = {run_average, NULL};
const reds_kernel reds_max_pool_float32 = {run_largest, NULL};

#endif
