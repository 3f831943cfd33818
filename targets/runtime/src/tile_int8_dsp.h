/* Rows of weights times a tile: six windows at a time, widened and interleaved (windows_int8_dsp.h), on cores with the DSP
 * instructions. */
#ifndef REDS_TILE_INT8_DSP_H
#define REDS_TILE_INT8_DSP_H

#include "requantise_dsp.h"
#include "windows_int8_dsp.h"

/* A row of weights, as words in this order. One more stands behind the last row. */
typedef struct {
    const uint8_t *weights; /* the assembly's own: where its columns begin, those of the tile, and where it begins a row */
    const uint32_t *tile;
    int32_t bias;
    uint32_t begin;
    reds_scaling scaling;
    uint32_t finish; /* and where it goes on when the sums are done */
} reds_tile_row;

/* Where the sums of a row begin, and what becomes of them. */
enum { REDS_FROM_BIASES, REDS_FROM_SUMS };
enum { REDS_TO_SUMS, REDS_TO_OUTPUTS, REDS_TO_CLAMPED_OUTPUTS }; /* clamped: reds_clamps_negatives */

/* Successive rows times some columns of a tile. Assembly reads the fields in this order. */
typedef struct {
    int8_t *output;              /* of the first row and window */
    int8_t *fourth_output;       /* three windows further */
    const reds_scaling *scaling; /* of the first row */
    uint32_t output_stride;      /* from one window's output to the next's */
    int32_t zero_point;
    const uint32_t *tile_end;
    int32_t *sums;               /* REDS_MOST_WINDOWS for each row, where they begin or are kept */
    int32_t *sums_kept;          /* the same place */
    uint32_t words;              /* of a row, at least 1 */
    uint32_t from;               /* REDS_FROM_ */
    uint32_t to;                 /* REDS_TO_ */
    reds_tile_row *rows;
    reds_tile_row *rows_end;     /* not before the second */
    const uint8_t *weights;      /* of the first row, on a word boundary */
    uint32_t stride;             /* bytes from the beginning of a row's columns to the next row's */
    const uint32_t *tile;        /* REDS_TILE_PITCH for each word of the columns */
    uint32_t windows;            /* 1..REDS_MOST_WINDOWS that count: outputs of the others are not written */
    uint32_t is_prepared;        /* in the last call the fields from `words` on were the same */
    const struct reds_int8_channel_record *channels; /* of the first row */
    const struct reds_step_record *step;
} reds_tile_work;

void reds_multiply_tile(const reds_tile_work *work);

/* The outputs of a row whose channel takes the reference, from its six sums; called by reds_multiply_tile. */
void reds_requantise_tile_row(const reds_tile_work *work, const int32_t *sums, int8_t *output);

#endif
