/* The kernels: one function for each layer kind and precision, one file for each function.
 *
 * A kernel trusts its operands (reds_open has checked them) and writes `step->outputs` elements, no more. int8 buffers are
 * readable in whole words: the bytes that round `step->inputs` up to a multiple of 4 are zero in the input, so that what lies
 * there in a row of weights does not matter.
 */
#ifndef REDS_KERNELS_H
#define REDS_KERNELS_H

#include <stddef.h>

#include "reds_image.h"

/* What one layer of one level works on. `channels` holds one channel record for each output. */
typedef struct {
    const struct reds_layer_record *layer;
    const struct reds_step_record *step;
    const void *weights;
    const void *channels;
    const void *input;
    void *output;
} reds_operands;

typedef void (*reds_kernel)(const reds_operands *operands);

void reds_dense_float32(const reds_operands *operands);
void reds_dense_int8(const reds_operands *operands);

#endif
