/* Depthwise convolution, int8, with the DSP instructions of a Cortex-M4.
 *
 * A 3x3 kernel with neighbouring windows or every other one, for four channels or more, takes the fast way
 * (depthwise_3x3_int8_dsp.h): by four channels, one or two rows of outputs at a time. The second of two rows waits in the scratch
 * until all channels have read the input, because it may lie where the first row's windows are. All other layers go window by
 * window, channel by channel.
 *
 * Scratch of the fast way: the channels' weights and requantisation, the packed columns of four channels, a row of outputs.
 */
#include "reds_kernels.h"

#if REDS_HAS_DSP

#include "depthwise_3x3_int8_dsp.h"
#include "reds_cold.h"
#include "reds_window.h"

enum { BLOCK = REDS_INT8_BLOCK, SIDE = REDS_DEPTHWISE_SIDE };

static inline uint32_t in_blocks(uint32_t channels)
{
    return (channels + BLOCK - 1) / BLOCK * BLOCK;
}

/* Any kernel: the sum of one channel of one window. */
static int32_t multiply_channel(const reds_operands *operands, const reds_window *at, uint32_t channel)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t channels = operands->step->input_channels, stride = in_blocks(layer->input_channels);
    const int8_t *weights = (const int8_t *)reds_at(operands, layer->weights_offset) + channel;
    const int8_t *const input = (const int8_t *)operands->input + channel;
    int32_t sum = 0;
    for (uint32_t y = 0; y < layer->kernel_height; y++)
        for (uint32_t x = 0; x < layer->kernel_width; x++, weights += stride) {
            const int is_inside = y >= at->first_row && y < at->end_row && x >= at->first_column && x < at->end_column;
            const size_t position = is_inside ? reds_window_position(layer, at, y, x) : 0;
            sum += *weights * (is_inside ? input[position * channels] : operands->step->input_zero_point);
        }
    return sum;
}

REDS_COLD static void run_any(const reds_operands *operands)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t channels = operands->step->input_channels, windows = (uint32_t)layer->output_height * layer->output_width;
    const struct reds_int8_channel_record *const records = reds_channels(operands);
    int8_t *output = operands->output;
    for (uint32_t window = 0; window < windows; window++) {
        const reds_window at = reds_window_at(layer, window / layer->output_width, window % layer->output_width);
        for (uint32_t channel = 0; channel < channels; channel++) {
            const int32_t sum = multiply_channel(operands, &at, channel) + records[channel].bias;
            reds_requantise_sums(&sum, 1, records + channel, operands->step, output++);
        }
    }
}

static int is_fast(const reds_operands *operands)
{
    const struct reds_layer_record *const layer = operands->layer;
    const int is_kernel = layer->kernel_height == SIDE && layer->kernel_width == SIDE;
    return is_kernel && layer->stride_width <= 2 && operands->step->input_channels >= BLOCK;
}

/* The fast way's parts of the scratch. */
typedef struct {
    const reds_operands *operands;
    reds_depthwise_channel *channels;
    reds_depthwise_column *columns;
    uint8_t *row;          /* of outputs */
    uint32_t column_count; /* that the windows of a row touch, with those outside the input */
    uint32_t first, end;   /* columns first .. end - 1 are inside */
    int takes_two_rows;
} fast_way;

static uint32_t column_count_of(const struct reds_layer_record *layer)
{
    return (uint32_t)(layer->output_width - 1) * layer->stride_width + SIDE;
}

static int takes_two_rows(const struct reds_layer_record *layer)
{
    return layer->stride_height == 1 && layer->stride_width == 1 && layer->output_height > 1;
}

REDS_COLD static uint32_t scratch_bytes(const reds_operands *operands)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t channels = operands->step->input_channels;
    if (!is_fast(operands))
        return 0;
    const uint32_t columns_bytes = column_count_of(layer) * (uint32_t)sizeof(reds_depthwise_column);
    const uint32_t row_bytes = takes_two_rows(layer) ? layer->output_width * channels : 0;
    return in_blocks(channels) * (uint32_t)sizeof(reds_depthwise_channel) + columns_bytes + row_bytes;
}

