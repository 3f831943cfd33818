/* Six windows in four words, for a core that multiplies 32 bits in one cycle and has no shorter multiplications.
 *
 * For each column the inputs of three windows a, b, c share two words,
 *
 *     a + b x 2^22  and  c + b x 2^11  (modulo 2^32)
 *
 * so that two products with a weight are three. Sums A, B, C of up to 64 products (each at most 127 x 128) lie in -2^20 ..
 * 2^20 - 1 and can be told apart: A is the low 22 bits of the first word, with their sign; what is above is B modulo 2^10.
 * Without that much of B the second word is C + (B / 2^10, rounded down) x 2^21, which gives C and the rest of B. */
#ifndef REDS_PACKED_WINDOWS_M0PLUS_H
#define REDS_PACKED_WINDOWS_M0PLUS_H

#include <stddef.h>
#include <stdint.h>

enum { REDS_PACKED_WINDOWS = 6, REDS_PACKED_WORDS = 4, REDS_PACKED_COLUMNS = 64 };

/* Columns of a window that lie in memory as `count` runs of `length` inputs, each `stride` bytes behind the one before. */
typedef struct {
    uint32_t length, count;
    size_t stride;
} reds_runs;

/* Pack the runs of six windows, which begin at `windows`; the words behind the last column. */
uint32_t *reds_pack_runs(const int8_t *const windows[REDS_PACKED_WINDOWS], const reds_runs *runs, uint32_t *packed);

/* What a row's weights, `stride` bytes behind the row's before, meet: `columns` of the packed windows, a positive multiple of
 * the block and at most REDS_PACKED_COLUMNS. */
typedef struct {
    const uint8_t *weights;
    size_t stride;
    const uint32_t *packed;
    uint32_t columns;
    int32_t *sums; /* row by row REDS_PACKED_WINDOWS sums of products */
    uint32_t rows; /* at least 1 */
} reds_packed_rows;

/* Write the sums of all rows, or add to those that are there. */
void reds_write_packed_sums(const reds_packed_rows *rows);
void reds_add_packed_sums(const reds_packed_rows *rows);

#endif
