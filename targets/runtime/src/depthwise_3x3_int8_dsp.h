/* Depthwise convolution of one channel with a 3x3 kernel, int8, on cores with the DSP instructions: a few neighbouring outputs of
 * one or two rows.
 *
 * Values of one channel that lie below one another are packed in pairs, so that one SMLAD multiplies two of them: input rows 0
 * and 1 of the window, and rows 2 and 3, of which row 3 belongs to the window of the output below. An output takes two
 * instructions for each of its three columns: rows 0 and 1, then row 2; in the output below, row 1, then rows 2 and 3.
 *
 * Multiplying four channels as they lie in memory would take nine instructions for each output (SMLABB, SMLATT), but no packing,
 * which costs three to four; here an output also loads fewer words, so that cycles of a Cortex-M4 fall with instructions.
 */
#ifndef REDS_DEPTHWISE_3X3_INT8_DSP_H
#define REDS_DEPTHWISE_3X3_INT8_DSP_H

#include <stddef.h>

#include "requantise_dsp.h"

enum { REDS_DEPTHWISE_SIDE = 3, REDS_DEPTHWISE_CHANNELS = 4, REDS_DEPTHWISE_OUTPUTS = 5 };

/* What a channel's outputs take, as words in this order. */
typedef struct {
    uint32_t upper[REDS_DEPTHWISE_SIDE]; /* by kernel column: kernel rows 0 and 1 */
    uint32_t lower[REDS_DEPTHWISE_SIDE]; /* kernel rows 1 and 2 */
    int32_t bias;
    reds_scaling scaling;
} reds_depthwise_channel;

/* One column of the input: by channel, rows 0 and 1, then rows 2 and 3. */
typedef struct {
    uint32_t rows[REDS_DEPTHWISE_CHANNELS][2];
} reds_depthwise_column;

/* Outputs of one row, or of two that lie below one another. Assembly reads the fields up to `self` in this order. */
typedef struct {
    const uint32_t *rows;                  /* of the first channel, in the first output's first column */
    const reds_depthwise_channel *channel; /* the first */
    int8_t *output;
    uint32_t output_stride; /* from one output to its neighbour */
    int32_t zero_point;
    uint32_t after_first;  /* 0: what the assembly will keep here has not been worked out for the fields below `self` */
    ptrdiff_t second_row;  /* from an output to where the one below it is to be written */
    uint32_t after_second; /* from here to `finish` the assembly's own */
    const uint32_t *rows_end; /* behind the last channel's in the first column */
    uint32_t first, second, finish;
    const void *self;
    uint32_t count;      /* neighbouring outputs: 1..REDS_DEPTHWISE_OUTPUTS */
    uint32_t stride;     /* 1 or 2 columns from one output to its neighbour */
    uint32_t row_count;  /* 1, or with stride 1 also 2 */
    uint32_t clamps_negatives;
    const struct reds_step_record *step;
    const reds_depthwise_channel *channels; /* of the whole step */
    const struct reds_int8_channel_record *records;
} reds_depthwise_outputs;

void reds_multiply_depthwise(reds_depthwise_outputs *outputs);

/* The outputs of a channel that takes the reference, from their sums; called by reds_multiply_depthwise. */
void reds_requantise_depthwise(const reds_depthwise_outputs *outputs, const int32_t *sums, int8_t *output,
                               const reds_depthwise_channel *channel);

/* Pack `count` columns of four channels of four rows. `above` is in row 0, `pitch` bytes from row to row, `stride` from column
 * to column. */
void reds_pack_depthwise(const uint8_t *above, uint32_t pitch, uint32_t stride, uint32_t count, reds_depthwise_column *columns);

#endif
