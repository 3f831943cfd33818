/* Windows of an int8 input, widened for SMLAD: the four values of each word become two words, one with the values of the even
 * columns and one with those of the odd ones, as SXTB16 leaves the weights they meet.
 *
 * A long window is widened in pieces, so that what it takes of the scratch stays small: several windows take turns with each
 * piece. A piece ends with a kernel row; columns that fill no word are carried over into the next piece.
 */
#ifndef REDS_WINDOWS_INT8_DSP_H
#define REDS_WINDOWS_INT8_DSP_H

#include "reds_matrix.h"
#include "reds_window.h"

enum { REDS_MOST_WINDOWS = 6 }; /* that take turns */
enum { REDS_TILE_PITCH = 12, REDS_WINDOW_PITCH = 2 }; /* words from one pair to the next: of six windows, and of one alone */

/* The order of columns of a step. */
typedef struct {
    const reds_operands *operands;
    uint32_t columns;     /* of the whole window, a multiple of the block */
    uint32_t capacity;    /* columns of a piece, a multiple of the block */
    uint32_t row_bytes;   /* of a kernel row, if they are whole words that lie together in the input; else 0 */
    int is_direct;        /* windows lie in memory as the columns want them */
    uint32_t shell_count; /* each a run of channels */
    uint32_t shell_ends[REDS_MAX_LEVELS];
} reds_windows_order;

/* `most_columns`: of a piece, if that holds a kernel row. */
void reds_find_windows_order(const reds_operands *operands, uint32_t most_columns, reds_windows_order *order);

/* How far the windows have got. */
typedef struct {
    uint32_t column; /* all columns before it are done; a multiple of the block */
    uint32_t shell, kernel_row, carried_bytes;
    uint32_t carried[REDS_MOST_WINDOWS];
} reds_windows_progress;

static inline void reds_begin_windows(reds_windows_progress *progress)
{
    progress->column = progress->shell = progress->kernel_row = progress->carried_bytes = 0;
}

/* As many kernel rows of one window as there is room for, behind `filled` bytes that are there already; what fills up a shell
 * of the layout shells, and the window, is zero. Moves shell and kernel row on. Returns the bytes that are there then. */
uint32_t reds_gather_rows(const reds_windows_order *order, const reds_window *at, reds_windows_progress *progress,
                          uint32_t filled, uint8_t *bytes);

/* Widen the next piece of `count` windows from number `window` on: two words in every `pitch` of them (REDS_TILE_PITCH,
 * REDS_WINDOW_PITCH) for each word of columns; the next window's two lie behind. `bytes` is room for `capacity` bytes; it may
 * be the end of the first 2 x capacity bytes of `words` if one window is alone. Returns the words of columns, at least 1; call
 * it until progress->column is order->columns. */
uint32_t reds_widen_piece(const reds_windows_order *order, uint32_t window, uint32_t count, uint32_t pitch,
                          reds_windows_progress *progress, uint8_t *bytes, uint32_t *words);

#endif
