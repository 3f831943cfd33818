/* Dense layers and convolutions, int8, weights in rows or shells, with the DSP instructions of a Cortex-M4: six windows at a time
 * (tile_int8_dsp.h); few windows, and the few that are left over, go one by one (one_window_int8_dsp.h).
 *
 * Scratch: what requantisation needs of each row, one piece of the widened windows, bytes to gather a piece in, and sums where a
 * row is not finished in one go: because its columns lie in several segments (shells) or its windows come in several pieces.
 */
#include "reds_kernels.h"

#if REDS_HAS_DSP

#include "matrix_windows.h"
#include "reds_cold.h"
#include "tile_int8_dsp.h"
#include "one_window_int8_dsp.h"
#include "windows_int8_dsp.h"

enum { FEWEST_IN_TILE = 4 };      /* fewer windows take less one by one than in a tile that is half empty */
enum { MOST_TILE_COLUMNS = 320 }; /* of a piece, if that holds a kernel row: 3.75 KB */
enum { MOST_WINDOW_COLUMNS = 2048 };

typedef struct {
    const reds_operands *operands;
    reds_windows_order order;
    uint32_t row_count;
    int is_tiled;
    int is_whole; /* rows are finished in one go, and are all alike: `work` is the same for every tile */
    /* Bytes into the scratch, each a multiple of a word. */
    uint32_t words_at, bytes_at, sums_at, scratch_bytes;
    uint32_t *words;
    int32_t *sums;
    reds_tile_work work;
} matrix;

REDS_COLD static void lay_out(const reds_operands *operands, matrix *m)
{
    m->operands = operands;
    m->row_count = operands->step->output_channels;
    m->is_tiled = reds_windows(operands->layer) >= FEWEST_IN_TILE;
    reds_find_windows_order(operands, m->is_tiled ? MOST_TILE_COLUMNS : MOST_WINDOW_COLUMNS, &m->order);
    const int is_one_segment = operands->layer->layout != REDS_SHELLS || operands->level == operands->smallest;
    m->is_whole = is_one_segment && m->order.capacity == m->order.columns;
    const uint32_t capacity_words = m->order.capacity / REDS_INT8_BLOCK;
    if (m->is_tiled) {
        m->words_at = (m->row_count + 1) * (uint32_t)sizeof(reds_tile_row);
        m->bytes_at = m->words_at + capacity_words * REDS_TILE_PITCH * (uint32_t)sizeof(uint32_t);
        m->sums_at = m->bytes_at + (m->order.is_direct ? 0 : m->order.capacity);
    } else { /* bytes are widened where they lie */
        m->words_at = 0;
        m->bytes_at = m->order.capacity;
        m->sums_at = capacity_words * REDS_WINDOW_PITCH * (uint32_t)sizeof(uint32_t);
    }
    const uint32_t sums_per_row = m->is_tiled && !m->is_whole ? REDS_MOST_WINDOWS : 1;
    m->scratch_bytes = m->sums_at + m->row_count * sums_per_row * (uint32_t)sizeof(int32_t);
}

static void write_rows(const reds_operands *operands, uint32_t count, reds_tile_row *rows)
{
    const struct reds_int8_channel_record *const channels = reds_channels(operands);
    for (uint32_t i = 0; i < count; i++) {
        rows[i].bias = channels[i].bias;
        rows[i].scaling = reds_scaling_of(channels + i);
    }
}

/* Columns begin .. end that a segment has of a piece. */
typedef struct {
    const uint8_t *weights;
    uint32_t begin, end;
} overlap;

static inline overlap overlap_of(const reds_segment *segment, uint32_t begin, uint32_t end)
{
    const uint32_t segment_end = segment->column + reds_rounded_up(segment->elements, REDS_INT8_BLOCK);
    overlap both = {.begin = segment->column > begin ? segment->column : begin, .end = segment_end < end ? segment_end : end};
    both.weights = segment->weights + (both.begin - segment->column);
    return both;
}

/* Rows of a group times the piece begin .. end of one window. */
static void add_to_window(const matrix *m, const reds_row_group *group, uint32_t begin, uint32_t end)
{
    for (const reds_segment *segment = group->segments; segment < group->segments + group->segment_count; segment++) {
        const overlap both = overlap_of(segment, begin, end);
        if (both.begin >= both.end)
            continue;
        const uint32_t *const window = m->words + (both.begin - begin) / REDS_INT8_BLOCK * REDS_WINDOW_PITCH;
        const uint32_t *const window_end = window + (both.end - both.begin) / REDS_INT8_BLOCK * REDS_WINDOW_PITCH;
        reds_multiply_window(both.weights, segment->stride, group->row_count, window, window_end, m->sums + group->first_row);
    }
}

/* Work for the rows of a group; outputs are not set yet. */
static void set_rows(const matrix *m, const reds_row_group *group, reds_tile_work *work)
{
    work->output_stride = m->row_count;
    work->zero_point = m->operands->step->output_zero_point;
    work->step = m->operands->step;
    work->rows = (reds_tile_row *)m->operands->scratch + group->first_row;
    work->rows_end = work->rows + group->row_count;
    work->scaling = &work->rows->scaling;
    work->channels = (const struct reds_int8_channel_record *)reds_channels(m->operands) + group->first_row;
    work->sums = work->sums_kept = m->sums + (size_t)group->first_row * REDS_MOST_WINDOWS;
    work->windows = 0;
}

