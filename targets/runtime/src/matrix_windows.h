/* What the portable matrix kernels have in common: one window after the other, gathered where it does not lie in memory as it is
 * needed. */
#ifndef REDS_MATRIX_WINDOWS_H
#define REDS_MATRIX_WINDOWS_H

#include "reds_matrix.h"

/* Multiplies the rows of the level with one window and writes one output for each row. */
typedef void (*reds_window_kernel)(const reds_operands *operands, const void *window, void *output);

static inline uint32_t reds_rounded_up(uint32_t count, uint32_t multiple)
{
    return (count + multiple - 1) / multiple * multiple;
}

/* Every window of an int8 layer, and of a float32 one. */
void reds_each_int8_window(const reds_operands *operands, reds_window_kernel multiply);
void reds_each_float32_window(const reds_operands *operands, reds_window_kernel multiply);

/* Scratch for one gathered window; in int8 and float32. */
uint32_t reds_window_bytes(const reds_operands *operands, uint32_t element_bytes, uint32_t block);
uint32_t reds_int8_window_bytes(const reds_operands *operands);
uint32_t reds_float32_window_bytes(const reds_operands *operands);

#endif
