/* Activations that the kernels for a Cortex-M4F do not have in their loops, float32.
 *
 * Negative outputs become 0 where they are written (ReLU and ReLU6), on the bits of a number: VMOV to a core register, BIC and
 * STM are fewer instructions and cycles than VCMP, VMRS, IT and a conditional VMOV. What is not a number becomes 0 only if its
 * sign bit is set. The rest is done to the whole output map.
 */
#ifndef REDS_FLOAT32_ACTIVATION_FPV4_H
#define REDS_FLOAT32_ACTIVATION_FPV4_H

#include "reds_image.h"

/* 1 if the kernel's loops are to make negative outputs 0. */
static inline uint32_t reds_cuts_negatives(const struct reds_layer_record *layer)
{
    return layer->activation == REDS_RELU || layer->activation == REDS_RELU6;
}

/* What remains to be done to the `count` outputs of a layer: the upper end of ReLU6, the slope of leaky ReLU. */
void reds_finish_activation(const struct reds_layer_record *layer, reds_float32 *outputs, uint32_t count);

#endif
