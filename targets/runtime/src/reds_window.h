/* A window of the input: which part of it lies inside. */
#ifndef REDS_WINDOW_H
#define REDS_WINDOW_H

#include "reds_image.h"

/* Kernel rows and columns that meet the input, and the input position under kernel row 0 and column 0, which may lie outside. */
typedef struct {
    int32_t row, column;
    uint32_t first_row, end_row;       /* kernel rows first_row .. end_row - 1 are inside */
    uint32_t first_column, end_column; /* and these columns */
} reds_window;

/* The part 0..kernel - 1 of an axis that is inside 0..input - 1 when it begins at `start`. The format's rules make it no empty
 * part. */
static inline void reds_clip(int32_t start, uint32_t kernel, uint32_t input, uint32_t *first, uint32_t *end)
{
    const uint32_t left = (uint32_t)((int32_t)input - start);
    *first = start < 0 ? (uint32_t)-start : 0;
    *end = left < kernel ? left : kernel;
}

static inline reds_window reds_window_at(const struct reds_layer_record *layer, uint32_t output_row, uint32_t output_column)
{
    reds_window window;
    window.row = (int32_t)(output_row * layer->stride_height) - layer->pad_top;
    window.column = (int32_t)(output_column * layer->stride_width) - layer->pad_left;
    reds_clip(window.row, layer->kernel_height, layer->input_height, &window.first_row, &window.end_row);
    reds_clip(window.column, layer->kernel_width, layer->input_width, &window.first_column, &window.end_column);
    return window;
}

/* Position, counted along the rows of the input, of a kernel row and column that are inside. */
static inline uint32_t reds_window_position(const struct reds_layer_record *layer, const reds_window *window, uint32_t kernel_row,
                                            uint32_t kernel_column)
{
    return (uint32_t)(window->row + (int32_t)kernel_row) * layer->input_width + (uint32_t)(window->column + (int32_t)kernel_column);
}

#endif
