/* Windows of the input in the order of the columns: windows_avx2.h. */
#include "windows_avx2.h"

#if REDS_HAS_AVX2

#include <immintrin.h>
#include <string.h>

#include "reds_window.h"

enum { WORD_BYTES = 4 };

static inline uint32_t positions_of_input(const reds_operands *operands)
{
    return (uint32_t)operands->layer->input_height * operands->layer->input_width;
}

static inline uint32_t channels_of(const reds_operands *operands, const struct reds_level_record *level)
{
    const struct reds_step_record *const steps = reds_at(operands, level->steps_offset);
    return steps[operands->index].input_channels;
}

/* Where the order of the columns is that of the input's channels. */
static int has_one_shell(const reds_operands *operands)
{
    return reds_positions(operands->layer) == 1 || channels_of(operands, operands->smallest) == operands->step->input_channels;
}

uint32_t reds_filled_window_bytes(const reds_operands *operands, uint32_t element_bytes)
{
    return (reds_columns(operands, 1) * element_bytes + WORD_BYTES - 1) / WORD_BYTES * WORD_BYTES;
}

uint32_t reds_window_copy_bytes(const reds_operands *operands, uint32_t element_bytes)
{
    if (reds_windows(operands->layer) == 1 || has_one_shell(operands))
        return 0;
    return positions_of_input(operands) * operands->step->input_channels * element_bytes;
}

/* Pieces of the same size, one in every `from_pitch` bytes, to one in every `to_pitch`. */
typedef struct {
    const uint8_t *from;
    uint8_t *to;
    size_t from_pitch, to_pitch, bytes;
    uint32_t count;
} pieces;

static inline void copy_vectors(uint8_t *to, const uint8_t *from, size_t bytes)
{
    const size_t last = bytes - sizeof(__m256i);
    for (size_t at = 0; at < last; at += sizeof(__m256i))
        _mm256_storeu_si256((void *)(to + at), _mm256_loadu_si256((const void *)(from + at)));
    _mm256_storeu_si256((void *)(to + last), _mm256_loadu_si256((const void *)(from + last)));
}

static inline void copy_bytes(uint8_t *to, const uint8_t *from, size_t bytes)
{
    for (size_t at = 0; at < bytes; at++)
        to[at] = from[at];
}

/* From `size` bytes to twice as many: two copies that overlap. */
#define COPY_ENDS(size)                                    \
    do {                                                   \
        uint8_t first[size], last[size];                   \
        memcpy(first, from, size);                         \
        memcpy(last, from + bytes - (size), size);         \
        memcpy(to, first, size);                           \
        memcpy(to + bytes - (size), last, size);           \
    } while (0)

#define EACH_PIECE(copy)                                                                       \
    for (uint32_t left = these->count; left > 0; left--, from += from_pitch, to += to_pitch) { \
        copy;                                                                                  \
    }

/* A call of memcpy would take longer than the few bytes that most pieces have. */
static void copy_pieces(const pieces *these)
{
    const size_t from_pitch = these->from_pitch, to_pitch = these->to_pitch, bytes = these->bytes;
    const uint8_t *from = these->from;
    uint8_t *to = these->to;
    if (bytes >= 32)
        EACH_PIECE(copy_vectors(to, from, bytes))
    else if (bytes >= 16)
        EACH_PIECE(COPY_ENDS(16))
    else if (bytes >= 8)
        EACH_PIECE(COPY_ENDS(8))
    else if (bytes >= 4)
        EACH_PIECE(COPY_ENDS(4))
    else
        EACH_PIECE(copy_bytes(to, from, bytes))
}

void reds_copy_map(reds_window_source *source, uint8_t *copy)
{
    if (reds_window_copy_bytes(source->operands, source->element_bytes) == 0)
        return;
    const uint32_t positions = positions_of_input(source->operands);
    for (reds_shell *shell = source->shells; shell < source->shells + source->shell_count; shell++) {
        const pieces all = {shell->values, copy, shell->position_pitch, shell->bytes, shell->bytes, positions};
        copy_pieces(&all);
        shell->values = copy;
        shell->position_pitch = shell->bytes;
        copy += (size_t)positions * shell->bytes;
    }
}

void reds_open_windows(const reds_operands *operands, uint32_t element_bytes, uint8_t padding, reds_window_source *source)
{
    const uint32_t channels = operands->step->input_channels;
    source->operands = operands;
    source->element_bytes = element_bytes;
    source->window_bytes = reds_filled_window_bytes(operands, element_bytes);
    source->is_contiguous = reds_is_gathered(operands, WORD_BYTES / element_bytes);
    source->padding = padding;
    source->shell_count = 0;
    const struct reds_level_record *level = has_one_shell(operands) ? operands->level : operands->smallest;
    for (uint32_t first = 0; level >= operands->level; level--) {
        const uint32_t end = channels_of(operands, level);
        if (end == first)
            continue;
        reds_shell *const shell = &source->shells[source->shell_count++];
        shell->values = (const uint8_t *)operands->input + (size_t)first * element_bytes;
        shell->bytes = (end - first) * element_bytes;
        shell->position_pitch = channels * element_bytes;
        first = end;
    }
}

/* What a window has of a shell. */
static void copy_shell(const reds_window_source *source, const reds_window *window, const reds_shell *shell, uint8_t *to)
{
    const struct reds_layer_record *const layer = source->operands->layer;
    const size_t row_bytes = (size_t)shell->bytes * layer->kernel_width;
    const uint32_t rows = window->end_row - window->first_row, columns = window->end_column - window->first_column;
    if (rows < layer->kernel_height || columns < layer->kernel_width)
        memset(to, source->padding, row_bytes * layer->kernel_height);
    const uint32_t first = reds_window_position(layer, window, window->first_row, window->first_column);
    pieces inside = {
        .from = shell->values + (size_t)first * shell->position_pitch,
        .to = to + window->first_row * row_bytes + (size_t)window->first_column * shell->bytes,
        .from_pitch = (size_t)layer->input_width * shell->position_pitch,
        .to_pitch = row_bytes,
        .bytes = (size_t)columns * shell->bytes,
        .count = rows,
    };
    if (shell->position_pitch == shell->bytes) {
        copy_pieces(&inside);
        return;
    }
    for (uint32_t y = 0; y < rows; y++, inside.from += inside.from_pitch, inside.to += inside.to_pitch) {
        const pieces row = {inside.from, inside.to, shell->position_pitch, shell->bytes, shell->bytes, columns};
        copy_pieces(&row);
    }
}

void reds_copy_windows(const reds_window_source *source, uint32_t first, uint32_t count, uint8_t *to)
{
    const struct reds_layer_record *const layer = source->operands->layer;
    if (source->is_contiguous) {
        memcpy(to, (const uint8_t *)source->operands->input + (size_t)first * source->window_bytes, (size_t)count * source->window_bytes);
        return;
    }
    const uint32_t positions = reds_positions(layer);
    uint32_t row = first / layer->output_width, column = first % layer->output_width;
    for (uint8_t *end = to + source->window_bytes; count > 0; count--, end += source->window_bytes) {
        const reds_window window = reds_window_at(layer, row, column);
        for (const reds_shell *shell = source->shells; shell < source->shells + source->shell_count; shell++) {
            copy_shell(source, &window, shell, to);
            to += (size_t)positions * shell->bytes;
        }
        while (to < end)
            *to++ = 0;
        if (++column == layer->output_width) {
            column = 0;
            row++;
        }
    }
}

#endif
