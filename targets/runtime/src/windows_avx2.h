/* Windows of the input, a few at a time and one after the other, in the order of the columns.
 *
 * As reds_gather, but for many windows: a shell of a window that lies in pieces of a few bytes all over the input is slow to collect
 * again and again. Where there are several shells the map is first copied shell by shell, so that a row of a window is one piece of each.
 */
#ifndef REDS_WINDOWS_AVX2_H
#define REDS_WINDOWS_AVX2_H

#include "reds_matrix.h"

/* The channels of one shell. */
typedef struct {
    const uint8_t *values;    /* at the first position of the input */
    uint32_t bytes;           /* at one position */
    uint32_t position_pitch;  /* bytes from one position to the next */
} reds_shell;

typedef struct {
    const reds_operands *operands;
    uint32_t element_bytes;
    uint32_t window_bytes; /* filled up to whole words */
    int is_contiguous;     /* one window follows the other in the input */
    uint8_t padding;       /* outside the input */
    uint32_t shell_count;
    reds_shell shells[REDS_MAX_LEVELS];
} reds_window_source;

/* Bytes of a window in the order of the columns, filled up to whole words. */
uint32_t reds_filled_window_bytes(const reds_operands *operands, uint32_t element_bytes);

void reds_open_windows(const reds_operands *operands, uint32_t element_bytes, uint8_t padding, reds_window_source *source);

/* Bytes of the map once more, shell by shell; 0 where windows come from the map as it is. */
uint32_t reds_window_copy_bytes(const reds_operands *operands, uint32_t element_bytes);

/* Take windows from such a copy. */
void reds_copy_map(reds_window_source *source, uint8_t *copy);

/* Windows first .. first + count - 1, window_bytes each. */
void reds_copy_windows(const reds_window_source *source, uint32_t first, uint32_t count, uint8_t *to);

#endif
