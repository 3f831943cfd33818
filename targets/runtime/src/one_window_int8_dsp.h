/* Rows of weights times one widened window (windows_int8_dsp.h), on cores with the DSP instructions. */
#ifndef REDS_ONE_WINDOW_INT8_DSP_H
#define REDS_ONE_WINDOW_INT8_DSP_H

#include <stddef.h>
#include <stdint.h>

#include "windows_int8_dsp.h"

/* `sum` and the products of one row, whose words lie `stride` bytes apart, with the words window .. window_end. */
int32_t reds_multiply_row(const uint8_t *weights, size_t stride, const uint32_t *window, const uint32_t *window_end, int32_t sum);

/* Add to sums[row_count] the products of rows that begin `stride` bytes apart with the words window .. window_end. */
void reds_multiply_window(const uint8_t *weights, size_t stride, uint32_t row_count, const uint32_t *window,
                          const uint32_t *window_end, int32_t *sums);

#endif
