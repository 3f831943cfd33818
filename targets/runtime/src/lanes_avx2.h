/* Sixteen lanes of 32 bits, a float, an int32 or four int8 each: one register of AVX-512, or two of AVX2.
 *
 * All that the x86 kernels know of their instructions is here. Loads and stores of fewer than sixteen lanes touch no memory beyond them.
 */
#ifndef REDS_LANES_AVX2_H
#define REDS_LANES_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "reds_core.h"
#include "requantise.h"

enum { REDS_LANES = 16, REDS_LANE_BYTES = 4, REDS_VECTOR_BYTES = REDS_LANES * REDS_LANE_BYTES };

#define REDS_INLINE static inline __attribute__((always_inline)) /* with constants for arguments: loops unroll, arrays become registers */

#if REDS_HAS_AVX512

typedef __m512i reds_lanes;
typedef __mmask16 reds_lane_mask;

REDS_INLINE reds_lane_mask reds_first_lanes(uint32_t count)
{
    return (reds_lane_mask)((1u << count) - 1u);
}

REDS_INLINE reds_lanes reds_load(const void *from) { return _mm512_loadu_si512(from); }
REDS_INLINE void reds_store(void *to, reds_lanes lanes) { _mm512_storeu_si512(to, lanes); }
REDS_INLINE reds_lanes reds_load_first(const void *from, reds_lane_mask mask) { return _mm512_maskz_loadu_epi32(mask, from); }
REDS_INLINE void reds_store_first(void *to, reds_lane_mask mask, reds_lanes lanes) { _mm512_mask_storeu_epi32(to, mask, lanes); }
REDS_INLINE reds_lanes reds_zero(void) { return _mm512_setzero_si512(); }
REDS_INLINE reds_lanes reds_everywhere(int32_t value) { return _mm512_set1_epi32(value); }
REDS_INLINE reds_lanes reds_everywhere_float(float value) { return _mm512_castps_si512(_mm512_set1_ps(value)); }

REDS_INLINE reds_lanes reds_add(reds_lanes a, reds_lanes b) { return _mm512_add_epi32(a, b); }
REDS_INLINE reds_lanes reds_subtract(reds_lanes a, reds_lanes b) { return _mm512_sub_epi32(a, b); }
REDS_INLINE reds_lanes reds_max(reds_lanes a, reds_lanes b) { return _mm512_max_epi32(a, b); }
REDS_INLINE reds_lanes reds_add_float(reds_lanes a, reds_lanes b)
{
    return _mm512_castps_si512(_mm512_add_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b)));
}

/* sum + a x b, rounded once */
REDS_INLINE reds_lanes reds_multiply_add_float(reds_lanes sum, reds_lanes a, reds_lanes b)
{
    return _mm512_castps_si512(_mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), _mm512_castsi512_ps(sum)));
}

/* Second operand where a lane is not a number. */
REDS_INLINE reds_lanes reds_max_float(reds_lanes a, reds_lanes b)
{
    return _mm512_castps_si512(_mm512_max_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b)));
}

REDS_INLINE reds_lanes reds_min_float(reds_lanes a, reds_lanes b)
{
    return _mm512_castps_si512(_mm512_min_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b)));
}

/* value < 0 ? factor x value : value */
REDS_INLINE reds_lanes reds_scale_negative_float(reds_lanes value, reds_lanes factor)
{
    const __m512 real = _mm512_castsi512_ps(value);
    const __mmask16 negative = _mm512_cmp_ps_mask(real, _mm512_setzero_ps(), _CMP_LT_OQ);
    return _mm512_castps_si512(_mm512_mask_mul_ps(real, negative, real, _mm512_castsi512_ps(factor)));
}

/* reds_multiply_add_bytes takes the bytes of windows as unsigned: they have to be so much more, which changes their sign bits. */
enum { REDS_WINDOW_OFFSET = 128 };

REDS_INLINE reds_lanes reds_combine(reds_lanes a, reds_lanes b) { return _mm512_xor_si512(a, b); }

