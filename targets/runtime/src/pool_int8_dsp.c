/* Average and max pooling, int8, with the DSP instructions of a Cortex-M4: over what lies inside the input, four channels at a
 * time.
 *
 * SXTAB16 adds two bytes to two sums of 16 bits, which hold 255 of them. SSUB8 and SEL take the larger of four pairs of bytes.
 */
#include "reds_kernels.h"

#if REDS_HAS_DSP

#include "reds_dsp.h"
#include "reds_window.h"
#include "requantise.h"

enum { BLOCK = REDS_INT8_BLOCK, MOST_IN_HALF = 255 };

/* Part of the input: `rows` times `columns` positions of up to four channels. */
typedef struct {
    const uint8_t *values;
    uint32_t rows, columns;
    uint32_t pitch, row_pitch; /* bytes to the next position, and to the next row */
    uint32_t channels;         /* 1..BLOCK */
} area;

/* Pools an area into `pooled`, by channel. */
typedef void (*pool_area)(const area *area, int32_t pooled[BLOCK]);

/* sum / count, rounded half away from zero; the sum of a map of fewer than 2^24 elements stays above -2^31. */
static inline int32_t mean(int32_t sum, uint32_t count)
{
    const uint32_t magnitude = sum < 0 ? 0u - (uint32_t)sum : (uint32_t)sum;
    const int32_t quotient = (int32_t)((magnitude + count / 2) / count);
    return sum < 0 ? -quotient : quotient;
}

/* Sums of `columns` positions of a row, MOST_IN_HALF at most. */
static void add_positions(const area *area, const uint8_t *values, uint32_t columns, int32_t sums[BLOCK])
{
    uint32_t even = 0, odd = 0;
    if (area->channels < BLOCK)
        for (; columns > 0; columns--, values += area->pitch) {
            const uint32_t word = reds_load_bytes(values, area->channels);
            even = reds_add_even_bytes(even, word);
            odd = reds_add_odd_bytes(odd, word);
        }
    for (; columns > 0; columns--, values += area->pitch) {
        const uint32_t word = reds_load_word(values);
        even = reds_add_even_bytes(even, word);
        odd = reds_add_odd_bytes(odd, word);
    }
    sums[0] += (int16_t)even;
    sums[1] += (int16_t)odd;
    sums[2] += (int16_t)(even >> 16);
    sums[3] += (int16_t)(odd >> 16);
}

static void average(const area *area, int32_t pooled[BLOCK])
{
    const uint8_t *row = area->values;
    for (uint32_t i = 0; i < BLOCK; i++)
        pooled[i] = 0;
    for (uint32_t y = 0; y < area->rows; y++, row += area->row_pitch)
        for (uint32_t x = 0, count; x < area->columns; x += count) {
            count = area->columns - x < MOST_IN_HALF ? area->columns - x : MOST_IN_HALF;
            add_positions(area, row + x * area->pitch, count, pooled);
        }
    for (uint32_t i = 0; i < area->channels; i++)
        pooled[i] = mean(pooled[i], area->rows * area->columns);
}

static void largest(const area *area, int32_t pooled[BLOCK])
{
    const uint8_t *row = area->values;
    uint32_t most = UINT32_C(0x80808080);
    for (uint32_t y = 0; y < area->rows; y++, row += area->row_pitch) {
        const uint8_t *values = row;
        for (uint32_t x = 0; x < area->columns; x++, values += area->pitch) {
            const uint32_t word = area->channels == BLOCK ? reds_load_word(values) : reds_load_bytes(values, area->channels);
            most = reds_larger_bytes(word, most);
        }
    }
    for (uint32_t i = 0; i < BLOCK; i++)
        pooled[i] = (int8_t)(most >> 8 * i);
}

static area area_of(const reds_operands *operands, uint32_t row, uint32_t column)
{
    const struct reds_layer_record *const layer = operands->layer;
    const reds_window window = reds_window_at(layer, row, column);
    area inside = {.rows = window.end_row - window.first_row, .columns = window.end_column - window.first_column};
    inside.pitch = operands->step->input_channels;
    inside.channels = inside.pitch < BLOCK ? inside.pitch : BLOCK;
    inside.row_pitch = layer->input_width * inside.pitch;
    inside.values = operands->input;
    inside.values += (size_t)reds_window_position(layer, &window, window.first_row, window.first_column) * inside.pitch;
    if (inside.columns == layer->input_width) { /* rows without gaps are one row */
        inside.columns *= inside.rows;
        inside.rows = 1;
    }
    return inside;
}

static void run(const reds_operands *operands, pool_area pool)
{
    const struct reds_layer_record *const layer = operands->layer;
    const struct reds_step_record *const step = operands->step;
    const uint32_t channels = step->input_channels;
    int8_t *output = operands->output;
    for (uint32_t row = 0; row < layer->output_height; row++) {
        for (uint32_t column = 0; column < layer->output_width; column++) {
            area inside = area_of(operands, row, column);
            const uint8_t *const values = inside.values;
            for (uint32_t channel = 0; channel < channels; channel += inside.channels) {
                int32_t pooled[BLOCK];
                if (channels - channel < inside.channels)
                    channel = channels - inside.channels; /* the last four once more rather than words beyond the map */
                inside.values = values + channel;
                pool(&inside, pooled);
                for (uint32_t i = 0; i < inside.channels; i++)
                    output[channel + i] = (int8_t)reds_limit(pooled[i], step->clamp_min, step->clamp_max);
            }
            output += channels;
        }
    }
}

static void run_average(const reds_operands *operands)
{
    run(operands, average);
}

static void run_largest(const reds_operands *operands)
{
    run(operands, largest);
}

const reds_kernel reds_average_pool_int8 = {run_average, NULL};
const reds_kernel reds_max_pool_int8 = {run_largest, NULL};

#endif
