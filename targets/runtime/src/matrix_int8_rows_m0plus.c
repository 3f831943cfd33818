/* Dense layers and convolutions, int8, weights in rows or shells, on a Cortex-M0+: six windows at a time, packed into four
 * words for each column (packed_windows_m0plus.h). The few windows that are left over go one by one.
 *
 * Scratch: the packed words, which also hold one window's inputs as words; behind them what windows are copied to. */
#include "strip_m0plus.h"

#if REDS_HAS_M0PLUS_ASSEMBLY

#include "requantise_m0plus.h"
#include "word_window_m0plus.h"

enum { ROWS = 32 };         /* whose sums are kept at a time */
enum { FEWEST_PACKED = 3 }; /* windows that take no longer packed than one by one */
enum { LARGEST_PRODUCT = 1 << 14 };

/* What stays the same from strip to strip. */
typedef struct {
    const reds_operands *operands;
    uint32_t columns; /* a multiple of the block */
    uint32_t *words;
    uint8_t *copies;
    uint32_t patch_bytes;
    int32_t widest_bias;
} matrix;

static uint32_t words_for_each_column(const reds_operands *operands)
{
    return reds_windows(operands->layer) < FEWEST_PACKED ? 1 : REDS_PACKED_WORDS;
}

static matrix matrix_of(const reds_operands *operands)
{
    matrix m = {.operands = operands, .columns = reds_strip_columns(operands), .words = operands->scratch};
    m.copies = (uint8_t *)(m.words + (size_t)m.columns * words_for_each_column(operands));
    m.patch_bytes = reds_patch_bytes(operands);
    m.widest_bias = REDS_WIDEST_SUM - (int32_t)m.columns * LARGEST_PRODUCT;
    return m;
}

/* The sums of a few rows of a group for the packed windows. */
static void sum_rows(const matrix *m, const reds_row_group *group, uint32_t row, uint32_t rows, int32_t *sums)
{
    reds_packed_rows work = {.sums = sums, .rows = rows};
    for (const reds_segment *segment = group->segments; segment < group->segments + group->segment_count; segment++) {
        const uint32_t end = segment->column + segment->elements;
        work.stride = segment->stride;
        work.weights = segment->weights + row * work.stride;
        for (uint32_t column = segment->column; column < end; column += work.columns, work.weights += work.columns) {
            work.columns = (end - column + REDS_INT8_BLOCK - 1) / REDS_INT8_BLOCK * REDS_INT8_BLOCK;
            work.columns = work.columns < REDS_PACKED_COLUMNS ? work.columns : REDS_PACKED_COLUMNS;
            work.packed = m->words + (size_t)column * REDS_PACKED_WORDS;
            if (column == 0)
                reds_write_packed_sums(&work);
            else
                reds_add_packed_sums(&work);
        }
    }
}

/* Windows from `window` on, FEWEST_PACKED .. REDS_PACKED_WINDOWS of them. */
static void multiply_strip(const matrix *m, uint32_t window, uint32_t count)
{
    const struct reds_step_record *const step = m->operands->step;
    int32_t sums[ROWS * REDS_PACKED_WINDOWS];
    reds_strip strip = {.sums = sums, .stride = step->output_channels, .windows = count, .step = step};
    strip.widest_bias = m->widest_bias;
    strip.output = (int8_t *)m->operands->output + (size_t)window * strip.stride;
    strip.channels = reds_channels(m->operands);
    reds_pack_strip(m->operands, window, count, m->copies, m->patch_bytes, m->words);
    reds_row_group group;
    for (uint32_t index = 0; reds_row_group_at(m->operands, index, sizeof(int8_t), REDS_INT8_BLOCK, &group); index++) {
        for (uint32_t row = 0; row < group.row_count; row += strip.rows) {
            strip.rows = group.row_count - row < ROWS ? group.row_count - row : ROWS;
            sum_rows(m, &group, row, strip.rows, sums);
            reds_requantise_strip(strip);
            strip.channels += strip.rows;
            strip.output += strip.rows;
        }
    }
}

static const int8_t *window_at(const matrix *m, uint32_t window)
{
    if (reds_is_gathered(m->operands, REDS_INT8_BLOCK))
        return (const int8_t *)m->operands->input + (size_t)window * m->operands->step->input_channels;
    reds_gather(m->operands, window, sizeof(int8_t), REDS_INT8_BLOCK, (uint8_t)m->operands->step->input_zero_point, m->copies);
    return (const int8_t *)m->copies;
}

static void multiply_window(const matrix *m, uint32_t window)
{
    const reds_operands *const operands = m->operands;
    const struct reds_int8_channel_record *channel = reds_channels(operands);
    const reds_clamp clamp = reds_clamp_of(operands->step);
    int8_t *output = (int8_t *)operands->output + (size_t)window * operands->step->output_channels;
    int32_t *const inputs = (int32_t *)m->words;
    reds_widen_window(window_at(m, window), m->columns, inputs);
    reds_row_group group;
    for (uint32_t index = 0; reds_row_group_at(operands, index, sizeof(int8_t), REDS_INT8_BLOCK, &group); index++) {
        for (uint32_t row = 0; row < group.row_count; row++, channel++) {
            int32_t sum = channel->bias;
            for (const reds_segment *segment = group.segments; segment < group.segments + group.segment_count; segment++) {
                const uint32_t columns = (segment->elements + REDS_INT8_BLOCK - 1) / REDS_INT8_BLOCK * REDS_INT8_BLOCK;
                sum += reds_multiply_words(segment->weights + row * segment->stride, inputs + segment->column, columns);
            }
            *output++ = reds_requantise_narrow(sum, channel, clamp);
        }
    }
}

static void run(const reds_operands *operands)
{
    const matrix m = matrix_of(operands);
    const uint32_t windows = reds_windows(operands->layer);
    for (uint32_t window = 0; window < windows;) {
        const uint32_t count = windows - window < REDS_PACKED_WINDOWS ? windows - window : REDS_PACKED_WINDOWS;
        if (count < FEWEST_PACKED) {
            multiply_window(&m, window++);
        } else {
            multiply_strip(&m, window, count);
            window += count;
        }
    }
}

static uint32_t scratch_bytes(const reds_operands *operands)
{
    const uint32_t columns = reds_strip_columns(operands), windows = reds_windows(operands->layer);
    const uint32_t left = windows % REDS_PACKED_WINDOWS;
    const uint32_t patch_bytes = windows < FEWEST_PACKED ? 0 : reds_patch_bytes(operands);
    const int one_by_one = left > 0 && left < FEWEST_PACKED;
    const uint32_t window_bytes = one_by_one && !reds_is_gathered(operands, REDS_INT8_BLOCK) ? columns : 0;
    const uint32_t copies_bytes = patch_bytes > window_bytes ? patch_bytes : window_bytes;
    return columns * words_for_each_column(operands) * (uint32_t)sizeof(uint32_t) + copies_bytes;
}

const reds_kernel reds_matrix_int8_rows = {run, scratch_bytes};

#endif
