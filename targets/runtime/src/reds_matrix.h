/* What the matrix kernels (dense layers and convolutions) share: the order of columns, the rows of a level, and windows of the input.
 *
 * Columns run shell by shell (docs/image-format.md, "Weights"), so that a level's are a prefix; a window gathered in that order is
 * multiplied with each row from its beginning. In the layout `rows` all rows of a level form one group with one segment of columns. In
 * `shells` the rows that a level adds form a group of their own, whose columns lie in several places: one segment each.
 */
#ifndef REDS_MATRIX_H
#define REDS_MATRIX_H

#include "reds_kernels.h"

/* Successive columns of a group of rows: row r of the group begins at weights + r x stride; they meet the gathered window
 * from element `column` on. */
typedef struct {
    const uint8_t *weights;
    uint32_t stride;   /* bytes */
    uint32_t column;   /* a multiple of the block */
    uint32_t elements; /* in the layout rows: not filled up to the block; in shells: filled up with zeros, as the window is */
} reds_segment;

typedef struct {
    uint32_t first_row, row_count;
    uint32_t segment_count;
    reds_segment segments[REDS_MAX_LEVELS];
} reds_row_group;

/* Positions of a window. */
static inline uint32_t reds_positions(const struct reds_layer_record *layer)
{
    return (uint32_t)layer->kernel_height * layer->kernel_width;
}

/* Output positions of a layer: windows. */
static inline uint32_t reds_windows(const struct reds_layer_record *layer)
{
    return (uint32_t)layer->output_height * layer->output_width;
}

/* Columns of the selected level, as a gathered window holds them: in shells with what fills up each shell. */
uint32_t reds_columns(const reds_operands *operands, uint32_t block);

/* The group of rows number `index` of the selected level, 0 first; 0 when there is no such group. Element size and block as in the
 * image's precision. */
int reds_row_group_at(const reds_operands *operands, uint32_t index, uint32_t element_bytes, uint32_t block, reds_row_group *group);

/* Whether window w of the input lies in memory as the columns want it, w x input_channels elements from the input's beginning (or, for
 * a dense layer, at its beginning): no gathering needed. */
int reds_is_gathered(const reds_operands *operands, uint32_t block);

/* Copy window `window` (row by row of the output map) into `gathered`, in the order of the columns, `padding` bytes (int8: the input's zero point;
 * float32: 0) outside the input; then zeros up to a multiple of the block. */
void reds_gather(const reds_operands *operands, uint32_t window, uint32_t element_bytes, uint32_t block, uint8_t padding,
                 uint8_t *gathered);

#endif
