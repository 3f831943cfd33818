/* The sum of one row for one window: word_window_m0plus.h. */
#include "word_window_m0plus.h"

#include "reds_core.h"

#if REDS_HAS_M0PLUS_ASSEMBLY

void reds_widen_window(const int8_t *window, uint32_t columns, int32_t *inputs)
{
    for (uint32_t column = 0; column < columns; column++)
        inputs[column] = window[column];
}

#if defined(__ARM_ARCH_6M__)

/* Four columns; the sum is in r12. */
#define WORD                                                          \
    "ldmia r0!, {r2}\n\t ldmia r1!, {r4-r7}\n\t"                      \
    "sxtb r3, r2\n\t muls r4, r3\n\t asrs r2, #8\n\t"                 \
    "sxtb r3, r2\n\t muls r5, r3\n\t asrs r2, #8\n\t adds r4, r5\n\t" \
    "sxtb r3, r2\n\t muls r6, r3\n\t asrs r2, #8\n\t adds r4, r6\n\t" \
    "muls r7, r2\n\t adds r4, r7\n\t add r12, r4\n\t"

/* Two words of weights for each turn; an odd number of them enters in the middle. */
__attribute__((naked)) int32_t reds_multiply_words(__attribute__((unused)) const uint8_t *weights,
                                                   __attribute__((unused)) const int32_t *inputs,
                                                   __attribute__((unused)) uint32_t columns)
{
    __asm__(".syntax unified\n\t"
            "push {r4-r7, lr}\n\t"
            "adds r3, r0, r2\n\t mov lr, r3\n\t"
            "movs r3, #0\n\t mov r12, r3\n\t"
            "lsls r2, #29\n\t bmi 2f\n"
            "1:\n\t" WORD
            "2:\n\t" WORD
            "cmp r0, lr\n\t bne 1b\n\t"
            "mov r0, r12\n\t"
            "pop {r4-r7, pc}");
}

#else

int32_t reds_multiply_words(const uint8_t *weights, const int32_t *inputs, uint32_t columns)
{
    int32_t sum = 0;
    for (uint32_t column = 0; column < columns; column++)
        sum += (int8_t)weights[column] * inputs[column];
    return sum;
}

#endif
#endif
