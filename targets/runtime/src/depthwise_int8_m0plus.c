/* Depthwise convolution, int8, on a Cortex-M0+: five neighbouring outputs of one channel share each load of an input, three
 * columns of weights, and the constants of requantisation.
 *
 * That is for kernels of three columns with a stride of one, by far the most common; the others go output by output. What
 * lies outside to the left and the right takes part as the zero point that it is; kernel rows above and below are summed up
 * once for each channel.
 *
 * Scratch: for each channel a word of weights for each kernel row, then the sum that a channel begins with. */
#include "depthwise_m0plus.h"

#if REDS_HAS_M0PLUS_ASSEMBLY

#include "requantise_m0plus.h"

enum { CHANNELS = 32 }; /* whose sums are kept at a time */
enum { LARGEST_PRODUCT = 1 << 14 };

static uint32_t weights_stride(const struct reds_layer_record *layer)
{
    return (layer->input_channels + REDS_INT8_BLOCK - 1) / REDS_INT8_BLOCK * REDS_INT8_BLOCK;
}

static int has_neighbours(const struct reds_layer_record *layer)
{
    return layer->kernel_width == REDS_KERNEL_COLUMNS && layer->stride_width == 1 &&
           layer->output_width >= REDS_NEIGHBOURS && layer->pad_left <= 1 &&
           layer->output_width + REDS_KERNEL_COLUMNS - 1 <= layer->pad_left + layer->input_width + 1;
}

/* The words of weights, channel by channel. */
static void prepare_weights(const reds_operands *operands, int32_t *words)
{
    const struct reds_layer_record *const layer = operands->layer;
    const int8_t *const weights = reds_at(operands, layer->weights_offset);
    const uint32_t stride = weights_stride(layer);
    for (uint32_t channel = 0; channel < operands->step->input_channels; channel++) {
        const int8_t *from = weights + channel;
        for (uint32_t y = 0; y < layer->kernel_height; y++, from += stride * REDS_KERNEL_COLUMNS)
            *words++ = reds_depthwise_word(from[0], from[stride], from[stride * 2]);
    }
}

/* The zero point times the weights of the kernel rows that are outside. */
static void prepare_first_sums(const reds_operands *operands, const reds_window *window, int32_t *first_sums)
{
    const struct reds_layer_record *const layer = operands->layer;
    const int8_t *const weights = reds_at(operands, layer->weights_offset);
    const uint32_t stride = weights_stride(layer), row_stride = stride * layer->kernel_width;
    for (uint32_t channel = 0; channel < operands->step->input_channels; channel++) {
        int32_t sum = 0;
        for (uint32_t y = 0; y < layer->kernel_height; y++) {
            if (y >= window->first_row && y < window->end_row)
                continue;
            for (uint32_t x = 0; x < layer->kernel_width; x++)
                sum += weights[channel + y * row_stride + x * stride];
        }
        first_sums[channel] = sum * operands->step->input_zero_point;
    }
}

/* Five outputs of all channels, from column `column` of an output row on. */
static void run_neighbours(const reds_operands *operands, const reds_window *rows, const int32_t *words,
                           const int32_t *first_sums, uint32_t column,
                     int8_t *output)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t channels = operands->step->input_channels;
    const int32_t left = (int32_t)column - layer->pad_left, row = rows->row + (int32_t)rows->first_row;
    const uint32_t inside_rows = rows->end_row - rows->first_row;
    int32_t sums[CHANNELS * REDS_STRIP_WINDOWS];
    reds_neighbours work = {.row_stride = (size_t)layer->input_width * channels, .position_stride = channels, .sums = sums};
    work.input = (const int8_t *)operands->input + ((ptrdiff_t)row * layer->input_width + left) * (ptrdiff_t)channels;
    work.words = words + rows->first_row;
    work.word_rows = inside_rows;
    work.word_skip = layer->kernel_height - inside_rows;
    work.first_sums = first_sums;
    work.padding = operands->step->input_zero_point;
    reds_strip strip = {.sums = sums, .output = output, .stride = channels, .windows = REDS_NEIGHBOURS, .step = operands->step};
    strip.channels = reds_channels(operands);
    strip.widest_bias = REDS_WIDEST_SUM - (int32_t)(reds_depthwise_positions(layer) * LARGEST_PRODUCT);
    const int32_t end = left + REDS_NEIGHBOURS + REDS_KERNEL_COLUMNS - 1;
    const reds_sum_neighbours sum = reds_sum_neighbours_for(left < 0, end > layer->input_width);
    for (uint32_t channel = 0; channel < channels; channel += strip.rows) {
        strip.rows = channels - channel < CHANNELS ? channels - channel : CHANNELS;
        work.channels = strip.rows;
        sum(&work);
        reds_requantise_strip(strip);
        work.input += strip.rows;
        work.words += strip.rows * layer->kernel_height;
        work.first_sums += strip.rows;
        strip.output += strip.rows;
        strip.channels += strip.rows;
    }
}

