/* Rows of weights times one window: one_window_int8_dsp.h.
 *
 * Six rows share the loads of the window: 31 instructions for 24 multiply-adds, most of which load and sign-extend weights.
 */
#include "reds_kernels.h"

#if REDS_HAS_DSP

#include "reds_dsp.h"
#include "one_window_int8_dsp.h"

enum { WORD_BYTES = 4, ROWS = 6 };

__attribute__((noinline)) int32_t reds_multiply_row(const uint8_t *weights, size_t stride, const uint32_t *window,
                                                    const uint32_t *window_end, int32_t sum)
{
    for (; window < window_end; window += REDS_WINDOW_PITCH, weights += stride) {
        const uint32_t word = reds_load_word(weights);
        sum = reds_multiply_add_pairs(sum, reds_even_bytes(word), window[0]);
        sum = reds_multiply_add_pairs(sum, reds_odd_bytes(word), window[1]);
    }
    return sum;
}

#if REDS_DSP_INSTRUCTIONS

/* One row: its next word lies at `address`; r11 and r12 hold the even and the odd columns of the window. */
#define ROW(sum, address)                 \
    "ldr r3, " address "\n\t"             \
    "sxtb16 lr, r3\n\t"                   \
    "sxtb16 r3, r3, ror #8\n\t"           \
    "smlad " sum ", lr, r11, " sum "\n\t" \
    "smlad " sum ", r3, r12, " sum "\n\t"

/* One word of the window and of every row; what moves a pointer on comes last. */
#define WORD                         \
    "ldrd r11, r12, [r2], #8\n\t"    \
    ROW("r5", "[r0, r1]")            \
    ROW("r6", "[r0, r1, lsl #1]")    \
    ROW("r4", "[r0], #4")            \
    ROW("r8", "[r10, r1]")           \
    ROW("r9", "[r10, r1, lsl #1]")   \
    ROW("r7", "[r10], #4")

/* ROWS rows. In assembly throughout, because it needs every register: r0 and r10 point at rows 0 and 3, whose neighbours are
 * reached by multiples of the stride in r1; r2 is the window, r4 to r9 are the sums; the window's end waits on the stack. Two
 * words for each turn; an odd number of them enters in the middle. */
__attribute__((naked, noinline)) static void multiply_rows(
    REDS_IN_REGISTER const uint8_t *row, REDS_IN_REGISTER size_t stride, REDS_IN_REGISTER const uint32_t *window,
    REDS_IN_REGISTER const uint32_t *window_end, REDS_IN_REGISTER int32_t *sums)
{
    __asm__("push {r3-r11, lr}\n\t"
            "ldr r10, [sp, #40]\n\t"
            "ldmia r10, {r4-r9}\n\t"
            "add r10, r0, r1\n\t"
            "add r10, r10, r1, lsl #1\n\t"
            "subs r3, r3, r2\n\t"
            "tst r3, #8\n\t"
            "bne 2f\n"
            "1:\n\t" WORD
            "2:\n\t" WORD
            "ldr r3, [sp]\n\t"
            "cmp r2, r3\n\t"
            "bne 1b\n\t"
            "ldr r10, [sp, #40]\n\t"
            "stmia r10, {r4-r9}\n\t"
            "pop {r3-r11, pc}");
}

#else

static void multiply_rows(const uint8_t *row, size_t stride, const uint32_t *window, const uint32_t *window_end, int32_t *sums)
{
    for (size_t r = 0; r < ROWS; r++)
        sums[r] = reds_multiply_row(row + r * stride, WORD_BYTES, window, window_end, sums[r]);
}

#endif

void reds_multiply_window(const uint8_t *weights, size_t stride, uint32_t row_count, const uint32_t *window,
                          const uint32_t *window_end, int32_t *sums)
{
    for (; row_count >= ROWS; row_count -= ROWS, weights += ROWS * stride, sums += ROWS)
        multiply_rows(weights, stride, window, window_end, sums);
    for (; row_count > 0; row_count--, weights += stride, sums++)
        *sums = reds_multiply_row(weights, WORD_BYTES, window, window_end, *sums);
}

#endif
