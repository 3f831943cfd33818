/* Five neighbouring outputs of a depthwise convolution with three kernel columns and a stride of one: their sums for some
 * channels. */
#ifndef REDS_DEPTHWISE_M0PLUS_H
#define REDS_DEPTHWISE_M0PLUS_H

#include "reds_kernels.h"
#include "reds_window.h"

enum { REDS_NEIGHBOURS = 5, REDS_KERNEL_COLUMNS = 3 };

typedef struct {
    const int8_t *input;       /* first kernel row that is inside, first kernel column (perhaps outside), first channel */
    size_t row_stride;         /* bytes from one row of positions to the next */
    const int32_t *words;      /* of that kernel row and channel */
    uint32_t word_rows;        /* kernel rows that are inside, at least 1 */
    uint32_t word_skip;        /* words between the last of them and the first of the next channel */
    const int32_t *first_sums; /* one for each channel */
    int32_t *sums;             /* REDS_STRIP_WINDOWS for each channel; the last one is not written */
    uint32_t channels;         /* at least 1 */
    size_t position_stride;    /* bytes from one position to the next */
    int32_t padding;           /* what is outside */
} reds_neighbours;

typedef void (*reds_sum_neighbours)(const reds_neighbours *work);

/* For five outputs whose first (last) kernel column lies outside. */
reds_sum_neighbours reds_sum_neighbours_for(int is_left_outside, int is_right_outside);

/* The weights of a kernel row in a word: two bytes and a halfword. */
static inline int32_t reds_depthwise_word(int32_t first, int32_t second, int32_t third)
{
    return (int32_t)(((uint32_t)first & 0xffu) | ((uint32_t)second & 0xffu) << 8 | (uint32_t)third << 16);
}

static inline uint32_t reds_depthwise_positions(const struct reds_layer_record *layer)
{
    return (uint32_t)layer->kernel_height * layer->kernel_width;
}

#endif
