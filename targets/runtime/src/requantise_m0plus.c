/* The outputs of a strip of windows: the constants of a channel are prepared once for all of them (requantise_m0plus.h). */
#include "requantise_m0plus.h"

#include "reds_core.h"

#if REDS_HAS_M0PLUS_ASSEMBLY

#include <stddef.h>

/* The outputs of the rows up to the first whose channel three pieces do not fit; the sums of that row, or where they end. */
#if defined(__ARM_ARCH_6M__)

__extension__ _Static_assert(offsetof(reds_strip, step) == 28, "the assembly below knows the record");
__extension__ _Static_assert(offsetof(struct reds_step_record, output_zero_point) == 16, "and this one");
__extension__ _Static_assert(offsetof(struct reds_step_record, clamp_min) == 20, "and this one");

#define WINDOW_CODE_BYTES "52" /* of WINDOW */

/* One output. r0 to r2: lower, middle and upper piece, r3: exponent, r4: zero point; r8 and r9: the clamp, r10: the sums,
 * r11: where the output goes, r12: what leads to the output of the window before, lr: the bias. A right shift leaves in the
 * carry the last bit that goes, which is what the rounding adds. Each limit takes three cycles whether it holds or not. */
#define WINDOW(place)                                                   \
    "mov r7, r10\n\t ldr r5, [r7, #" place "]\n\t add r5, lr\n\t"       \
    "movs r6, r5\n\t muls r6, r0\n\t asrs r6, #11\n\t"                  \
    "movs r7, r5\n\t muls r7, r1\n\t adds r6, r7\n\t asrs r6, #10\n\t"  \
    "muls r5, r2\n\t adds r6, r5\n\t"                                   \
    "asrs r5, r6, #31\n\t asrs r6, #10\n\t adcs r6, r5\n\t"             \
    "asrs r6, r3\n\t adcs r6, r4\n\t"                                   \
    "cmp r6, r8\n\t bge 1f\n\t mov r6, r8\n1:\t"                        \
    "cmp r6, r9\n\t ble 1f\n\t mov r6, r9\n1:\t"                        \
    "mov r7, r11\n\t strb r6, [r7]\n\t add r11, r12\n\t"

/* On the stack while the rows pass: sp + 0: the next channel, 4: the widest bias, 8: bytes of code of the windows that do not
 * count, 12: from behind a row's outputs to the last window's of the next row, 16: the end of the sums. */