/* sum + the four products of each lane's bytes */
REDS_INLINE reds_lanes reds_multiply_add_bytes(reds_lanes sum, reds_lanes window, reds_lanes weights)
{
    return _mm512_dpbusd_epi32(sum, window, weights);
}

/* sum + a x b of values and weights within int16; the upper halves of the lanes of b are zero. */
REDS_INLINE reds_lanes reds_multiply_add_shorts(reds_lanes sum, reds_lanes a, reds_lanes b)
{
    return _mm512_dpwssd_epi32(sum, a, b);
}

REDS_INLINE reds_lanes reds_lower_halves(reds_lanes a) { return _mm512_and_si512(a, _mm512_set1_epi32(0xffff)); }

/* floor((a b + 2^30) / 2^31): reds_doubling_high_multiply */
REDS_INLINE reds_lanes reds_doubling_high_multiply_lanes(reds_lanes a, reds_lanes b)
{
    const __m512i half = _mm512_set1_epi64(INT64_C(1) << 30);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(a, b), half);
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32)), half);
    return _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
}

REDS_INLINE reds_lanes reds_signs(reds_lanes a) { return _mm512_srai_epi32(a, 31); }
REDS_INLINE reds_lanes reds_shift_right(reds_lanes a, reds_lanes counts) { return _mm512_srav_epi32(a, counts); }
REDS_INLINE reds_lanes reds_widen(__m128i bytes) { return _mm512_cvtepi8_epi32(bytes); }
REDS_INLINE __m128i reds_narrow(reds_lanes a) { return _mm512_cvtsepi32_epi8(a); } /* saturates */

REDS_INLINE __m128i reds_load_bytes(const int8_t *from, uint32_t count)
{
    return _mm_maskz_loadu_epi8(reds_first_lanes(count), from);
}

REDS_INLINE void reds_store_bytes(int8_t *to, uint32_t count, __m128i bytes)
{
    if (count == REDS_LANES) /* what was stored under a mask is slow to load again */
        _mm_storeu_si128((void *)to, bytes);
    else
        _mm_mask_storeu_epi8(to, reds_first_lanes(count), bytes);
}

#else

typedef struct {
    __m256i low, high;
} reds_lanes;

typedef reds_lanes reds_lane_mask;

REDS_INLINE reds_lanes reds_lanes_of(__m256i low, __m256i high)
{
    const reds_lanes lanes = {low, high};
    return lanes;
}

REDS_INLINE reds_lanes reds_lanes_of_float(__m256 low, __m256 high)
{
    return reds_lanes_of(_mm256_castps_si256(low), _mm256_castps_si256(high));
}

REDS_INLINE __m256 reds_low_float(reds_lanes a) { return _mm256_castsi256_ps(a.low); }
REDS_INLINE __m256 reds_high_float(reds_lanes a) { return _mm256_castsi256_ps(a.high); }
REDS_INLINE reds_lanes reds_both(__m256i half) { return reds_lanes_of(half, half); }

REDS_INLINE reds_lane_mask reds_first_lanes(uint32_t count)
{
    const __m256i all = _mm256_set1_epi32((int32_t)count);
    return reds_lanes_of(_mm256_cmpgt_epi32(all, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
                         _mm256_cmpgt_epi32(all, _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)));
}

REDS_INLINE reds_lanes reds_load(const void *from)
{
    return reds_lanes_of(_mm256_loadu_si256(from), _mm256_loadu_si256((const __m256i *)from + 1));
}

REDS_INLINE void reds_store(void *to, reds_lanes lanes)
{
    _mm256_storeu_si256(to, lanes.low);
    _mm256_storeu_si256((__m256i *)to + 1, lanes.high);
}

REDS_INLINE reds_lanes reds_load_first(const void *from, reds_lane_mask mask)
{
    return reds_lanes_of(_mm256_maskload_epi32(from, mask.low), _mm256_maskload_epi32((const int *)from + 8, mask.high));
}

