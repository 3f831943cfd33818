/* Windows of an int8 input, widened for SMLAD: windows_int8_dsp.h. */
#include "reds_kernels.h"

#if REDS_HAS_DSP

#include "reds_cold.h"
#include "reds_dsp.h"
#include "reds_window.h"
#include "windows_int8_dsp.h"

enum { WORD = REDS_INT8_BLOCK };

static inline uint32_t limit(uint32_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static inline uint32_t *widen_word(uint32_t word, uint32_t pitch, uint32_t *words)
{
    words[0] = reds_even_bytes(word);
    words[1] = reds_odd_bytes(word);
    return words + pitch;
}

#if REDS_DSP_INSTRUCTIONS

/* A word in 16 bytes of code; the loops of eight and four are entered in the middle. */
#define WIDEN(pitch) "ldr r12, [r0], #4\n\tsxtb16 r3, r12\n\tsxtb16 r12, r12, ror #8\n\tstrd r3, r12, [r2], #" pitch "\n\t"
#define FOUR_TIMES_WIDEN(pitch) WIDEN(pitch) WIDEN(pitch) WIDEN(pitch) WIDEN(pitch)
#define WIDEN_LOOP(words, words_less_one, shift) \
    "adr.w r3, 2f\n\t"                           \
    "and r12, r1, #" words_less_one "\n\t"       \
    "sub.w r3, r3, r12, lsl #4\n\t"              \
    "lsrs r1, r1, #" shift "\n\t"                \
    "orr r3, r3, #1\n\t"                         \
    "bx r3\n"                                    \
    "1:\n\t" words                               \
    "2:\n\t"                                     \
    "subs r1, r1, #1\n\t"                        \
    "bpl 1b\n\t"                                 \
    "mov r0, r2\n\t"                             \
    "bx lr"

/* `count` words; those that they overwrite are read before. Returns where the next pair of words goes. */
__attribute__((naked, noinline)) static uint32_t *widen_for_tile(
    REDS_IN_REGISTER const uint8_t *bytes, REDS_IN_REGISTER uint32_t count, REDS_IN_REGISTER uint32_t *words)
{
    __asm__(WIDEN_LOOP(FOUR_TIMES_WIDEN("48") FOUR_TIMES_WIDEN("48"), "7", "3"));
}

__attribute__((naked, noinline)) static uint32_t *widen_for_window(
    REDS_IN_REGISTER const uint8_t *bytes, REDS_IN_REGISTER uint32_t count, REDS_IN_REGISTER uint32_t *words)
{
    __asm__(WIDEN_LOOP(FOUR_TIMES_WIDEN("8"), "3", "2"));
}

static inline uint32_t *widen_words(const uint8_t *bytes, uint32_t count, uint32_t pitch, uint32_t *words)
{
    return pitch == REDS_TILE_PITCH ? widen_for_tile(bytes, count, words) : widen_for_window(bytes, count, words);
}

#else

static uint32_t *widen_words(const uint8_t *bytes, uint32_t count, uint32_t pitch, uint32_t *words)
{
    for (; count > 0; count--, bytes += WORD)
        words = widen_word(reds_load_word(bytes), pitch, words);
    return words;
}

#endif

/* Words that lie `from_pitch` bytes apart: a kernel of four columns and one channel has one in each row. */
static uint32_t *widen_column(const uint8_t *bytes, uint32_t from_pitch, uint32_t count, uint32_t pitch, uint32_t *words)
{
#if REDS_DSP_INSTRUCTIONS
    if (pitch == REDS_TILE_PITCH) {
        for (; count > 0; count--) {
            uint32_t word, even;
            __asm__ volatile("ldr %2, [%0]\n\tadd %0, %0, %4\n\tsxtb16 %3, %2\n\tsxtb16 %2, %2, ror #8\n\tstrd %3, %2, [%1], #48"
                             : "+r"(bytes), "+r"(words), "=&r"(word), "=&r"(even)
                             : "r"(from_pitch)
                             : "memory");
        }
        return words;
    }
#endif
    for (; count > 0; count--, bytes += from_pitch)
        words = widen_word(reds_load_word(bytes), pitch, words);
    return words;
}

static inline uint32_t *widen_padding(uint32_t padding, uint32_t count, uint32_t pitch, uint32_t *words)
{
    for (; count > 0; count--)
        words = widen_word(padding, pitch, words);
    return words;
}

/* Kernel rows of whole words, of the windows of one row of outputs: as many words outside the input above it, rows inside, and
 * words below. */
typedef struct {
    const uint8_t *row; /* the first inside */
    uint32_t above, inside, below;
    uint32_t row_bytes; /* from row to row of the input */
    uint32_t row_words;
    uint32_t padding;
} kernel_rows;

REDS_COLD static kernel_rows kernel_rows_of(const reds_windows_order *order, uint32_t output_row, uint32_t kernel_row, uint32_t rows)
{
    const struct reds_layer_record *const layer = order->operands->layer;
    const uint32_t end = kernel_row + rows;
    const reds_window at = reds_window_at(layer, output_row, 0);
    const uint32_t first_inside = limit(at.first_row, kernel_row, end), end_inside = limit(at.end_row, first_inside, end);
    kernel_rows part = {.row = order->operands->input, .inside = end_inside - first_inside, .row_words = order->row_bytes / WORD};
    part.above = (first_inside - kernel_row) * part.row_words;
    part.below = (end - end_inside) * part.row_words;
    part.row_bytes = layer->input_width * order->operands->step->input_channels;
    part.padding = (uint8_t)order->operands->step->input_zero_point * UINT32_C(0x01010101);
    if (part.inside > 0)
        part.row += (size_t)(uint32_t)(at.row + (int32_t)first_inside) * part.row_bytes;
    return part;
}

/* A window that begins `from` bytes from the beginning of the input's row. */
static void widen_kernel_rows(const kernel_rows *rows, uint32_t from, uint32_t pitch, uint32_t *words)
{
    const uint8_t *row = rows->row + from;
    if (rows->above > 0)
        words = widen_padding(rows->padding, rows->above, pitch, words);
    if (rows->row_words == 1)
        words = widen_column(row, rows->row_bytes, rows->inside, pitch, words);
    else
        for (uint32_t i = 0; i < rows->inside; i++, row += rows->row_bytes)
            words = widen_words(row, rows->row_words, pitch, words);
    if (rows->below > 0)
        widen_padding(rows->padding, rows->below, pitch, words);
}

/* A window with rows of one word, of which `left` bytes or `right` bytes are outside the input. */
static void widen_clipped_rows(const kernel_rows *rows, uint32_t left, uint32_t right, uint32_t pitch, uint32_t *words)
{
    const uint32_t up = 8 * left, down = 8 * right, padding = rows->padding & ~(UINT32_MAX << up & UINT32_MAX >> down);
    const uint8_t *row = rows->row + (left > 0 ? 0 : rows->row_bytes - WORD);
    words = widen_padding(rows->padding, rows->above, pitch, words);
    for (uint32_t i = 0; i < rows->inside; i++, row += rows->row_bytes)
        words = widen_word(reds_load_word(row) << up >> down | padding, pitch, words);
    widen_padding(rows->padding, rows->below, pitch, words);
}

/* The next columns of a window that lies in memory as the columns want it. Nothing behind the window is read. */
static void widen_direct(const uint8_t *from, uint32_t elements, uint32_t column, uint32_t count, uint32_t pitch, uint32_t *words)
{
    const uint32_t whole = elements / WORD - column / WORD;
    words = widen_words(from + column, count < whole ? count : whole, pitch, words);
    if (count <= whole)
        return;
    widen_word(reds_load_bytes(from + elements / WORD * WORD, elements % WORD), pitch, words);
}

/* One window's part of a piece that is gathered first. Returns its words. */
static uint32_t widen_gathered(const reds_windows_order *order, const reds_window *at, reds_windows_progress *after,
                               uint32_t *carried, uint32_t pitch, uint8_t *bytes, uint32_t *words)
{
    if (after->carried_bytes > 0)
        reds_store_word(bytes, *carried);
    const uint32_t filled = reds_gather_rows(order, at, after, after->carried_bytes, bytes), whole = filled / WORD * WORD;
    after->carried_bytes = filled - whole;
    *carried = reds_load_bytes(bytes + whole, filled - whole);
    widen_words(bytes, whole / WORD, pitch, words);
    return whole / WORD;
}

static uint32_t widen_direct_windows(const reds_windows_order *order, uint32_t window, uint32_t count, uint32_t pitch,
                                     uint32_t column, uint32_t *words)
{
    const struct reds_layer_record *const layer = order->operands->layer;
    const uint32_t channels = order->operands->step->input_channels, elements = reds_positions(layer) * channels;
    const uint32_t left = order->columns - column, piece_words = (left < order->capacity ? left : order->capacity) / WORD;
    const uint32_t row_bytes = layer->stride_height * layer->input_width * channels, step_bytes = layer->stride_width * channels;
    uint32_t place = window % layer->output_width;
    const uint8_t *row = (const uint8_t *)order->operands->input + (size_t)(window / layer->output_width) * row_bytes;
    for (const uint32_t *const end = words + 2 * count; words < end; words += 2) {
        widen_direct(row + place * step_bytes, elements, column, piece_words, pitch, words);
        if (++place == layer->output_width) {
            place = 0;
            row += row_bytes;
        }
    }
    return piece_words;
}

/* Windows whose kernel rows are whole words that lie together in the input. Returns 0 if one of them has to be gathered. */
static int widen_rows(const reds_windows_order *order, uint32_t window, uint32_t count, uint32_t kernel_row, uint32_t rows,
                      uint32_t pitch, uint32_t *words)
{
    const struct reds_layer_record *const layer = order->operands->layer;
    const uint32_t channels = order->operands->step->input_channels, width = layer->output_width, stride = layer->stride_width;
    const int32_t slack = layer->input_width - layer->kernel_width;
    uint32_t output_row = window / width;
    int32_t column = (int32_t)(window % width * stride) - layer->pad_left;
    const int32_t end_column = (int32_t)(width * stride) - layer->pad_left;
    kernel_rows part = kernel_rows_of(order, output_row, kernel_row, rows);
    for (const uint32_t *const end = words + 2 * count; words < end; words += 2) {
        if (column >= 0 && column <= slack)
            widen_kernel_rows(&part, (uint32_t)column * channels, pitch, words);
        else if (order->row_bytes == WORD && slack >= 0)
            widen_clipped_rows(&part, column < 0 ? (uint32_t)-column * channels : 0,
                               column < 0 ? 0 : (uint32_t)(column - slack) * channels, pitch, words);
        else
            return 0;
        column += (int32_t)stride;
        if (column == end_column && words + 2 < end) {
            column = -layer->pad_left;
            part = kernel_rows_of(order, ++output_row, kernel_row, rows);
        }
    }
    return 1;
}

REDS_COLD static uint32_t widen_gathered_windows(const reds_windows_order *order, uint32_t window, uint32_t count, uint32_t pitch,
                                       reds_windows_progress *progress, uint8_t *bytes, uint32_t *words)
{
    const struct reds_layer_record *const layer = order->operands->layer;
    const uint32_t shell = progress->shell, kernel_row = progress->kernel_row, carried_bytes = progress->carried_bytes;
    uint32_t piece_words = 0;
    for (uint32_t i = 0; i < count; i++) {
        const reds_window at = reds_window_at(layer, (window + i) / layer->output_width, (window + i) % layer->output_width);
        progress->shell = shell;
        progress->kernel_row = kernel_row;
        progress->carried_bytes = carried_bytes;
        piece_words = widen_gathered(order, &at, progress, progress->carried + i, pitch, bytes, words + 2 * i);
    }
    return piece_words;
}

uint32_t reds_widen_piece(const reds_windows_order *order, uint32_t window, uint32_t count, uint32_t pitch,
                          reds_windows_progress *progress, uint8_t *bytes, uint32_t *words)
{
    uint32_t piece_words;
    if (order->is_direct) {
        piece_words = widen_direct_windows(order, window, count, pitch, progress->column, words);
    } else {
        const uint32_t room = order->row_bytes == 0 ? 0 : order->capacity / order->row_bytes;
        const uint32_t left = order->operands->layer->kernel_height - progress->kernel_row, rows = room < left ? room : left;
        if (rows > 0 && widen_rows(order, window, count, progress->kernel_row, rows, pitch, words)) {
            progress->kernel_row += rows;
            piece_words = rows * order->row_bytes / WORD;
        } else {
            piece_words = widen_gathered_windows(order, window, count, pitch, progress, bytes, words);
        }
    }
    progress->column += piece_words * WORD;
    return piece_words;
}

#endif
