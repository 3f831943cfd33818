/* Depthwise convolution on x86: sixteen channels of a few neighbouring outputs at a time.
 *
 * The input rows under a row of windows are kept as lanes of 32 bits with what lies outside to their left and right, so that all windows
 * are alike. Each input row is converted once, in a ring of as many rows as the kernel has; rows above and below the input share one of
 * padding.
 */
#ifndef REDS_DEPTHWISE_AVX2_H
#define REDS_DEPTHWISE_AVX2_H

#include "outputs_avx2.h"
#include "reds_matrix.h"
#include "reds_window.h"

enum { REDS_DEPTHWISE_WINDOWS = 6 }; /* neighbouring outputs at a time */

typedef struct {
    reds_arithmetic arithmetic;
    uint32_t element_bytes, block;
    const reds_lane_outputs *outputs;
    reds_lanes (*load_values)(const uint8_t *from, uint32_t count);  /* of the input */
    reds_lanes (*load_weights)(const uint8_t *from, uint32_t count);
} reds_depthwise_kernel;

/* One layer of one level at work. Rows, weights and constants lie by channel block (sixteen channels). */
typedef struct {
    const reds_operands *operands;
    uint32_t blocks;
    uint32_t columns;      /* of a row with its padding */
    uint8_t *constants;    /* [block][constant_bytes] */
    uint8_t *weights;      /* [block][kernel row][kernel column][lane] */
    uint8_t *padding;      /* a row: [block][column][lane] */
    uint8_t *rows;         /* the ring: [kernel row][block][column][lane] */
    size_t row_bytes;
    const uint8_t **taps;  /* what each element of the kernel meets in the first window of a row of outputs, first block */
} reds_depthwise;

static inline uint32_t reds_channel_blocks(const reds_operands *operands)
{
    return (operands->step->input_channels + REDS_LANES - 1) / REDS_LANES;
}

/* Columns under a row of windows. */
static inline uint32_t reds_padded_columns(const struct reds_layer_record *layer)
{
    return (layer->output_width - 1u) * layer->stride_width + layer->kernel_width;
}

static inline uint32_t reds_depthwise_scratch_bytes(const reds_operands *operands, const reds_depthwise_kernel *kernel)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint64_t row_vectors = (1ull + layer->kernel_height) * reds_padded_columns(layer);
    const uint64_t block_bytes = (row_vectors + reds_positions(layer)) * REDS_VECTOR_BYTES + kernel->outputs->constant_bytes;
    const uint64_t taps_bytes = reds_whole_vectors(reds_positions(layer) * (uint64_t)sizeof(uint8_t *));
    return reds_sayable_bytes(REDS_VECTOR_BYTES + taps_bytes + reds_channel_blocks(operands) * block_bytes);
}

static inline uint32_t reds_block_channels(const reds_operands *operands, uint32_t block)
{
    return reds_smaller(REDS_LANES, operands->step->input_channels - block * REDS_LANES);
}

/* What is the same for all rows of outputs. */
REDS_INLINE void reds_open_depthwise(const reds_operands *operands, const reds_depthwise_kernel *kernel, reds_lanes padding,
                                     reds_depthwise *depthwise)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t positions = reds_positions(layer);
    const size_t pitch = (size_t)(layer->input_channels + kernel->block - 1) / kernel->block * kernel->block * kernel->element_bytes;
    depthwise->operands = operands;
    depthwise->blocks = reds_channel_blocks(operands);
    depthwise->columns = reds_padded_columns(layer);
    depthwise->row_bytes = (size_t)depthwise->blocks * depthwise->columns * REDS_VECTOR_BYTES;
    depthwise->taps = (void *)reds_aligned_scratch(operands);
    depthwise->constants = reds_aligned_scratch(operands) + reds_whole_vectors(positions * sizeof *depthwise->taps);
    depthwise->weights = depthwise->constants + (size_t)depthwise->blocks * kernel->outputs->constant_bytes;
    depthwise->padding = depthwise->weights + (size_t)depthwise->blocks * positions * REDS_VECTOR_BYTES;
    depthwise->rows = depthwise->padding + depthwise->row_bytes;
    uint8_t *to = depthwise->weights;
    for (uint32_t block = 0; block < depthwise->blocks; block++) {
        const uint32_t first = block * REDS_LANES, count = reds_block_channels(operands, block);
        const uint8_t *from = (const uint8_t *)reds_at(operands, layer->weights_offset) + first * kernel->element_bytes;
        kernel->outputs->prepare(operands, first, count, depthwise->constants + block * kernel->outputs->constant_bytes);
        for (uint32_t position = 0; position < positions; position++, from += pitch, to += REDS_VECTOR_BYTES)
            reds_store(to, kernel->load_weights(from, count));
    }
    const uint8_t *const end = depthwise->rows + layer->kernel_height * depthwise->row_bytes;
    for (uint8_t *at = depthwise->padding; at < end; at += REDS_VECTOR_BYTES) /* what lies left and right of the input stays */
        reds_store(at, padding);
}