REDS_INLINE void reds_store_first(void *to, reds_lane_mask mask, reds_lanes lanes)
{
    _mm256_maskstore_epi32(to, mask.low, lanes.low);
    _mm256_maskstore_epi32((int *)to + 8, mask.high, lanes.high);
}

REDS_INLINE reds_lanes reds_zero(void) { return reds_both(_mm256_setzero_si256()); }
REDS_INLINE reds_lanes reds_everywhere(int32_t value) { return reds_both(_mm256_set1_epi32(value)); }
REDS_INLINE reds_lanes reds_everywhere_float(float value) { return reds_both(_mm256_castps_si256(_mm256_set1_ps(value))); }

REDS_INLINE reds_lanes reds_add(reds_lanes a, reds_lanes b)
{
    return reds_lanes_of(_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high));
}

REDS_INLINE reds_lanes reds_subtract(reds_lanes a, reds_lanes b)
{
    return reds_lanes_of(_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high));
}

REDS_INLINE reds_lanes reds_max(reds_lanes a, reds_lanes b)
{
    return reds_lanes_of(_mm256_max_epi32(a.low, b.low), _mm256_max_epi32(a.high, b.high));
}

REDS_INLINE reds_lanes reds_add_float(reds_lanes a, reds_lanes b)
{
    return reds_lanes_of_float(_mm256_add_ps(reds_low_float(a), reds_low_float(b)), _mm256_add_ps(reds_high_float(a), reds_high_float(b)));
}

/* sum + a x b, rounded once */
REDS_INLINE reds_lanes reds_multiply_add_float(reds_lanes sum, reds_lanes a, reds_lanes b)
{
    return reds_lanes_of_float(_mm256_fmadd_ps(reds_low_float(a), reds_low_float(b), reds_low_float(sum)),
                               _mm256_fmadd_ps(reds_high_float(a), reds_high_float(b), reds_high_float(sum)));
}

/* Second operand where a lane is not a number. */
REDS_INLINE reds_lanes reds_max_float(reds_lanes a, reds_lanes b)
{
    return reds_lanes_of_float(_mm256_max_ps(reds_low_float(a), reds_low_float(b)), _mm256_max_ps(reds_high_float(a), reds_high_float(b)));
}

REDS_INLINE reds_lanes reds_min_float(reds_lanes a, reds_lanes b)
{
    return reds_lanes_of_float(_mm256_min_ps(reds_low_float(a), reds_low_float(b)), _mm256_min_ps(reds_high_float(a), reds_high_float(b)));
}

REDS_INLINE __m256 reds_scale_negative_half(__m256 value, __m256 factor)
{
    return _mm256_blendv_ps(value, _mm256_mul_ps(value, factor), _mm256_cmp_ps(value, _mm256_setzero_ps(), _CMP_LT_OQ));
}

/* value < 0 ? factor x value : value */
REDS_INLINE reds_lanes reds_scale_negative_float(reds_lanes value, reds_lanes factor)
{
    return reds_lanes_of_float(reds_scale_negative_half(reds_low_float(value), reds_low_float(factor)),
                               reds_scale_negative_half(reds_high_float(value), reds_high_float(factor)));
}

/* reds_multiply_add_bytes takes windows as they are. */
enum { REDS_WINDOW_OFFSET = 0 };

REDS_INLINE reds_lanes reds_combine(reds_lanes a, reds_lanes b)
{
    return reds_lanes_of(_mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high));
}

/* The instruction takes unsigned times signed: magnitudes of the window, and weights that have its signs. Two products of at most
 * 128 x 127 do not saturate the int16 that it adds them in. */
REDS_INLINE __m256i reds_multiply_bytes(__m256i window, __m256i weights)
{
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(window), _mm256_sign_epi8(weights, window));
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/* sum + the four products of each lane's bytes; no weight is -128 */
REDS_INLINE reds_lanes reds_multiply_add_bytes(reds_lanes sum, reds_lanes window, reds_lanes weights)
{
    return reds_add(sum, reds_lanes_of(reds_multiply_bytes(window.low, weights.low), reds_multiply_bytes(window.high, weights.high)));
}