static void run_in_strips(const reds_operands *operands)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t channels = operands->step->input_channels, width = layer->output_width;
    int32_t *const words = operands->scratch, *const first_sums = words + (size_t)channels * layer->kernel_height;
    uint32_t first_row = layer->kernel_height, end_row = 0; /* of the kernel, that first_sums are for */
    prepare_weights(operands, words);
    int8_t *output = operands->output;
    for (uint32_t row = 0; row < layer->output_height; row++, output += (size_t)width * channels) {
        const reds_window window = reds_window_at(layer, row, 0);
        if (window.first_row != first_row || window.end_row != end_row)
            prepare_first_sums(operands, &window, first_sums);
        first_row = window.first_row;
        end_row = window.end_row;
        for (uint32_t column = 0; column < width; column += REDS_NEIGHBOURS) {
            if (column + REDS_NEIGHBOURS > width)
                column = width - REDS_NEIGHBOURS; /* some once more: nothing has overwritten what they read */
            run_neighbours(operands, &window, words, first_sums, column, output + (size_t)column * channels);
        }
    }
}

/* One output. */
static int32_t sum_window(const reds_operands *operands, const reds_window *window, uint32_t channel)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t channels = operands->step->input_channels, stride = weights_stride(layer);
    const int8_t *weights = (const int8_t *)reds_at(operands, layer->weights_offset) + channel;
    const int8_t *const input = (const int8_t *)operands->input + channel;
    int32_t inside = 0, outside = 0;
    for (uint32_t y = 0; y < layer->kernel_height; y++) {
        const int is_inside_row = y >= window->first_row && y < window->end_row;
        const uint32_t first = is_inside_row ? window->first_column : layer->kernel_width;
        const uint32_t end = is_inside_row ? window->end_column : layer->kernel_width;
        uint32_t x = 0;
        for (; x < first; x++, weights += stride)
            outside += *weights;
        if (x < end) {
            const int8_t *values = input + (size_t)reds_window_position(layer, window, y, x) * channels;
            for (; x < end; x++, weights += stride, values += channels)
                inside += *weights * *values;
        }
        for (; x < layer->kernel_width; x++, weights += stride)
            outside += *weights;
    }
    return inside + outside * operands->step->input_zero_point;
}

static void run_one_by_one(const reds_operands *operands)
{
    const struct reds_layer_record *const layer = operands->layer;
    const struct reds_int8_channel_record *const channels = reds_channels(operands);
    const reds_clamp clamp = reds_clamp_of(operands->step);
    int8_t *output = operands->output;
    for (uint32_t row = 0; row < layer->output_height; row++) {
        for (uint32_t column = 0; column < layer->output_width; column++) {
            const reds_window window = reds_window_at(layer, row, column);
            for (uint32_t channel = 0; channel < operands->step->input_channels; channel++) {
                const int32_t sum = channels[channel].bias + sum_window(operands, &window, channel);
                *output++ = reds_requantise_narrow(sum, &channels[channel], clamp);
            }
        }
    }
}

static void run(const reds_operands *operands)
{
    if (has_neighbours(operands->layer))
        run_in_strips(operands);
    else
        run_one_by_one(operands);
}

static uint32_t scratch_bytes(const reds_operands *operands)
{
    if (!has_neighbours(operands->layer))
        return 0;
    return operands->step->input_channels * (operands->layer->kernel_height + 1u) * (uint32_t)sizeof(int32_t);
}

const reds_kernel reds_depthwise_int8 = {run, scratch_bytes};

#endif