/* Work for columns of a segment, where the piece in the scratch begins with column `begin`. */
static void set_columns(const matrix *m, const reds_segment *segment, overlap both, uint32_t begin, reds_tile_work *work)
{
    work->weights = both.weights;
    work->words = (both.end - both.begin) / REDS_INT8_BLOCK;
    work->stride = segment->stride;
    work->tile = m->words + (both.begin - begin) / REDS_INT8_BLOCK * REDS_TILE_PITCH;
    work->tile_end = work->tile + work->words * REDS_TILE_PITCH;
    work->from = both.begin == 0 ? REDS_FROM_BIASES : REDS_FROM_SUMS;
    work->to = reds_clamps_negatives(work->step) ? REDS_TO_CLAMPED_OUTPUTS : REDS_TO_OUTPUTS;
    if (both.end < m->order.columns)
        work->to = REDS_TO_SUMS;
}

/* Outputs from number `first` of the map on, of `count` windows. */
static inline void set_outputs(const matrix *m, size_t first, uint32_t count, reds_tile_work *work)
{
    work->output = (int8_t *)m->operands->output + first;
    work->fourth_output = work->output + 3 * (size_t)m->row_count;
    work->is_prepared = work->windows == count;
    work->windows = count;
}

REDS_COLD static void begin(const reds_operands *operands, matrix *m)
{
    uint8_t *const scratch = operands->scratch;
    lay_out(operands, m);
    m->words = (uint32_t *)(void *)(scratch + m->words_at);
    m->sums = (int32_t *)(void *)(scratch + m->sums_at);
    if (m->is_tiled)
        write_rows(operands, m->row_count, operands->scratch);
    if (m->is_whole) {
        reds_row_group group;
        reds_row_group_at(operands, 0, sizeof(int8_t), REDS_INT8_BLOCK, &group);
        set_rows(m, &group, &m->work);
        set_columns(m, group.segments, overlap_of(group.segments, 0, m->order.columns), 0, &m->work);
    }
}

/* Rows of a group times the piece begin .. end of `count` windows from number `window` on. */
static void add_to_tile(const matrix *m, const reds_row_group *group, uint32_t begin, uint32_t end, uint32_t window,
                        uint32_t count)
{
    reds_tile_work work;
    set_rows(m, group, &work);
    for (const reds_segment *segment = group->segments; segment < group->segments + group->segment_count; segment++) {
        const overlap both = overlap_of(segment, begin, end);
        if (both.begin >= both.end)
            continue;
        set_columns(m, segment, both, begin, &work);
        set_outputs(m, (size_t)window * m->row_count + group->first_row, count, &work);
        work.is_prepared = 0;
        reds_multiply_tile(&work);
    }
}

/* Windows piece by piece, and each piece group by group. */
REDS_COLD static void multiply_pieces(const matrix *m, uint32_t window, uint32_t count)
{
    uint8_t *const bytes = (uint8_t *)m->operands->scratch + m->bytes_at;
    const int is_tile = count > 1;
    reds_windows_progress progress;
    reds_begin_windows(&progress);
    while (progress.column < m->order.columns) {
        const uint32_t first = progress.column;
        reds_row_group group;
        reds_widen_piece(&m->order, window, count, is_tile ? REDS_TILE_PITCH : REDS_WINDOW_PITCH, &progress, bytes, m->words);
        for (uint32_t i = 0; reds_row_group_at(m->operands, i, sizeof(int8_t), REDS_INT8_BLOCK, &group); i++) {
            if (is_tile)
                add_to_tile(m, &group, first, progress.column, window, count);
            else
                add_to_window(m, &group, first, progress.column);
        }
    }
}

static void multiply_tile(matrix *m, uint32_t window, uint32_t count)
{
    uint8_t *const bytes = (uint8_t *)m->operands->scratch + m->bytes_at;
    reds_windows_progress progress;
    if (!m->is_whole) {
        multiply_pieces(m, window, count);
        return;
    }
    reds_begin_windows(&progress);
    reds_widen_piece(&m->order, window, count, REDS_TILE_PITCH, &progress, bytes, m->words);
    set_outputs(m, (size_t)window * m->row_count, count, &m->work);
    reds_multiply_tile(&m->work);
}

static void multiply_window(const matrix *m, uint32_t window)
{
    const struct reds_int8_channel_record *const channels = reds_channels(m->operands);
    int8_t *const output = (int8_t *)m->operands->output + (size_t)window * m->row_count;
    for (uint32_t row = 0; row < m->row_count; row++)
        m->sums[row] = channels[row].bias;
    multiply_pieces(m, window, 1);
    reds_requantise_sums(m->sums, m->row_count, channels, m->operands->step, output);
}

static void run(const reds_operands *operands)
{
    const uint32_t windows = reds_windows(operands->layer);
    matrix m;
    begin(operands, &m);
    for (uint32_t window = 0, count; window < windows; window += count) {
        const uint32_t left = windows - window;
        count = left < FEWEST_IN_TILE ? 1 : left < REDS_MOST_WINDOWS ? left : REDS_MOST_WINDOWS;
        if (count == 1)
            multiply_window(&m, window);
        else
            multiply_tile(&m, window, count);
    }
    reds_clamp_bytes(operands->step, operands->output, windows * m.row_count);
}

static uint32_t scratch_bytes(const reds_operands *operands)
{
    matrix m;
    lay_out(operands, &m);
    return m.scratch_bytes;
}

const reds_kernel reds_matrix_int8_rows = {run, scratch_bytes};

#endif
