/* Dense layer, int8, in portable C: what a core without DSP instructions runs, and what a host's compiler vectorises.
 *
 * Two rows share each load of the inputs; more do not fit the eight low registers of a Cortex-M0+.
 */
#include "reds_core.h"
#include "reds_kernels.h"

#if !REDS_HAS_DSP

#include "requantise.h"

enum { ROWS = 2 };

void reds_dense_int8(const reds_operands *operands)
{
    const int8_t *const input = operands->input;
    const struct reds_int8_channel_record *channel = operands->channels;
    const uint32_t inputs = operands->step->inputs, stride = operands->layer->row_stride;
    const reds_clamp clamp = reds_clamp_of(operands->step);
    const int8_t *row = operands->weights;
    int8_t *output = operands->output;
    uint32_t left = operands->step->outputs;

    for (; left >= ROWS; left -= ROWS, row += (size_t)ROWS * stride, channel += ROWS) {
        const int8_t *const second = row + stride;
        int32_t sum0 = channel[0].bias, sum1 = channel[1].bias;
        for (uint32_t i = 0; i < inputs; i++) {
            const int32_t value = input[i];
            sum0 += row[i] * value;
            sum1 += second[i] * value;
        }
        *output++ = reds_requantise(sum0, &channel[0], clamp);
        *output++ = reds_requantise(sum1, &channel[1], clamp);
    }
    if (left > 0) {
        int32_t sum = channel->bias;
        for (uint32_t i = 0; i < inputs; i++)
            sum += row[i] * input[i];
        *output = reds_requantise(sum, channel, clamp);
    }
}

#endif
