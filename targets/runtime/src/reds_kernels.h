/* The kernels: what one layer of one level works on, and one kernel for each kind of layer, precision and order of weights.
 *
 * A kernel trusts its operands (reds_open has checked them). It writes the step's output map and its scratch, no more. Rows of outputs
 * are written in order, and once row y is begun nothing above the first input row of its windows is read again: the output may
 * lie that close behind the input (docs/image-format.md, "Buffers").
 *
 * Which kernel runs is decided in reds_dispatch.c; a new kernel is one file and one line there.
 */
#ifndef REDS_KERNELS_H
#define REDS_KERNELS_H

#include <stddef.h>

#include "reds_core.h"
#include "reds_image.h"

/* One layer of one level at work. The input of an int8 layer is filled up to a whole word with zeros, so that kernels may read words: the
 * columns of a level that fill no block are followed by those of the next larger level, not by zeros. */
typedef struct {
    const uint8_t *image;
    const struct reds_layer_record *layer;
    const struct reds_step_record *step;      /* of the selected level */
    const struct reds_level_record *level;    /* the selected one */
    const struct reds_level_record *smallest; /* the last of the level records */
    uint32_t index;                           /* of the layer */
    const void *input;
    void *output;
    void *scratch; /* REDS_ARENA_ALIGNMENT, as many bytes as the kernel has asked for */
} reds_operands;

typedef struct {
    void (*run)(const reds_operands *operands);
    /* Bytes of scratch for a step of a level; below 2^32 for every image that reds_open accepts. NULL: none. */
    uint32_t (*scratch_bytes)(const reds_operands *operands);
} reds_kernel;

/* The kernel of a layer; never NULL for a layer that reds_open accepts. */
const reds_kernel *reds_kernel_for(uint8_t precision, const struct reds_layer_record *layer);

/* Dense layers and convolutions: products of a matrix of weights with windows of the input, in the order of the layer's layout.
 * The kernels of rows run shells too: see reds_matrix.h. */
extern const reds_kernel reds_matrix_int8_rows, reds_matrix_int8_transposed, reds_matrix_int8_panels;
extern const reds_kernel reds_matrix_float32_rows, reds_matrix_float32_transposed, reds_matrix_float32_panels;

extern const reds_kernel reds_depthwise_int8, reds_depthwise_float32;
extern const reds_kernel reds_average_pool_int8, reds_average_pool_float32;
extern const reds_kernel reds_max_pool_int8, reds_max_pool_float32;

static inline const void *reds_at(const reds_operands *operands, uint32_t offset)
{
    return operands->image + offset;
}

/* One channel record for each active output. */
static inline const void *reds_channels(const reds_operands *operands)
{
    return reds_at(operands, operands->step->channels_offset);
}

#endif