REDS_COLD static void write_channels(const fast_way *way)
{
    const reds_operands *const operands = way->operands;
    const struct reds_int8_channel_record *const records = reds_channels(operands);
    const uint32_t channels = operands->step->input_channels, stride = in_blocks(operands->layer->input_channels);
    const uint8_t *weights = reds_at(operands, operands->layer->weights_offset);
    for (uint32_t first = 0; first < channels; first += BLOCK, weights += BLOCK) {
        reds_depthwise_channel *const block = way->channels + first;
        for (uint32_t column = 0; column < SIDE; column++) {
            const uint8_t *const from = weights + column * stride;
            const uint32_t a = reds_load_word(from), b = reds_load_word(from + SIDE * stride);
            const uint32_t c = reds_load_word(from + 2 * SIDE * stride);
            const uint32_t even[SIDE] = {reds_even_bytes(a), reds_even_bytes(b), reds_even_bytes(c)};
            const uint32_t odd[SIDE] = {reds_odd_bytes(a), reds_odd_bytes(b), reds_odd_bytes(c)};
            block[0].upper[column] = reds_low_halves(even[0], even[1]);
            block[0].lower[column] = reds_low_halves(even[1], even[2]);
            block[1].upper[column] = reds_low_halves(odd[0], odd[1]);
            block[1].lower[column] = reds_low_halves(odd[1], odd[2]);
            block[2].upper[column] = reds_high_halves(even[0], even[1]);
            block[2].lower[column] = reds_high_halves(even[1], even[2]);
            block[3].upper[column] = reds_high_halves(odd[0], odd[1]);
            block[3].lower[column] = reds_high_halves(odd[1], odd[2]);
        }
    }
    for (uint32_t i = 0; i < channels; i++) {
        way->channels[i].bias = records[i].bias;
        way->channels[i].scaling = reds_scaling_of(records + i);
    }
}

static uint32_t padding_of(const reds_operands *operands)
{
    return (uint16_t)operands->step->input_zero_point * UINT32_C(0x00010001);
}

/* Columns outside the input are the same in every row. */
static void write_padding(const fast_way *way)
{
    const uint32_t padding = padding_of(way->operands);
    for (uint32_t i = 0; i < way->column_count; i++)
        if (i < way->first || i >= way->end)
            for (uint32_t j = 0; j < BLOCK; j++)
                way->columns[i].rows[j][0] = way->columns[i].rows[j][1] = padding;
}

static fast_way fast_way_of(const reds_operands *operands)
{
    const struct reds_layer_record *const layer = operands->layer;
    fast_way way = {.operands = operands, .channels = operands->scratch, .column_count = column_count_of(layer)};
    way.columns = (reds_depthwise_column *)(void *)(way.channels + in_blocks(operands->step->input_channels));
    way.row = (uint8_t *)(way.columns + way.column_count);
    way.first = layer->pad_left;
    way.end = way.column_count < way.first + layer->input_width ? way.column_count : way.first + layer->input_width;
    way.takes_two_rows = takes_two_rows(layer);
    write_channels(&way);
    write_padding(&way);
    return way;
}

/* Two rows of a block of channels; those outside the input are NULL. */
static void pack_pair(const fast_way *way, const uint8_t *upper, const uint8_t *lower, uint32_t channel, uint32_t pair)
{
    const uint32_t channels = way->operands->step->input_channels;
    const uint32_t padding = (uint8_t)way->operands->step->input_zero_point * UINT32_C(0x01010101);
    for (uint32_t i = way->first; i < way->end; i++, channel += channels) {
        const uint32_t a = upper != NULL ? reds_load_word(upper + channel) : padding;
        const uint32_t b = lower != NULL ? reds_load_word(lower + channel) : padding;
        const uint32_t even_a = reds_even_bytes(a), even_b = reds_even_bytes(b);
        const uint32_t odd_a = reds_odd_bytes(a), odd_b = reds_odd_bytes(b);
        way->columns[i].rows[0][pair] = reds_low_halves(even_a, even_b);
        way->columns[i].rows[1][pair] = reds_low_halves(odd_a, odd_b);
        way->columns[i].rows[2][pair] = reds_high_halves(even_a, even_b);
        way->columns[i].rows[3][pair] = reds_high_halves(odd_a, odd_b);
    }
}

/* A row of the input, or NULL. */
static const uint8_t *row_at(const reds_operands *operands, int32_t row)
{
    const struct reds_layer_record *const layer = operands->layer;
    if (row < 0 || row >= layer->input_height)
        return NULL;
    return (const uint8_t *)operands->input + (size_t)(uint32_t)row * layer->input_width * operands->step->input_channels;
}

