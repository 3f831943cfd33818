/* Depthwise convolution with a 3x3 kernel: depthwise_3x3_int8_dsp.h. */
#include "reds_kernels.h"

#if REDS_HAS_DSP

#include "depthwise_3x3_int8_dsp.h"

REDS_CALLED_BY_ASSEMBLY void reds_requantise_depthwise(const reds_depthwise_outputs *outputs, const int32_t *sums, int8_t *output,
                                                       const reds_depthwise_channel *channel)
{
    const struct reds_int8_channel_record *const record = outputs->records + (channel - outputs->channels);
    for (uint32_t i = 0; i < outputs->count; i++)
        output[i * outputs->output_stride] = reds_requantise_reference(sums[i], record, outputs->step);
}

#if REDS_DSP_INSTRUCTIONS

/* r0: the packed columns; r2 to r4 and r5 to r7: the weights by kernel column; r8 to r12: five sums, of which r8 holds the
 * bias until the last of them begins; lr and r1: rows 0 and 1, and 2 and 3. Columns from right to left, so that fewer outputs
 * enter in the middle. */
#define COLUMN(offset) "ldrd lr, r1, [r0, #" offset "]\n\t"
#define UPPER(sum, upper, lower, from)                    \
    "smlad " sum ", lr, " upper ", " from "\n\t"          \
    "smlabt " sum ", r1, " lower ", " sum "\n\t"
#define LOWER(sum, upper, lower, from)                    \
    "smlatb " sum ", lr, " upper ", " from "\n\t"         \
    "smlad " sum ", r1, " lower ", " sum "\n\t"
#define LEFT(output, sum) output(sum, "r2", "r5", sum)
#define MIDDLE(output, sum) output(sum, "r3", "r6", sum)
#define RIGHT(output, sum) output(sum, "r4", "r7", "r8") /* comes first */

/* Blocks of 12, 20, 28, 28, 28, 20 and 12 bytes. */
#define NEIGHBOURS(output)                                                                  \
    COLUMN("192") RIGHT(output, "r12")                                                      \
    COLUMN("160") RIGHT(output, "r11") MIDDLE(output, "r12")                                \
    COLUMN("128") RIGHT(output, "r10") MIDDLE(output, "r11") LEFT(output, "r12")            \
    COLUMN("96") RIGHT(output, "r9") MIDDLE(output, "r10") LEFT(output, "r11")              \
    COLUMN("64") RIGHT(output, "r8") MIDDLE(output, "r9") LEFT(output, "r10")               \
    COLUMN("32") MIDDLE(output, "r8") LEFT(output, "r9")                                    \
    COLUMN("0") LEFT(output, "r8")

/* Every other column: blocks of 24, 32, 32, 32 and more bytes. */
#define EVERY_OTHER(output)                                                                 \
    COLUMN("320") RIGHT(output, "r12") COLUMN("288") MIDDLE(output, "r12")                  \
    COLUMN("256") RIGHT(output, "r11") LEFT(output, "r12") COLUMN("224") MIDDLE(output, "r11") \
    COLUMN("192") RIGHT(output, "r10") LEFT(output, "r11") COLUMN("160") MIDDLE(output, "r10") \
    COLUMN("128") RIGHT(output, "r9") LEFT(output, "r10") COLUMN("96") MIDDLE(output, "r9") \
    COLUMN("64") RIGHT(output, "r8") LEFT(output, "r9") COLUMN("32") MIDDLE(output, "r8")   \
    COLUMN("0") LEFT(output, "r8")

/* A sum becomes an output: r2 the multiplier, r3 the power, r6 the zero point. Blocks of 16 and 20 bytes. */
#define CLAMPED_OUTPUT(sum, address)                \
    "smmlar " sum ", " sum ", r2, " sum "\n\t"      \
    "smmlar " sum ", " sum ", r3, r6\n\t"           \
    "ssat " sum ", #8, " sum "\n\t"                 \
    "strb.w " sum ", " address "\n\t"
#define OUTPUT(sum, address)                        \
    "smmlar " sum ", " sum ", r2, " sum "\n\t"      \
    "add.w " sum ", " sum ", " sum ", asr #31\n\t"  \
    "smmlar " sum ", " sum ", r3, r6\n\t"           \
    "ssat " sum ", #8, " sum "\n\t"                 \
    "strb.w " sum ", " address "\n\t"
#define FIVE(output)                    \
    output("r12", "[lr, r5, lsl #1]")   \
    output("r11", "[lr, r5]")           \
    output("r10", "[lr]")               \
    output("r9", "[r4, r5]")            \
    output("r8", "[r4]")

/* On to what makes the sums outputs, unless the channel takes the reference; then to where r7 says. */
#define FINISH                            \
    "ldrd r2, r3, [r1, #28]\n\t"          \
    "add.w lr, r4, r5, lsl #1\n\t"       \
    "cbz r3, 1f\n\t"                     \
    "ldr.w pc, [sp, #44]\n"              \
    "1:\n\t"                             \
    "b.w 16f\n"

