/* Dense layer, float32, on a Cortex-M4F: output = activation(sum x scale + bias).
 *
 * Four rows share each load of eight inputs, and one instruction loads eight elements: together they fill the unit's 32 registers,
 * with two sums for each row to hide the latency of the additions. The order of additions does not depend on how rows are grouped,
 * so an output does not depend on how many outputs are active.
 */
#include "reds_core.h"
#include "reds_kernels.h"

#if REDS_HAS_FPV4

#include "dense_float32.h"

enum { COLUMNS = 8, ROWS = 4 };

/* Products of eight inputs (s8 to s15) with eight weights of each of two rows (s16 to s23, s24 to s31). */
#define MULTIPLY_ADD(sum, weight, input) "vfma.f32 s" #sum ", s" #weight ", s" #input "\n\t"
#define TWO_ROWS(row_a, row_b, a0, a1, b0, b1)                                                            \
    "vldmia %[" row_a "]!, {s16-s23}\n\t"                                                                 \
    "vldmia %[" row_b "]!, {s24-s31}\n\t"                                                                 \
    MULTIPLY_ADD(a0, 16, 8) MULTIPLY_ADD(b0, 24, 8) MULTIPLY_ADD(a1, 17, 9) MULTIPLY_ADD(b1, 25, 9)       \
    MULTIPLY_ADD(a0, 18, 10) MULTIPLY_ADD(b0, 26, 10) MULTIPLY_ADD(a1, 19, 11) MULTIPLY_ADD(b1, 27, 11)   \
    MULTIPLY_ADD(a0, 20, 12) MULTIPLY_ADD(b0, 28, 12) MULTIPLY_ADD(a1, 21, 13) MULTIPLY_ADD(b1, 29, 13)   \
    MULTIPLY_ADD(a0, 22, 14) MULTIPLY_ADD(b0, 30, 14) MULTIPLY_ADD(a1, 23, 15) MULTIPLY_ADD(b1, 31, 15)

/* Sums of four rows over the inputs from `input` to `end`, a positive multiple of COLUMNS; `sums` holds zeros. */
static void sum_columns(const reds_float32 *const rows[ROWS], const reds_float32 *input, const reds_float32 *end, float sums[ROWS])
{
    const reds_float32 *row0 = rows[0], *row1 = rows[1], *row2 = rows[2], *row3 = rows[3];
    __asm__ volatile("vldmia %[sums], {s0-s3}\n\t"
                     "vldmia %[sums], {s4-s7}\n"
                     "1:\n\t"
                     "vldmia %[input]!, {s8-s15}\n\t"
                     TWO_ROWS("row0", "row1", 0, 1, 2, 3)
                     TWO_ROWS("row2", "row3", 4, 5, 6, 7)
                     "cmp %[input], %[end]\n\t"
                     "bne 1b\n\t"
                     "vadd.f32 s0, s0, s1\n\t"
                     "vadd.f32 s1, s2, s3\n\t"
                     "vadd.f32 s2, s4, s5\n\t"
                     "vadd.f32 s3, s6, s7\n\t"
                     "vstmia %[sums], {s0-s3}"
                     : [row0] "+r"(row0), [row1] "+r"(row1), [row2] "+r"(row2), [row3] "+r"(row3), [input] "+r"(input)
                     : [end] "r"(end), [sums] "r"(sums)
                     : "cc", "memory", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14",
                       "s15", "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "s28", "s29", "s30",
                       "s31");
}

void reds_dense_float32(const reds_operands *operands)
{
    const reds_float32 *const input = operands->input;
    const struct reds_float32_channel_record *channel = operands->channels;
    const uint32_t inputs = operands->step->inputs, stride = operands->layer->row_stride, blocked = inputs - inputs % COLUMNS;
    const uint8_t activation = operands->layer->activation;
    const reds_float32 *row = operands->weights;
    reds_float32 *output = operands->output;

    for (uint32_t left = operands->step->outputs; left > 0;) {
        const uint32_t count = left < ROWS ? left : ROWS;
        /* Fewer rows than four at the end: the last one stands in for what is missing. */
        const reds_float32 *rows[ROWS];
        for (uint32_t r = 0; r < ROWS; r++)
            rows[r] = row + (r < count ? r : count - 1) * stride;
        float sums[ROWS] = {0};
        if (blocked > 0)
            sum_columns(rows, input, input + blocked, sums);
        for (uint32_t r = 0; r < count; r++) {
            float sum = sums[r];
            for (uint32_t i = blocked; i < inputs; i++)
                sum = reds_multiply_add(sum, rows[r][i], input[i]);
            *output++ = reds_float32_output(sum, channel++, activation);
        }
        left -= count;
        row += (size_t)count * stride;
    }
}

#endif
