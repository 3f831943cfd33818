/* Dense layers and convolutions, int8, weights in panels, with the vector instructions of x86: panels_avx2.h.
 *
 * Where the instruction for products of bytes takes windows as unsigned, they are made so by 128 more; the 128 x weights that this adds is
 * taken off the start of the sums.
 */
#include "reds_kernels.h"

#if REDS_HAS_AVX2

#include "panels_avx2.h"

enum { SUMS = 4 }; /* at a time, so that one need not wait for the other */
static const uint32_t ones = 0x01010101u;

/* 128 x the sum of each row's weights is taken off. */
static void prepare(const uint8_t *weights, uint32_t words, void *start)
{
    if (REDS_WINDOW_OFFSET == 0)
        return;
    const reds_lanes offsets = reds_everywhere((int32_t)(REDS_WINDOW_OFFSET * ones));
    reds_lanes sums[SUMS] = {reds_zero(), reds_zero(), reds_zero(), reds_zero()};
    uint32_t word = 0;
    for (; word + SUMS <= words; word += SUMS, weights += SUMS * REDS_VECTOR_BYTES)
        for (uint32_t i = 0; i < SUMS; i++)
            sums[i] = reds_multiply_add_bytes(sums[i], offsets, reds_load(weights + i * REDS_VECTOR_BYTES));
    for (; word < words; word++, weights += REDS_VECTOR_BYTES)
        sums[0] = reds_multiply_add_bytes(sums[0], offsets, reds_load(weights));
    const reds_lanes sum = reds_add(reds_add(sums[0], sums[1]), reds_add(sums[2], sums[3]));
    reds_store(start, reds_subtract(reds_load(start), sum));
}

static void convert(uint8_t *windows, size_t bytes)
{
    if (REDS_WINDOW_OFFSET == 0)
        return;
    const reds_lanes sign = reds_everywhere((int32_t)(REDS_WINDOW_OFFSET * ones));
    size_t at = 0;
    for (; at + REDS_VECTOR_BYTES <= bytes; at += REDS_VECTOR_BYTES)
        reds_store(windows + at, reds_combine(reds_load(windows + at), sign));
    const reds_lane_mask mask = reds_first_lanes((uint32_t)(bytes - at) / REDS_LANE_BYTES);
    reds_store_first(windows + at, mask, reds_combine(reds_load_first(windows + at, mask), sign));
}

static const reds_panels_kernel kernel = {
    .arithmetic = {reds_multiply_add_bytes, reds_add},
    .element_bytes = sizeof(int8_t),
    .block = REDS_INT8_BLOCK,
    .outputs = &reds_int8_outputs,
    .prepare = prepare,
    .convert = convert,
};

static void run(const reds_operands *operands)
{
    reds_run_panels(operands, &kernel, (uint8_t)operands->step->input_zero_point);
}

static uint32_t scratch_bytes(const reds_operands *operands)
{
    return reds_panels_scratch_bytes(operands, &kernel);
}

const reds_kernel reds_matrix_int8_panels = {run, scratch_bytes};

#endif