/* On the stack, from sp on: the first 13 words of reds_depthwise_outputs. */
__attribute__((naked)) void reds_multiply_depthwise(REDS_IN_REGISTER reds_depthwise_outputs *outputs)
{
    __asm__("push {r4-r11, lr}\n\t"
            "ldr r1, [r0, #20]\n\t"
            "cbz r1, 2f\n"
            "1:\n\t"
            "ldr lr, [r0, #48]\n\t"
            "ldmia r0, {r1-r12}\n\t"
            "push {r1-r12, lr}\n\t"
            "mov r0, r1\n\t"
            "mov r1, r2\n\t"
            "b 10f\n"

            /* where to enter, by what the fields say: kept in the argument */
            "2:\n\t"
            "str r0, [r0, #48]\n\t"
            "ldr r1, [r0, #52]\n\t" /* outputs left out */
            "rsb.w r1, r1, #5\n\t"
            "ldr r2, [r0, #56]\n\t"
            "cmp r2, #2\n\t"
            "beq 3f\n\t"
            "adr.w r3, 5f\n\t" /* entries in bytes, by outputs left out */
            "ldrb r3, [r3, r1]\n\t"
            "adr.w r2, 11f\n\t"
            "adr.w r4, 14f\n\t"
            "b 4f\n"
            "3:\n\t"
            "adr.w r3, 6f\n\t"
            "ldrb r3, [r3, r1]\n\t"
            "adr.w r2, 17f\n\t"
            "mov r4, r2\n"
            "4:\n\t"
            "add r2, r3\n\t"
            "add r4, r3\n\t"
            "orr r2, r2, #1\n\t"
            "orr r4, r4, #1\n\t"
            "strd r2, r4, [r0, #36]\n\t"
            "ldr r2, [r0, #64]\n\t"
            "cmp r2, #0\n\t"
            "adr.w r3, 21f\n\t"
            "add.w r4, r3, r1, lsl #4\n\t"
            "adr.w r3, 20f\n\t"
            "add.w r1, r1, r1, lsl #2\n\t"
            "it eq\n\t"
            "addeq.w r4, r3, r1, lsl #2\n\t"
            "orr r4, r4, #1\n\t"
            "str r4, [r0, #44]\n\t"
            "adr.w r3, 22f\n\t"
            "orr r3, r3, #1\n\t"
            "str r3, [r0, #28]\n\t"
            "ldr r2, [r0, #60]\n\t"
            "cmp r2, #2\n\t"
            "adr.w r2, 13f\n\t"
            "it eq\n\t"
            "orreq r3, r2, #1\n\t"
            "str r3, [r0, #20]\n\t"
            "b 1b\n\t"
            ".balign 4\n"
            "5: .byte 0, 12, 32, 60, 88, 0, 0, 0\n"
            "6: .byte 0, 24, 56, 88, 120, 0, 0, 0\n"

            "10:\n\t" /* r0: rows, r1: channel */
            "ldmia r1, {r2-r8}\n\t"
            "ldr.w pc, [sp, #36]\n"
            "11:\n\t" NEIGHBOURS(UPPER)
            "12:\n\t"
            "ldm sp, {r0, r1, r4, r5, r6, r7}\n\t" FINISH
            "13:\n\t" /* the row below */
            "ldmia r1, {r2-r8}\n\t"
            "ldr.w pc, [sp, #40]\n"
            "14:\n\t" NEIGHBOURS(LOWER)
            "ldm sp, {r0, r1, r4, r5, r6}\n\t"
            "ldrd r2, r7, [sp, #24]\n\t"
            "add r4, r2\n\t" FINISH
            "16:\n\t" /* a channel that takes the reference */
            "push {r0, r1}\n\t"
            "push {r8-r12, lr}\n\t"
            "mov r3, r1\n\t"
            "mov r2, r4\n\t"
            "mov r1, sp\n\t"
            "ldr r0, [sp, #80]\n\t"
            "bl reds_requantise_depthwise\n\t"
            "add sp, sp, #24\n\t"
            "pop {r0, r1}\n\t"
            "bx r7\n"

            "17:\n\t" EVERY_OTHER(UPPER)
            "b 12b\n"

            "20:\n\t" FIVE(OUTPUT)
            "bx r7\n"
            "21:\n\t" FIVE(CLAMPED_OUTPUT)
            "bx r7\n"

            "22:\n\t" /* the next channel */
            "ldm sp, {r0, r1, r2}\n\t"
            "adds r0, r0, #8\n\t"
            "adds r1, r1, #36\n\t"
            "adds r2, r2, #1\n\t"
            "stm sp, {r0, r1, r2}\n\t"
            "ldr r3, [sp, #32]\n\t"
            "cmp r0, r3\n\t"
            "bne 10b\n\t"
            "add sp, sp, #52\n\t"
            "pop {r4-r11, pc}");
}

