/* The two instructions of the ARMv7E-M DSP extension that the int8 kernels use, and what they mean in C for every other core.
 *
 * Inline assembly rather than <arm_acle.h>, which the compilers of the Arduino cores do not have in full.
 */
#ifndef REDS_DSP_H
#define REDS_DSP_H

#include <stdint.h>

#include "reds_core.h"

#if REDS_DSP_INSTRUCTIONS

/* Bytes 0 and 2 of a word, sign-extended to halfwords. */
static inline uint32_t reds_even_bytes(uint32_t word)
{
    uint32_t halves;
    __asm__("sxtb16 %0, %1" : "=r"(halves) : "r"(word));
    return halves;
}

/* Bytes 1 and 3 of a word, sign-extended to halfwords. */
static inline uint32_t reds_odd_bytes(uint32_t word)
{
    uint32_t halves;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(halves) : "r"(word));
    return halves;
}

/* sum + low a x low b + high a x high b, for signed halfwords. */
static inline int32_t reds_multiply_add_pairs(int32_t sum, uint32_t a, uint32_t b)
{
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

#else

static inline uint32_t reds_even_bytes(uint32_t word)
{
    return (uint32_t)(uint16_t)(int8_t)word | (uint32_t)(uint16_t)(int8_t)(word >> 16) << 16;
}

static inline uint32_t reds_odd_bytes(uint32_t word)
{
    return reds_even_bytes(word >> 8);
}

static inline int32_t reds_multiply_add_pairs(int32_t sum, uint32_t a, uint32_t b)
{
    return sum + (int16_t)a * (int16_t)b + (int16_t)(a >> 16) * (int16_t)(b >> 16);
}

#endif
#endif
