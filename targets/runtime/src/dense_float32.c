/* Dense layer, float32: output = activation(sum x scale + bias).
 *
 * Each sum is kept in four parts, one for every fourth input: the compiler puts them into one vector register on a host, and on a
 * core with a scalar unit they hide the latency of the addition. Four rows share each load of the inputs. The order of additions
 * does not depend on how rows are grouped, so an output does not depend on how many outputs are active.
 */
#include "reds_core.h"
#include "reds_kernels.h"

#if !REDS_HAS_FPV4

#include "dense_float32.h"

enum { LANES = 4, ROWS = 4 };

static inline void accumulate(float sums[LANES], const reds_float32 *row, const float inputs[LANES])
{
    sums[0] = reds_multiply_add(sums[0], row[0], inputs[0]);
    sums[1] = reds_multiply_add(sums[1], row[1], inputs[1]);
    sums[2] = reds_multiply_add(sums[2], row[2], inputs[2]);
    sums[3] = reds_multiply_add(sums[3], row[3], inputs[3]);
}

/* The last inputs of a row, fewer than LANES, and the sum of its parts. */
static float finish_sum(const float sums[LANES], const reds_float32 *row, const reds_float32 *input, uint32_t inputs)
{
    float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (uint32_t i = inputs - inputs % LANES; i < inputs; i++)
        sum = reds_multiply_add(sum, row[i], input[i]);
    return sum;
}

static void one_row(const reds_float32 *row, const reds_float32 *input, uint32_t inputs, float *sum)
{
    float sums[LANES] = {0};
    for (uint32_t i = 0; i + LANES <= inputs; i += LANES) {
        const float lanes[LANES] = {input[i], input[i + 1], input[i + 2], input[i + 3]};
        accumulate(sums, row + i, lanes);
    }
    *sum = finish_sum(sums, row, input, inputs);
}

static void four_rows(const reds_float32 *rows, uint32_t stride, const reds_float32 *input, uint32_t inputs, float sum[ROWS])
{
    const reds_float32 *const row0 = rows, *const row1 = row0 + stride, *const row2 = row1 + stride, *const row3 = row2 + stride;
    float sums0[LANES] = {0}, sums1[LANES] = {0}, sums2[LANES] = {0}, sums3[LANES] = {0};
    for (uint32_t i = 0; i + LANES <= inputs; i += LANES) {
        const float lanes[LANES] = {input[i], input[i + 1], input[i + 2], input[i + 3]};
        accumulate(sums0, row0 + i, lanes);
        accumulate(sums1, row1 + i, lanes);
        accumulate(sums2, row2 + i, lanes);
        accumulate(sums3, row3 + i, lanes);
    }
    sum[0] = finish_sum(sums0, row0, input, inputs);
    sum[1] = finish_sum(sums1, row1, input, inputs);
    sum[2] = finish_sum(sums2, row2, input, inputs);
    sum[3] = finish_sum(sums3, row3, input, inputs);
}

void reds_dense_float32(const reds_operands *operands)
{
    const reds_float32 *const input = operands->input;
    const struct reds_float32_channel_record *channel = operands->channels;
    const uint32_t inputs = operands->step->inputs, outputs = operands->step->outputs, stride = operands->layer->row_stride;
    const uint8_t activation = operands->layer->activation;
    const reds_float32 *row = operands->weights;
    reds_float32 *output = operands->output;
    uint32_t left = outputs;

    for (; left >= ROWS; left -= ROWS, row += (size_t)ROWS * stride) {
        float sum[ROWS];
        four_rows(row, stride, input, inputs, sum);
        for (uint32_t r = 0; r < ROWS; r++)
            *output++ = reds_float32_output(sum[r], channel++, activation);
    }
    for (; left > 0; left--, row += stride) {
        float sum;
        one_row(row, input, inputs, &sum);
        *output++ = reds_float32_output(sum, channel++, activation);
    }
}

#endif
