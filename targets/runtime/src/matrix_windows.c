/* One window after the other: matrix_windows.h. */
#include "matrix_windows.h"

uint32_t reds_window_bytes(const reds_operands *operands, uint32_t element_bytes, uint32_t block)
{
    if (reds_is_gathered(operands, block))
        return 0;
    return reds_rounded_up(reds_columns(operands, block), block) * element_bytes;
}

static void each_window(const reds_operands *operands, uint32_t element_bytes, uint32_t block, uint8_t padding,
                        reds_window_kernel multiply)
{
    const int gathered = reds_is_gathered(operands, block);
    const uint32_t windows = reds_windows(operands->layer);
    const uint8_t *window = gathered ? operands->input : operands->scratch;
    uint8_t *output = operands->output;
    for (uint32_t w = 0; w < windows; w++) {
        if (!gathered)
            reds_gather(operands, w, element_bytes, block, padding, operands->scratch);
        multiply(operands, window, output);
        if (gathered)
            window += (size_t)operands->step->input_channels * element_bytes;
        output += (size_t)operands->step->output_channels * element_bytes;
    }
}

void reds_each_int8_window(const reds_operands *operands, reds_window_kernel multiply)
{
    each_window(operands, sizeof(int8_t), REDS_INT8_BLOCK, (uint8_t)operands->step->input_zero_point, multiply);
}

void reds_each_float32_window(const reds_operands *operands, reds_window_kernel multiply)
{
    each_window(operands, sizeof(float), 1, 0, multiply);
}

uint32_t reds_int8_window_bytes(const reds_operands *operands)
{
    return reds_window_bytes(operands, sizeof(int8_t), REDS_INT8_BLOCK);
}

uint32_t reds_float32_window_bytes(const reds_operands *operands)
{
    return reds_window_bytes(operands, sizeof(float), 1);
}