/* The part of an input row that lies under windows. */
REDS_INLINE void reds_convert_row(const reds_depthwise *depthwise, const reds_depthwise_kernel *kernel, uint32_t row)
{
    const struct reds_layer_record *const layer = depthwise->operands->layer;
    const size_t position_bytes = (size_t)depthwise->operands->step->input_channels * kernel->element_bytes;
    const size_t block_bytes = (size_t)depthwise->columns * REDS_VECTOR_BYTES;
    const uint32_t columns = reds_smaller(depthwise->columns - layer->pad_left, layer->input_width);
    const uint8_t *block_values = (const uint8_t *)depthwise->operands->input + row * layer->input_width * position_bytes;
    uint8_t *block_to = depthwise->rows + row % layer->kernel_height * depthwise->row_bytes + (size_t)layer->pad_left * REDS_VECTOR_BYTES;
    for (uint32_t block = 0; block < depthwise->blocks; block++) {
        const uint32_t count = reds_block_channels(depthwise->operands, block);
        const uint8_t *values = block_values;
        uint8_t *to = block_to;
        for (uint32_t column = 0; column < columns; column++, to += REDS_VECTOR_BYTES, values += position_bytes)
            reds_store(to, kernel->load_values(values, count));
        block_to += block_bytes;
        block_values += REDS_LANES * kernel->element_bytes;
    }
}

/* What the kernel's elements meet from input row `input_row` on, which may lie above the input. */
static inline void reds_place_taps(const reds_depthwise *depthwise, int32_t input_row)
{
    const struct reds_layer_record *const layer = depthwise->operands->layer;
    const uint8_t **tap = depthwise->taps;
    for (uint32_t y = 0; y < layer->kernel_height; y++) {
        const int32_t row = input_row + (int32_t)y;
        const uint8_t *values = depthwise->padding;
        if (row >= 0 && row < layer->input_height)
            values = depthwise->rows + (uint32_t)row % layer->kernel_height * depthwise->row_bytes;
        for (uint32_t x = 0; x < layer->kernel_width; x++)
            *tap++ = values + (size_t)x * REDS_VECTOR_BYTES;
    }
}

/* The sums of so many neighbouring windows, a constant, from output column `column` on. */
REDS_INLINE void reds_multiply_block(const reds_depthwise *depthwise, const reds_arithmetic *arithmetic, const void *start, uint32_t block,
                                     uint32_t column, const uint32_t windows, reds_lanes *result)
{
    const size_t stride = (size_t)depthwise->operands->layer->stride_width * REDS_VECTOR_BYTES;
    const size_t offset = (size_t)block * depthwise->columns * REDS_VECTOR_BYTES + column * stride;
    const uint32_t positions = reds_positions(depthwise->operands->layer);
    const uint8_t *weights = depthwise->weights + (size_t)block * positions * REDS_VECTOR_BYTES;
    reds_lanes sums[REDS_DEPTHWISE_WINDOWS];
#pragma GCC unroll 6
    for (uint32_t i = 0; i < windows; i++)
        sums[i] = reds_load(start);
    for (uint32_t position = 0; position < positions; position++, weights += REDS_VECTOR_BYTES) {
        const uint8_t *const values = depthwise->taps[position] + offset;
        const reds_lanes weight = reds_load(weights);
#pragma GCC unroll 6
        for (uint32_t i = 0; i < windows; i++)
            sums[i] = arithmetic->multiply_add(sums[i], reds_load(values + i * stride), weight);
    }
#pragma GCC unroll 6
    for (uint32_t i = 0; i < windows; i++)
        result[i] = sums[i];
}

REDS_INLINE void reds_multiply_any_block(const reds_depthwise *depthwise, const reds_arithmetic *arithmetic, const void *start,
                                         uint32_t block, uint32_t column, uint32_t windows, reds_lanes *sums)
{
#define REDS_WINDOWS(count) \
    case count: reds_multiply_block(depthwise, arithmetic, start, block, column, count, sums); break;
    switch (windows) {
        REDS_WINDOWS(1)
        REDS_WINDOWS(2)
        REDS_WINDOWS(3)
        REDS_WINDOWS(4)
        REDS_WINDOWS(5)
        REDS_WINDOWS(6)
    }
#undef REDS_WINDOWS
}

REDS_INLINE void reds_run_depthwise(const reds_operands *operands, const reds_depthwise_kernel *kernel, reds_lanes padding)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t width = layer->output_width;
    reds_depthwise depthwise;
    reds_open_depthwise(operands, kernel, padding, &depthwise);
    uint32_t converted = 0; /* input rows */
    for (uint32_t row = 0; row < layer->output_height; row++) {
        const int32_t input_row = (int32_t)(row * layer->stride_height) - layer->pad_top;
        const uint32_t end_row = reds_smaller((uint32_t)(input_row + layer->kernel_height), layer->input_height);
        for (converted = input_row > (int32_t)converted ? (uint32_t)input_row : converted; converted < end_row; converted++)
            reds_convert_row(&depthwise, kernel, converted);
        reds_place_taps(&depthwise, input_row);
        for (uint32_t block = 0; block < depthwise.blocks; block++) {
            const uint8_t *const constants = depthwise.constants + block * kernel->outputs->constant_bytes;
            const uint32_t channels = reds_block_channels(operands, block);
            uint32_t groups = (width + REDS_DEPTHWISE_WINDOWS - 1) / REDS_DEPTHWISE_WINDOWS;
            for (uint32_t column = 0, count; groups > 0; groups--, column += count) {
                reds_lanes sums[REDS_DEPTHWISE_WINDOWS];
                count = (width - column + groups - 1) / groups;
                reds_multiply_any_block(&depthwise, &kernel->arithmetic, constants, block, column, count, sums);
                kernel->outputs->write(operands, constants, block * REDS_LANES, channels, sums, row * width + column, count);
            }
        }
    }
}

#endif
