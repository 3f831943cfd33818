/* Average and max pooling, int8, with the vector instructions of x86: pool_avx2.h. */
#include "reds_kernels.h"

#if REDS_HAS_AVX2

#include "pool_avx2.h"

static reds_lanes load(const uint8_t *from, uint32_t count)
{
    return reds_widen(reds_load_bytes((const int8_t *)from, count));
}

static void write(const reds_operands *operands, reds_lanes pooled, uint32_t count, uint8_t *output)
{
    const __m128i low = _mm_set1_epi8((char)operands->step->clamp_min), high = _mm_set1_epi8((char)operands->step->clamp_max);
    reds_store_bytes((int8_t *)output, count, _mm_min_epi8(_mm_max_epi8(reds_narrow(pooled), low), high));
}

/* sum / positions, rounded half away from zero; the sum of a map of fewer than 2^24 elements stays above -2^31. */
static int32_t mean(int32_t sum, uint32_t positions)
{
    const uint32_t magnitude = sum < 0 ? 0u - (uint32_t)sum : (uint32_t)sum;
    const int32_t quotient = (int32_t)((magnitude + positions / 2) / positions);
    return sum < 0 ? -quotient : quotient;
}

static void write_average(const reds_operands *operands, reds_lanes pooled, uint32_t positions, uint32_t count, uint8_t *output)
{
    int32_t each[REDS_LANES];
    reds_store(each, pooled);
    for (uint32_t lane = 0; lane < REDS_LANES; lane++)
        each[lane] = mean(each[lane], positions);
    write(operands, reds_load(each), count, output);
}

static void write_largest(const reds_operands *operands, reds_lanes pooled, uint32_t positions, uint32_t count, uint8_t *output)
{
    (void)positions;
    write(operands, pooled, count, output);
}

static void run_average(const reds_operands *operands)
{
    static const reds_pool_kernel kernel = {sizeof(int8_t), 0, load, reds_add, write_average};
    reds_run_pool(operands, &kernel);
}

static void run_largest(const reds_operands *operands)
{
    static const reds_pool_kernel kernel = {sizeof(int8_t), INT8_MIN, load, reds_max, write_largest};
    reds_run_pool(operands, &kernel);
}

const reds_kernel reds_average_pool_int8 = {run_average, NULL};
const reds_kernel reds_max_pool_int8 = {run_largest, NULL};

#endif
