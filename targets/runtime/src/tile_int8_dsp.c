/* Rows of weights times six windows: tile_int8_dsp.h.
 *
 * A word of a row (four columns) is loaded and sign-extended once for six windows; the windows are widened already. That makes 18
 * instructions for 24 multiply-adds: a load, 2 SXTB16, 3 LDM, 12 SMLAD. Six sums, two halves of the weights, four words of the
 * tile and two pointers are all fourteen registers, so everything else waits on the stack until the sums are done.
 *
 * Two rows times three windows would load half as many words of the tile: 20 instructions, but on a Cortex-M4, where an LDM of n
 * words takes n + 1 cycles, about 26 cycles in place of 31. Instructions are what is counted here.
 */
#include "reds_kernels.h"

#if REDS_HAS_DSP

#include "tile_int8_dsp.h"

REDS_CALLED_BY_ASSEMBLY void reds_requantise_tile_row(const reds_tile_work *work, const int32_t *sums, int8_t *output)
{
    const struct reds_int8_channel_record *const channel = work->channels + (output - work->output);
    for (uint32_t window = 0; window < work->windows; window++)
        output[window * work->output_stride] = reds_requantise_reference(sums[window], channel, work->step);
}

#if REDS_DSP_INSTRUCTIONS

/* Four words of the tile, times the weights in r2 (odd columns) and r3 (even columns): two windows. */
#define TWO_WINDOWS(a, b)                     \
    "ldmia r1!, {r10, r11, r12, lr}\n\t"      \
    "smlad " a ", r3, r10, " a "\n\t"         \
    "smlad " a ", r2, r11, " a "\n\t"         \
    "smlad " b ", r3, r12, " b "\n\t"         \
    "smlad " b ", r2, lr, " b "\n\t"

#define WEIGHTS                   \
    "ldr r2, [r0], #4\n\t"        \
    "sxtb16 r3, r2\n\t"           \
    "sxtb16 r2, r2, ror #8\n\t"

/* 18 instructions of WORD_BYTES in all: the loop is entered in the middle. */
#define WORD WEIGHTS TWO_WINDOWS("r4", "r5") TWO_WINDOWS("r6", "r7") TWO_WINDOWS("r8", "r9")
#define WORD_BYTES "72"
#define FOUR_WORDS WORD WORD WORD WORD

/* The first word of a row: sums begin with the bias, which lies where the last of them will be. */
#define TWO_FIRST_WINDOWS(a, b)               \
    "ldmia r1!, {r10, r11, r12, lr}\n\t"      \
    "smlad " a ", r3, r10, r9\n\t"            \
    "smlad " a ", r2, r11, " a "\n\t"         \
    "smlad " b ", r3, r12, r9\n\t"            \
    "smlad " b ", r2, lr, " b "\n\t"
#define FIRST_WORD WEIGHTS TWO_FIRST_WINDOWS("r4", "r5") TWO_FIRST_WINDOWS("r6", "r7") TWO_FIRST_WINDOWS("r8", "r9")

/* A sum becomes an output: r2 the multiplier, r3 the power, lr the zero point. Blocks of 16 and of 20 bytes, entered in the
 * middle when the tile holds fewer windows. */
#define CLAMPED_OUTPUT(sum, address)                \
    "smmlar " sum ", " sum ", r2, " sum "\n\t"      \
    "smmlar " sum ", " sum ", r3, lr\n\t"           \
    "ssat " sum ", #8, " sum "\n\t"                 \
    "strb.w " sum ", " address "\n\t"
#define OUTPUT(sum, address)                        \
    "smmlar " sum ", " sum ", r2, " sum "\n\t"      \
    "add.w " sum ", " sum ", " sum ", asr #31\n\t"  \
    "smmlar " sum ", " sum ", r3, lr\n\t"           \
    "ssat " sum ", #8, " sum "\n\t"                 \
    "strb.w " sum ", " address "\n\t"
#define SIX(output)                     \
    output("r9", "[r10, r12, lsl #1]")  \
    output("r8", "[r10, r12]")          \
    output("r7", "[r10]")               \
    output("r6", "[r1, r12, lsl #1]")   \
    output("r5", "[r1, r12]")           \
    output("r4", "[r1]")

/* On the stack, from sp on: the first eight words of reds_tile_work; at 32 where the loop is entered, at 36 the argument. The
 * rows hold the addresses of where they begin and finish, so that loading what a row needs is also the jump. */