/* Two rows of four channels, in `a` and `b`: the pairs of channels 0 and 2, then those of 1 and 3; `t` is free. */
#define PAIRS(a, b, t, zero, one, two, three)       \
    "sxtb16 " t ", " a "\n\t"                       \
    "sxtb16 " two ", " b "\n\t"                     \
    "pkhbt " zero ", " t ", " two ", lsl #16\n\t"   \
    "pkhtb " two ", " two ", " t ", asr #16\n\t"    \
    "sxtb16 " t ", " a ", ror #8\n\t"               \
    "sxtb16 " three ", " b ", ror #8\n\t"           \
    "pkhbt " one ", " t ", " three ", lsl #16\n\t"  \
    "pkhtb " three ", " three ", " t ", asr #16\n\t"

/* r0: row 0, r3: row 3, r1: pitch, r2: stride, lr: columns; r4 to r11 what is stored. */
__attribute__((naked)) void reds_pack_depthwise(REDS_IN_REGISTER const uint8_t *above, REDS_IN_REGISTER uint32_t pitch,
                                                REDS_IN_REGISTER uint32_t stride, REDS_IN_REGISTER uint32_t count,
                                                REDS_IN_REGISTER reds_depthwise_column *columns)
{
    __asm__("push {r4-r11, lr}\n\t"
            "ldr lr, [sp, #36]\n\t"
            "add.w r3, lr, r3, lsl #5\n\t"
            "push {r3}\n\t"
            "add.w r3, r0, r1, lsl #1\n\t"
            "add r3, r1\n"
            "1:\n\t"
            "ldr r7, [r0, r1]\n\t"
            "ldr r11, [r0]\n\t"
            PAIRS("r11", "r7", "r12", "r4", "r6", "r8", "r10")
            "ldr r11, [r3]\n\t"
            "ldr r7, [r0, r1, lsl #1]\n\t"
            "add r0, r2\n\t"
            "add r3, r2\n\t"
            PAIRS("r7", "r11", "r12", "r5", "r7", "r9", "r11")
            "stmia lr!, {r4-r11}\n\t"
            "ldr r12, [sp]\n\t"
            "cmp lr, r12\n\t"
            "bne 1b\n\t"
            "pop {r3}\n\t"
            "pop {r4-r11, pc}");
}

#else

static int32_t multiply_output(const uint32_t *rows, const reds_depthwise_channel *channel, int below)
{
    int32_t sum = channel->bias;
    for (uint32_t column = 0; column < REDS_DEPTHWISE_SIDE; column++, rows += 2 * REDS_DEPTHWISE_CHANNELS) {
        if (below) {
            sum = reds_multiply_add_low(sum, rows[0] >> 16, channel->upper[column]);
            sum = reds_multiply_add_pairs(sum, rows[1], channel->lower[column]);
        } else {
            sum = reds_multiply_add_pairs(sum, rows[0], channel->upper[column]);
            sum = reds_multiply_add_low(sum, rows[1], channel->lower[column] >> 16);
        }
    }
    return sum;
}

static void multiply_row(const reds_depthwise_outputs *outputs, const uint32_t *rows, const reds_depthwise_channel *channel,
                         int8_t *output, int below)
{
    int32_t sums[REDS_DEPTHWISE_OUTPUTS];
    for (uint32_t i = 0; i < outputs->count; i++)
        sums[i] = multiply_output(rows + i * outputs->stride * 2 * REDS_DEPTHWISE_CHANNELS, channel, below);
    if (channel->scaling.power == 0)
        reds_requantise_depthwise(outputs, sums, output, channel);
    else
        for (uint32_t i = 0; i < outputs->count; i++)
            output[i * outputs->output_stride] =
                reds_requantise_fast(sums[i], &channel->scaling, (int)outputs->clamps_negatives, outputs->zero_point);
}

void reds_multiply_depthwise(reds_depthwise_outputs *outputs)
{
    const reds_depthwise_channel *channel = outputs->channel;
    int8_t *output = outputs->output;
    for (const uint32_t *rows = outputs->rows; rows < outputs->rows_end; rows += 2, channel++, output++) {
        multiply_row(outputs, rows, channel, output, 0);
        if (outputs->row_count == 2)
            multiply_row(outputs, rows, channel, output + outputs->second_row, 1);
    }
}

static void pack_pair(uint32_t upper, uint32_t lower, uint32_t pair, reds_depthwise_column *column)
{
    column->rows[0][pair] = reds_low_halves(reds_even_bytes(upper), reds_even_bytes(lower));
    column->rows[1][pair] = reds_low_halves(reds_odd_bytes(upper), reds_odd_bytes(lower));
    column->rows[2][pair] = reds_high_halves(reds_even_bytes(upper), reds_even_bytes(lower));
    column->rows[3][pair] = reds_high_halves(reds_odd_bytes(upper), reds_odd_bytes(lower));
}

void reds_pack_depthwise(const uint8_t *above, uint32_t pitch, uint32_t stride, uint32_t count, reds_depthwise_column *columns)
{
    for (; count > 0; count--, above += stride, columns++) {
        pack_pair(reds_load_word(above), reds_load_word(above + pitch), 0, columns);
        pack_pair(reds_load_word(above + 2 * pitch), reds_load_word(above + 3 * pitch), 1, columns);
    }
}

#endif
#endif
