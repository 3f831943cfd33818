/* Average and max pooling on x86: as many channels of one window at a time as there are sums for. */
#ifndef REDS_POOL_AVX2_H
#define REDS_POOL_AVX2_H

#include "lanes_avx2.h"
#include "reds_kernels.h"
#include "reds_window.h"

enum { REDS_POOL_BLOCKS = 4 }; /* of sixteen channels, at a time */

typedef struct {
    uint32_t element_bytes;
    int32_t start; /* the bits of every lane that a pool begins with */
    reds_lanes (*load)(const uint8_t *from, uint32_t count);
    reds_lanes (*add)(reds_lanes pooled, reds_lanes values);
    /* Writes the outputs of `count` channels, pooled over so many positions. */
    void (*write)(const reds_operands *operands, reds_lanes pooled, uint32_t positions, uint32_t count, uint8_t *output);
} reds_pool_kernel;

/* So many blocks of channels, a constant; `count` channels in the last one. */
REDS_INLINE void reds_pool_blocks(const reds_operands *operands, const reds_pool_kernel *kernel, const reds_window *window,
                                  uint32_t first_channel, const uint32_t blocks, uint32_t count, uint8_t *output)
{
    const struct reds_layer_record *const layer = operands->layer;
    const size_t position_bytes = (size_t)operands->step->input_channels * kernel->element_bytes;
    const size_t block_bytes = (size_t)REDS_LANES * kernel->element_bytes;
    const uint32_t rows = window->end_row - window->first_row, columns = window->end_column - window->first_column;
    const uint8_t *const input = (const uint8_t *)operands->input + (size_t)first_channel * kernel->element_bytes;
    reds_lanes pooled[REDS_POOL_BLOCKS];
#pragma GCC unroll 4
    for (uint32_t block = 0; block < blocks; block++)
        pooled[block] = reds_everywhere(kernel->start);
    for (uint32_t y = 0; y < rows; y++) {
        const uint8_t *values = input + reds_window_position(layer, window, window->first_row + y, window->first_column) * position_bytes;
        for (uint32_t x = 0; x < columns; x++, values += position_bytes) {
#pragma GCC unroll 4
            for (uint32_t block = 0; block < blocks; block++) {
                const uint32_t channels = block + 1 < blocks ? REDS_LANES : count;
                pooled[block] = kernel->add(pooled[block], kernel->load(values + block * block_bytes, channels));
            }
        }
    }
#pragma GCC unroll 4
    for (uint32_t block = 0; block < blocks; block++)
        kernel->write(operands, pooled[block], rows * columns, block + 1 < blocks ? REDS_LANES : count, output + block * block_bytes);
}

REDS_INLINE void reds_pool_window(const reds_operands *operands, const reds_pool_kernel *kernel, const reds_window *window, uint8_t *output)
{
    const uint32_t channels = operands->step->input_channels;
    for (uint32_t first = 0, left; first < channels; first += REDS_POOL_BLOCKS * REDS_LANES) {
        left = channels - first;
        uint8_t *const to = output + (size_t)first * kernel->element_bytes;
        switch ((left - 1) / REDS_LANES) { /* whole blocks before the last */
        case 0: reds_pool_blocks(operands, kernel, window, first, 1, left, to); break;
        case 1: reds_pool_blocks(operands, kernel, window, first, 2, left - REDS_LANES, to); break;
        case 2: reds_pool_blocks(operands, kernel, window, first, 3, left - 2 * REDS_LANES, to); break;
        case 3: reds_pool_blocks(operands, kernel, window, first, 4, left - 3 * REDS_LANES, to); break;
        default: reds_pool_blocks(operands, kernel, window, first, 4, REDS_LANES, to);
        }
    }
}

REDS_INLINE void reds_run_pool(const reds_operands *operands, const reds_pool_kernel *kernel)
{
    const struct reds_layer_record *const layer = operands->layer;
    const size_t position_bytes = (size_t)operands->step->input_channels * kernel->element_bytes;
    uint8_t *output = operands->output;
    for (uint32_t row = 0; row < layer->output_height; row++) {
        for (uint32_t column = 0; column < layer->output_width; column++, output += position_bytes) {
            const reds_window window = reds_window_at(layer, row, column);
            reds_pool_window(operands, kernel, &window, output);
        }
    }
}

#endif