__attribute__((naked)) void reds_multiply_tile(REDS_IN_REGISTER const reds_tile_work *work)
{
    __asm__("push {r4-r11, lr}\n\t"
            "sub sp, sp, #44\n\t" /* a word more keeps the stack on its boundary */
            "str r0, [sp, #36]\n\t"
            "ldmia r0!, {r1-r8}\n\t"
            "stm sp, {r1-r8}\n\t"
            /* r3: words; r4: from; r5: to; r6, r7: the rows; r8: weights; r9: stride; r10: tile; r11: windows;
             * r12: is_prepared */
            "ldmia r0, {r3-r12}\n\t"
            "cmp r4, #0\n\t"
            "it eq\n\t"
            "subeq r3, r3, #1\n\t" /* a row that begins with its bias does its first word apart */
            "and r3, r3, #7\n\t"
            "mov r1, #" WORD_BYTES "\n\t"
            "mul r3, r3, r1\n\t"
            "adr.w r1, 13f\n\t"
            "subs r1, r1, r3\n\t"
            "orr r1, r1, #1\n\t"
            "str r1, [sp, #32]\n\t"
            "cmp r12, #0\n\t"
            "bne 4f\n\t"

            /* where the rows begin (r0) and finish (r1), and finish if they take the reference (r2) */
            "adr.w r0, 10f\n\t"
            "cbz r4, 1f\n\t"
            "adr.w r0, 11f\n"
            "1:\n\t"
            "adr.w r1, 20f\n\t"
            "mov r2, r1\n\t"
            "cbz r5, 2f\n\t"
            "adr.w r2, 15f\n\t"
            "rsb r11, r11, #6\n\t" /* windows left out */
            "cmp r5, #1\n\t"
            "add.w r3, r11, r11, lsl #2\n\t"
            "adr.w r1, 21f\n\t"
            "add.w r1, r1, r3, lsl #2\n\t"
            "beq 2f\n\t"
            "adr.w r1, 22f\n\t"
            "add.w r1, r1, r11, lsl #4\n"
            "2:\n\t"
            "orr r0, r0, #1\n\t"
            "orr r1, r1, #1\n\t"
            "orr r2, r2, #1\n\t"
            "mov r3, r6\n"
            "3:\n\t"
            "strd r8, r10, [r3]\n\t"
            "add r8, r8, r9\n\t"
            "str r0, [r3, #12]\n\t"
            "ldr r4, [r3, #20]\n\t"
            "cmp r4, #0\n\t"
            "ite ne\n\t"
            "strne r1, [r3, #24]\n\t"
            "streq r2, [r3, #24]\n\t"
            "adds r3, r3, #28\n\t"
            "cmp r3, r7\n\t"
            "bne 3b\n"

            "4:\n\t"
            "adr.w r1, 24f\n\t"
            "orr r1, r1, #1\n\t"
            "str r1, [r7, #12]\n\t" /* behind the last row there is the end */
            "ldmia r6, {r0, r1, r9, pc}\n"

            "10:\n\t" FIRST_WORD
            "ldr.w pc, [sp, #32]\n"
            "11:\n\t"
            "ldr r2, [sp, #24]\n\t"
            "ldmia r2!, {r4-r9}\n\t"
            "str r2, [sp, #24]\n\t"
            "ldr.w pc, [sp, #32]\n"

            "12:\n\t" FOUR_WORDS FOUR_WORDS
            "13:\n\t"
            "ldr r2, [sp, #20]\n\t"
            "cmp r1, r2\n\t"
            "bne 12b\n\t"
            "ldm sp, {r1, r10, r11, r12, lr}\n\t"
            "ldmia r11!, {r2, r3, pc}\n"

            "15:\n\t" /* a channel that takes the reference */
            "push {r0, r1, r10, r11}\n\t"
            "push {r4-r9}\n\t"
            "mov r2, r1\n\t"
            "mov r1, sp\n\t"
            "ldr r0, [sp, #76]\n\t"
            "bl reds_requantise_tile_row\n\t"
            "add sp, sp, #24\n\t"
            "pop {r0, r1, r10, r11}\n\t"
            "b 23f\n"

            "20:\n\t"
            "ldr r2, [sp, #28]\n\t"
            "stmia r2!, {r4-r9}\n\t"
            "str r2, [sp, #28]\n\t"
            "b 23f\n"
            "21:\n\t" SIX(OUTPUT)
            "b 23f\n"
            "22:\n\t" SIX(CLAMPED_OUTPUT)
            "23:\n\t"
            "adds r1, r1, #1\n\t"
            "add r10, r10, #1\n\t"
            "add r11, r11, #16\n\t"
            "stm sp, {r1, r10, r11}\n\t"
            "ldmdb r11, {r0, r1, r9, pc}\n"

            "24:\n\t"
            "add sp, sp, #44\n\t"
            "pop {r4-r11, pc}");
}

#else

static void multiply_row(const reds_tile_work *work, const uint8_t *weights, int32_t sums[REDS_MOST_WINDOWS])
{
    for (const uint32_t *tile = work->tile; tile < work->tile_end; tile += REDS_TILE_PITCH, weights += sizeof(uint32_t)) {
        const uint32_t even = reds_even_bytes(reds_load_word(weights)), odd = reds_odd_bytes(reds_load_word(weights));
        for (uint32_t i = 0; i < work->windows; i++)
            sums[i] = reds_multiply_add_pairs(reds_multiply_add_pairs(sums[i], even, tile[2 * i]), odd, tile[2 * i + 1]);
    }
}

void reds_multiply_tile(const reds_tile_work *work)
{
    const uint8_t *weights = work->weights;
    int8_t *output = work->output;
    int32_t *kept = work->sums_kept;
    for (const reds_tile_row *row = work->rows; row < work->rows_end; row++, output++, kept += REDS_MOST_WINDOWS) {
        int32_t sums[REDS_MOST_WINDOWS];
        for (uint32_t i = 0; i < work->windows; i++)
            sums[i] = work->from == REDS_FROM_SUMS ? kept[i] : row->bias;
        multiply_row(work, weights, sums);
        if (work->to == REDS_TO_SUMS)
            memcpy(kept, sums, work->windows * sizeof sums[0]);
        else if (row->scaling.power == 0)
            reds_requantise_tile_row(work, sums, output);
        else
            for (uint32_t i = 0; i < work->windows; i++)
                output[i * work->output_stride] =
                    reds_requantise_fast(sums[i], &row->scaling, work->to == REDS_TO_CLAMPED_OUTPUTS, work->zero_point);
        weights += work->stride;
    }
}

#endif
#endif
