/* Sums of five outputs at a time: depthwise_m0plus.h. */
#include "depthwise_m0plus.h"

#if REDS_HAS_M0PLUS_ASSEMBLY

#include "requantise_m0plus.h"

#if defined(__ARM_ARCH_6M__)

/* r0: the row, r7: how far along it, r1: from one position to the next; r2, r3, r4: the weights; r8 to r12: the sums. */
#define LOAD "ldrsb r5, [r0, r7]\n\t adds r7, r1\n\t"
#define OUTSIDE "ldr r5, [sp, #40]\n\t"
#define AT_ONCE(weight, sum) "muls r5, " weight "\n\t add " sum ", r5\n\t"
#define AND(weight, sum) "movs r6, r5\n\t muls r6, " weight "\n\t add " sum ", r6\n\t"

/* The record lies at sp + 4: 4 input, 8 row stride, 12 words, 16 word rows, 20 word skip, 24 first sums, 28 sums, 32
 * channels, 36 position stride, 40 padding. At sp: where the words of a channel end. lr: the next word. */
#define SUM_NEIGHBOURS(FIRST, START, LAST)                                                              \
    __asm__(".syntax unified\n\t"                                                                 \
            "push {r4-r7, lr}\n\t"                                                                \
            "mov r4, r8\n\t mov r5, r9\n\t mov r6, r10\n\t mov r7, r11\n\t"                       \
            "push {r4-r7}\n\t"                                                                    \
            "sub sp, #44\n\t mov r1, sp\n\t adds r1, #4\n\t"                                    \
            "ldmia r0!, {r2-r6}\n\t stmia r1!, {r2-r6}\n\t ldmia r0!, {r2-r6}\n\t stmia r1!, {r2-r6}\n\t" \
            "ldr r2, [sp, #16]\n\t lsls r2, #2\n\t str r2, [sp, #16]\n\t"                       \
            "ldr r2, [sp, #20]\n\t lsls r2, #2\n\t str r2, [sp, #20]\n\t"                       \
            "ldr r2, [sp, #12]\n\t"                                                             \
            "mov lr, r2\n\t"                                                                      \
            "ldr r1, [sp, #36]\n"                                                                 \
            "1:\n\t"                                                                              \
            "ldr r0, [sp, #4]\n\t adds r5, r0, #1\n\t str r5, [sp, #4]\n\t"                       \
            "ldr r7, [sp, #24]\n\t ldmia r7!, {r5}\n\t str r7, [sp, #24]\n\t"                     \
            "mov r8, r5\n\t mov r9, r5\n\t mov r10, r5\n\t mov r11, r5\n\t mov r12, r5\n\t"       \
            "mov r7, lr\n\t ldr r5, [sp, #16]\n\t adds r5, r7\n\t str r5, [sp]\n"                 \
            "2:\n\t"                                                                              \
            "mov r7, lr\n\t ldmia r7!, {r4}\n\t mov lr, r7\n\t"                                   \
            "sxtb r2, r4\n\t lsls r3, r4, #16\n\t asrs r3, #24\n\t asrs r4, #16\n\t"              \
            START FIRST AT_ONCE("r2", "r8")                                                       \
            LOAD AND("r2", "r9") AT_ONCE("r3", "r8")                                              \
            LOAD AND("r2", "r10") AND("r3", "r9") AT_ONCE("r4", "r8")                             \
            LOAD AND("r2", "r11") AND("r3", "r10") AT_ONCE("r4", "r9")                            \
            LOAD AND("r2", "r12") AND("r3", "r11") AT_ONCE("r4", "r10")                           \
            LOAD AND("r3", "r12") AT_ONCE("r4", "r11")                                            \
            LAST AT_ONCE("r4", "r12")                                                             \
            "ldr r5, [sp, #8]\n\t adds r0, r5\n\t"                                                \
            "ldr r5, [sp]\n\t cmp lr, r5\n\t bne 2b\n\t"                                          \
            "ldr r5, [sp, #20]\n\t add lr, r5\n\t"                                                \
            "ldr r0, [sp, #28]\n\t"                                                               \
            "mov r2, r8\n\t mov r3, r9\n\t mov r4, r10\n\t mov r5, r11\n\t mov r6, r12\n\t"       \
            "stmia r0!, {r2-r6}\n\t adds r0, #4\n\t str r0, [sp, #28]\n\t"                        \
            "ldr r5, [sp, #32]\n\t subs r5, #1\n\t str r5, [sp, #32]\n\t bne 1b\n\t"              \
            "add sp, #44\n\t"                                                                     \
            "pop {r4-r7}\n\t"                                                                     \
            "mov r8, r4\n\t mov r9, r5\n\t mov r10, r6\n\t mov r11, r7\n\t"                       \
            "pop {r4-r7, pc}")

#define FROM_THE_FIRST "movs r7, #0\n\t"
#define FROM_THE_SECOND "movs r7, r1\n\t"
#define ARGUMENT __attribute__((unused)) const reds_neighbours *work

__attribute__((naked)) static void sum_inside(ARGUMENT)
{
    SUM_NEIGHBOURS(LOAD, FROM_THE_FIRST, LOAD);
}

__attribute__((naked)) static void sum_left(ARGUMENT)
{
    SUM_NEIGHBOURS(OUTSIDE, FROM_THE_SECOND, LOAD);
}

__attribute__((naked)) static void sum_right(ARGUMENT)
{
    SUM_NEIGHBOURS(LOAD, FROM_THE_FIRST, OUTSIDE);
}

__attribute__((naked)) static void sum_both(ARGUMENT)
{
    SUM_NEIGHBOURS(OUTSIDE, FROM_THE_SECOND, OUTSIDE);
}

#else

static void sum_neighbours(const reds_neighbours *work, int is_left_outside, int is_right_outside)
{
    const uint32_t last = REDS_NEIGHBOURS + REDS_KERNEL_COLUMNS - 2; /* column under the outputs */
    const int32_t *words = work->words;
    for (uint32_t channel = 0; channel < work->channels; channel++, words += work->word_skip) {
        int32_t *const sums = work->sums + (size_t)channel * REDS_STRIP_WINDOWS;
        for (uint32_t i = 0; i < REDS_NEIGHBOURS; i++)
            sums[i] = work->first_sums[channel];
        for (uint32_t row = 0; row < work->word_rows; row++, words++) {
            const int8_t weights[REDS_KERNEL_COLUMNS] = {(int8_t)*words, (int8_t)(*words >> 8), (int8_t)(*words >> 16)};
            for (uint32_t i = 0; i < REDS_NEIGHBOURS; i++) {
                for (uint32_t x = 0; x < REDS_KERNEL_COLUMNS; x++) {
                    const int is_outside = (is_left_outside && i + x == 0) || (is_right_outside && i + x == last);
                    const size_t at = channel + row * work->row_stride + (i + x) * work->position_stride;
                    sums[i] += weights[x] * (is_outside ? work->padding : work->input[at]);
                }
            }
        }
    }
}

static void sum_inside(const reds_neighbours *work)
{
    sum_neighbours(work, 0, 0);
}

static void sum_left(const reds_neighbours *work)
{
    sum_neighbours(work, 1, 0);
}

static void sum_right(const reds_neighbours *work)
{
    sum_neighbours(work, 0, 1);
}

static void sum_both(const reds_neighbours *work)
{
    sum_neighbours(work, 1, 1);
}

#endif

reds_sum_neighbours reds_sum_neighbours_for(int is_left_outside, int is_right_outside)
{
    if (is_left_outside)
        return is_right_outside ? sum_both : sum_left;
    return is_right_outside ? sum_right : sum_inside;
}

#endif
