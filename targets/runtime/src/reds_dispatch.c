/* The one place where a layer's kind, its order of weights and the precision meet a kernel. */
#include "reds.h"
#include "reds_kernels.h"

enum { PRECISIONS = 2 };

static const reds_kernel *const matrix_kernels[PRECISIONS][REDS_LAYOUTS] = {
    [REDS_FLOAT32] = {[REDS_ROWS] = &reds_matrix_float32_rows,
                      [REDS_TRANSPOSED] = &reds_matrix_float32_transposed,
                      [REDS_PANELS] = &reds_matrix_float32_panels,
                      [REDS_SHELLS] = &reds_matrix_float32_rows},
    [REDS_INT8] = {[REDS_ROWS] = &reds_matrix_int8_rows,
                   [REDS_TRANSPOSED] = &reds_matrix_int8_transposed,
                   [REDS_PANELS] = &reds_matrix_int8_panels,
                   [REDS_SHELLS] = &reds_matrix_int8_rows},
};

static const reds_kernel *const other_kernels[PRECISIONS][REDS_KINDS] = {
    [REDS_FLOAT32] = {[REDS_DEPTHWISE] = &reds_depthwise_float32,
                      [REDS_AVERAGE_POOL] = &reds_average_pool_float32,
                      [REDS_MAX_POOL] = &reds_max_pool_float32},
    [REDS_INT8] = {[REDS_DEPTHWISE] = &reds_depthwise_int8,
                   [REDS_AVERAGE_POOL] = &reds_average_pool_int8,
                   [REDS_MAX_POOL] = &reds_max_pool_int8},
};

const reds_kernel *reds_kernel_for(uint8_t precision, const struct reds_layer_record *layer)
{
    if (layer->kind == REDS_DENSE || layer->kind == REDS_CONVOLUTION)
        return matrix_kernels[precision][layer->layout];
    return other_kernels[precision][layer->kind];
}