/* sum + a x b of values and weights within int16; the upper halves of the lanes of b are zero. */
REDS_INLINE reds_lanes reds_multiply_add_shorts(reds_lanes sum, reds_lanes a, reds_lanes b)
{
    return reds_add(sum, reds_lanes_of(_mm256_madd_epi16(a.low, b.low), _mm256_madd_epi16(a.high, b.high)));
}

REDS_INLINE reds_lanes reds_lower_halves(reds_lanes a)
{
    const __m256i mask = _mm256_set1_epi32(0xffff);
    return reds_lanes_of(_mm256_and_si256(a.low, mask), _mm256_and_si256(a.high, mask));
}

REDS_INLINE __m256i reds_doubling_high_multiply_half(__m256i a, __m256i b)
{
    const __m256i half = _mm256_set1_epi64x(INT64_C(1) << 30);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(a, b), half);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)), half);
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
}

/* floor((a b + 2^30) / 2^31): reds_doubling_high_multiply */
REDS_INLINE reds_lanes reds_doubling_high_multiply_lanes(reds_lanes a, reds_lanes b)
{
    return reds_lanes_of(reds_doubling_high_multiply_half(a.low, b.low), reds_doubling_high_multiply_half(a.high, b.high));
}

REDS_INLINE reds_lanes reds_signs(reds_lanes a)
{
    return reds_lanes_of(_mm256_srai_epi32(a.low, 31), _mm256_srai_epi32(a.high, 31));
}

REDS_INLINE reds_lanes reds_shift_right(reds_lanes a, reds_lanes counts)
{
    return reds_lanes_of(_mm256_srav_epi32(a.low, counts.low), _mm256_srav_epi32(a.high, counts.high));
}

REDS_INLINE reds_lanes reds_widen(__m128i bytes)
{
    return reds_lanes_of(_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_unpackhi_epi64(bytes, bytes)));
}

/* Saturates. */
REDS_INLINE __m128i reds_narrow(reds_lanes a)
{
    enum { LANES_0_2_1_3 = 0xD8 };
    const __m256i shorts = _mm256_permute4x64_epi64(_mm256_packs_epi32(a.low, a.high), LANES_0_2_1_3);
    return _mm_packs_epi16(_mm256_castsi256_si128(shorts), _mm256_extracti128_si256(shorts, 1));
}

REDS_INLINE __m128i reds_load_bytes(const int8_t *from, uint32_t count)
{
    if (count == REDS_LANES)
        return _mm_loadu_si128((const void *)from);
    int8_t bytes[REDS_LANES] = {0};
    memcpy(bytes, from, count);
    return _mm_loadu_si128((const void *)bytes);
}

REDS_INLINE void reds_store_bytes(int8_t *to, uint32_t count, __m128i bytes)
{
    if (count == REDS_LANES) {
        _mm_storeu_si128((void *)to, bytes);
        return;
    }
    int8_t buffer[REDS_LANES];
    _mm_storeu_si128((void *)buffer, bytes);
    memcpy(to, buffer, count);
}

#endif

/* `count` words and zeros. */
REDS_INLINE reds_lanes reds_load_words(const uint8_t *from, uint32_t count)
{
    return count == REDS_LANES ? reds_load(from) : reds_load_first(from, reds_first_lanes(count));
}

REDS_INLINE void reds_store_words(void *to, uint32_t count, reds_lanes words)
{
    if (count == REDS_LANES) /* takes less than under a mask */
        reds_store(to, words);
    else
        reds_store_first(to, reds_first_lanes(count), words);
}

/* The word that `from` begins with, in every lane. */
REDS_INLINE reds_lanes reds_word_everywhere(const uint8_t *from)
{
    int32_t word;
    memcpy(&word, from, sizeof word);
    return reds_everywhere(word);
}

#endif