__attribute__((naked, noinline)) static const int32_t *requantise_rows(__attribute__((unused)) const reds_strip *strip)
{
    __asm__(".syntax unified\n\t"
            "push {r4-r7, lr}\n\t"
            "mov r4, r8\n\t mov r5, r9\n\t mov r6, r10\n\t mov r7, r11\n\t"
            "push {r4-r7}\n\t"
            "ldr r1, [r0]\n\t mov r10, r1\n\t"
            "ldr r2, [r0, #20]\n\t lsls r3, r2, #3\n\t lsls r2, #4\n\t adds r3, r2\n\t adds r4, r1, r3\n\t" /* 24 bytes a row */
            "ldr r1, [r0, #4]\n\t ldr r5, [r0, #8]\n\t ldr r2, [r0, #12]\n\t"
            "movs r3, r2\n\t muls r3, r5\n\t adds r1, r3\n\t subs r1, r5\n\t mov r11, r1\n\t" /* the last window's */
            "rsbs r5, r5, #0\n\t mov r12, r5\n\t"
            "adds r3, #1\n\t"
            "movs r6, #6\n\t subs r2, r6, r2\n\t movs r5, #" WINDOW_CODE_BYTES "\n\t muls r2, r5\n\t"
            "ldr r1, [r0, #24]\n\t"
            "push {r1-r4}\n\t"
            "ldr r5, [r0, #16]\n\t"
            "push {r5}\n\t"
            "ldr r1, [r0, #28]\n\t"
            "ldr r4, [r1, #20]\n\t mov r8, r4\n\t"
            "ldr r4, [r1, #24]\n\t mov r9, r4\n\t"
            "ldr r4, [r1, #16]\n\t"
            "b 2f\n"
            "3:\n\t"
            "add sp, #20\n\t"
            "pop {r4-r7}\n\t"
            "mov r0, r10\n\t"
            "mov r8, r4\n\t mov r9, r5\n\t mov r10, r6\n\t mov r11, r7\n\t"
            "pop {r4-r7, pc}\n"
            "2:\n\t"
            "ldr r5, [sp]\n\t ldmia r5!, {r0-r2}\n\t str r5, [sp]\n\t"
            "rsbs r3, r2, #0\n\t ble 3b\n\t"
            "ldr r6, [sp, #4]\n\t adds r7, r0, r6\n\t lsls r6, #1\n\t cmp r7, r6\n\t bhi 3b\n\t"
            "mov lr, r0\n\t"
            "lsls r0, r1, #21\n\t asrs r0, #21\n\t"
            "movs r2, #0\n\t asrs r1, #11\n\t adcs r1, r2\n\t asrs r2, r1, #10\n\t lsls r1, #22\n\t lsrs r1, #22\n\t"
            "ldr r5, [sp, #8]\n\t add pc, r5\n\t nop\n\t"
            WINDOW("20") WINDOW("16") WINDOW("12") WINDOW("8") WINDOW("4") WINDOW("0")
            "ldr r5, [sp, #12]\n\t add r11, r5\n\t"
            "mov r5, r10\n\t adds r5, #24\n\t mov r10, r5\n\t"
            "ldr r6, [sp, #16]\n\t cmp r5, r6\n\t beq 4f\n\t b 2b\n"
            "4:\n\t b 3b");
}

#else

static const int32_t *requantise_rows(const reds_strip *strip)
{
    const struct reds_step_record *const step = strip->step;
    for (uint32_t row = 0; row < strip->rows; row++) {
        const struct reds_int8_channel_record *const channel = &strip->channels[row];
        if (channel->shift >= 0 || channel->bias < -strip->widest_bias || channel->bias > strip->widest_bias)
            return strip->sums + row * REDS_STRIP_WINDOWS;
        int8_t *output = strip->output + row;
        for (uint32_t w = 0; w < strip->windows; w++, output += strip->stride) {
            const int32_t sum = strip->sums[row * REDS_STRIP_WINDOWS + w] + channel->bias;
            const int32_t value = reds_multiply_by_pieces(sum, channel->multiplier, -channel->shift) + step->output_zero_point;
            *output = (int8_t)reds_limit(value, step->clamp_min, step->clamp_max);
        }
    }
    return strip->sums + strip->rows * REDS_STRIP_WINDOWS;
}

#endif

static void requantise_row(const reds_strip *strip)
{
    const reds_clamp clamp = reds_clamp_of(strip->step);
    int8_t *output = strip->output;
    for (uint32_t w = 0; w < strip->windows; w++, output += strip->stride)
        *output = reds_requantise_narrow(strip->sums[w] + strip->channels->bias, strip->channels, clamp);
}

static void skip_rows(reds_strip *strip, uint32_t rows)
{
    strip->sums += (size_t)rows * REDS_STRIP_WINDOWS;
    strip->output += rows;
    strip->channels += rows;
    strip->rows -= rows;
}

void reds_requantise_strip(reds_strip strip)
{
    const int32_t *const end = strip.sums + (size_t)strip.rows * REDS_STRIP_WINDOWS;
    while (strip.sums < end) {
        if (strip.widest_bias >= 0) {
            const int32_t *const done = requantise_rows(&strip);
            if (done == end)
                return;
            skip_rows(&strip, (uint32_t)(done - strip.sums) / REDS_STRIP_WINDOWS);
        }
        requantise_row(&strip);
        skip_rows(&strip, 1);
    }
}

#endif
