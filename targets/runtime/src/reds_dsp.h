/* The instructions of the ARMv7E-M DSP extension that the int8 kernels use, and what they mean in C for every other core.
 *
 * Inline assembly rather than <arm_acle.h>, which the compilers of the Arduino cores do not have in full.
 */
#ifndef REDS_DSP_H
#define REDS_DSP_H

#include <stdint.h>
#include <string.h>

#include "reds_core.h"

/* An argument or a function that only assembly sees. */
#define REDS_IN_REGISTER __attribute__((unused))
#define REDS_CALLED_BY_ASSEMBLY __attribute__((used, noinline))

/* Four bytes from anywhere: these cores load and store words off their boundary. */
static inline uint32_t reds_load_word(const void *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline void reds_store_word(void *bytes, uint32_t word)
{
    memcpy(bytes, &word, sizeof word);
}

/* Up to four bytes, zeros above them: where a whole word might reach beyond a map. */
uint32_t reds_load_bytes(const uint8_t *bytes, uint32_t count);

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

/* Each halfword of `sums` plus byte 0 or 2 (1 or 3) of a word. */
static inline uint32_t reds_add_even_bytes(uint32_t sums, uint32_t word)
{
    uint32_t halves;
    __asm__("sxtab16 %0, %1, %2" : "=r"(halves) : "r"(sums), "r"(word));
    return halves;
}

static inline uint32_t reds_add_odd_bytes(uint32_t sums, uint32_t word)
{
    uint32_t halves;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(halves) : "r"(sums), "r"(word));
    return halves;
}

/* sum + low a x low b + high a x high b, for signed halfwords. */
static inline int32_t reds_multiply_add_pairs(int32_t sum, uint32_t a, uint32_t b)
{
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* sum + low a x low b, and sum + high a x high b. */
static inline int32_t reds_multiply_add_low(int32_t sum, uint32_t a, uint32_t b)
{
    int32_t result;
    __asm__("smlabb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

static inline int32_t reds_multiply_add_high(int32_t sum, uint32_t a, uint32_t b)
{
    int32_t result;
    __asm__("smlatt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* The low halves of a and b, and their high halves: a's below. */
static inline uint32_t reds_low_halves(uint32_t a, uint32_t b)
{
    uint32_t halves;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(halves) : "r"(a), "r"(b));
    return halves;
}

static inline uint32_t reds_high_halves(uint32_t a, uint32_t b)
{
    uint32_t halves;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(halves) : "r"(b), "r"(a));
    return halves;
}

/* The high word of a x b, rounded by the bit below it; and with `sum` added. */
static inline int32_t reds_multiply_high(int32_t a, int32_t b)
{
    int32_t result;
    __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

static inline int32_t reds_multiply_high_add(int32_t sum, int32_t a, int32_t b)
{
    int32_t result;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* value / 2^exponent + addend for an exponent of 1..31, rounded half up: the last bit that is shifted out is the carry. */
static inline int32_t reds_shift_rounded_add(int32_t value, int32_t exponent, int32_t addend)
{
    int32_t result;
    __asm__("asrs %0, %1, %2\n\tadc %0, %0, %3" : "=&r"(result) : "r"(value), "r"(exponent), "r"(addend) : "cc");
    return result;
}

/* The larger of each pair of signed bytes. */
static inline uint32_t reds_larger_bytes(uint32_t a, uint32_t b)
{
    uint32_t larger;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(larger) : "r"(a), "r"(b) : "cc");
    return larger;
}

/* The nearest of -128..127. */
static inline int32_t reds_saturate_byte(int32_t value)
{
    int32_t result;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value));
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

static inline uint32_t reds_add_even_bytes(uint32_t sums, uint32_t word)
{
    const uint32_t halves = reds_even_bytes(word);
    return (uint32_t)(uint16_t)(sums + halves) | ((sums >> 16) + (halves >> 16)) << 16;
}

static inline uint32_t reds_add_odd_bytes(uint32_t sums, uint32_t word)
{
    return reds_add_even_bytes(sums, word >> 8);
}

static inline int32_t reds_multiply_add_low(int32_t sum, uint32_t a, uint32_t b)
{
    return sum + (int16_t)a * (int16_t)b;
}

static inline int32_t reds_multiply_add_high(int32_t sum, uint32_t a, uint32_t b)
{
    return sum + (int16_t)(a >> 16) * (int16_t)(b >> 16);
}

static inline int32_t reds_multiply_add_pairs(int32_t sum, uint32_t a, uint32_t b)
{
    return reds_multiply_add_high(reds_multiply_add_low(sum, a, b), a, b);
}

static inline uint32_t reds_low_halves(uint32_t a, uint32_t b)
{
    return (a & 0xFFFFu) | b << 16;
}

static inline uint32_t reds_high_halves(uint32_t a, uint32_t b)
{
    return a >> 16 | (b & 0xFFFF0000u);
}

static inline int32_t reds_multiply_high(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 31)) >> 32);
}

static inline int32_t reds_multiply_high_add(int32_t sum, int32_t a, int32_t b)
{
    return sum + reds_multiply_high(a, b);
}

static inline int32_t reds_shift_rounded_add(int32_t value, int32_t exponent, int32_t addend)
{
    return (((value >> (exponent - 1)) + 1) >> 1) + addend;
}

static inline uint32_t reds_larger_bytes(uint32_t a, uint32_t b)
{
    uint32_t larger = 0;
    for (uint32_t i = 0; i < 32; i += 8)
        larger |= ((int8_t)(a >> i) > (int8_t)(b >> i) ? a : b) & UINT32_C(0xFF) << i;
    return larger;
}

static inline int32_t reds_saturate_byte(int32_t value)
{
    return value < INT8_MIN ? INT8_MIN : value > INT8_MAX ? INT8_MAX : value;
}

#endif
#endif
