/* One window, its inputs widened to words: what a layer with one window, or the few that are left over, is multiplied with. */
#ifndef REDS_WORD_WINDOW_M0PLUS_H
#define REDS_WORD_WINDOW_M0PLUS_H

#include <stdint.h>

/* One word for each input. */
void reds_widen_window(const int8_t *window, uint32_t columns, int32_t *inputs);

/* The sum of the products of a row's weights with the inputs; columns is a positive multiple of the block. */
int32_t reds_multiply_words(const uint8_t *weights, const int32_t *inputs, uint32_t columns);

#endif