static void copy_bytes(int8_t *to, const uint8_t *from, uint32_t count)
{
    for (; count >= 4 * BLOCK; count -= 4 * BLOCK, to += 4 * BLOCK, from += 4 * BLOCK) {
        reds_store_word(to, reds_load_word(from));
        reds_store_word(to + BLOCK, reds_load_word(from + BLOCK));
        reds_store_word(to + 2 * BLOCK, reds_load_word(from + 2 * BLOCK));
        reds_store_word(to + 3 * BLOCK, reds_load_word(from + 3 * BLOCK));
    }
    for (; count > 0; count--)
        *to++ = (int8_t)*from++;
}

/* Outputs of up to four channels, from packed columns: `width` of each row. */
static void multiply_wide(const reds_depthwise_column *columns, uint32_t width, uint32_t slot, reds_depthwise_outputs *outputs)
{
    while (width > 0) {
        const uint32_t count = width < REDS_DEPTHWISE_OUTPUTS ? width : REDS_DEPTHWISE_OUTPUTS;
        if (count != outputs->count) {
            outputs->count = count;
            outputs->after_first = 0;
        }
        outputs->rows = columns->rows[slot];
        outputs->rows_end = columns[1].rows[0];
        reds_multiply_depthwise(outputs);
        columns += count * outputs->stride;
        outputs->output += count * outputs->output_stride;
        width -= count;
    }
}

/* One row of outputs, or two. */
static void multiply_rows(const fast_way *way, uint32_t row, reds_depthwise_outputs *outputs)
{
    const struct reds_layer_record *const layer = way->operands->layer;
    const uint32_t channels = outputs->output_stride, width = layer->output_width;
    const uint32_t row_bytes = width * channels, pitch = layer->input_width * channels;
    const int32_t first_row = (int32_t)(row * layer->stride_height) - layer->pad_top;
    const uint8_t *const above = row_at(way->operands, first_row), *const below = row_at(way->operands, first_row + SIDE);
    int8_t *const output = (int8_t *)way->operands->output + (size_t)row * row_bytes;
    const int is_inside = above != NULL && below != NULL;
    outputs->second_row = (int8_t *)way->row - output;
    for (uint32_t channel = 0; channel < channels; channel += BLOCK) {
        const uint32_t first = channels - channel < BLOCK ? channels - BLOCK : channel; /* words do not reach beyond the map */
        if (is_inside) {
            reds_pack_depthwise(above + first, pitch, channels, way->end - way->first, way->columns + way->first);
        } else {
            pack_pair(way, above, row_at(way->operands, first_row + 1), first, 0);
            pack_pair(way, row_at(way->operands, first_row + 2), below, first, 1);
        }
        outputs->channel = way->channels + channel;
        outputs->output = output + channel;
        multiply_wide(way->columns, width, channel - first, outputs);
    }
    if (outputs->row_count == 2)
        copy_bytes(output + row_bytes, way->row, row_bytes);
}

static void run_fast(const reds_operands *operands)
{
    const fast_way way = fast_way_of(operands);
    const struct reds_layer_record *const layer = operands->layer;
    reds_depthwise_outputs outputs = {.output_stride = operands->step->input_channels};
    outputs.zero_point = operands->step->output_zero_point;
    outputs.stride = layer->stride_width;
    outputs.clamps_negatives = (uint32_t)reds_clamps_negatives(operands->step);
    outputs.step = operands->step;
    outputs.channels = way.channels;
    outputs.records = reds_channels(operands);
    for (uint32_t row = 0; row < layer->output_height; row += outputs.row_count) {
        outputs.row_count = way.takes_two_rows && row + 1 < layer->output_height ? 2 : 1;
        outputs.after_first = 0;
        multiply_rows(&way, row, &outputs);
    }
}

static void run(const reds_operands *operands)
{
    const uint32_t positions = (uint32_t)operands->layer->output_height * operands->layer->output_width;
    if (is_fast(operands))
        run_fast(operands);
    else
        run_any(operands);
    reds_clamp_bytes(operands->step, operands->output, positions * operands->step->input_channels);
}

const reds_kernel reds_depthwise_int8 = {run, scratch_bytes};

#endif
