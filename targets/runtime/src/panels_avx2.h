/* Dense layers and convolutions, weights in panels, on x86: a few windows times parts of sixteen rows, all sums in registers.
 *
 * Both precisions look alike here: a window is a row of words (a float, or four int8), and so is a row of weights; a panel holds one
 * word of every row, then the next word of every row. What a product of words is, the caller says. Panels of other than sixteen rows are
 * for other cores: they are copied into parts that have sixteen, each time.
 */
#ifndef REDS_PANELS_AVX2_H
#define REDS_PANELS_AVX2_H

#include "outputs_avx2.h"
#include "windows_avx2.h"

#if REDS_HAS_AVX512
enum { REDS_GROUP_WINDOWS = 12, REDS_TILE_PARTS = 4 };
#else
enum { REDS_GROUP_WINDOWS = 6, REDS_TILE_PARTS = 1 };
#endif

/* Windows of a tile of so many parts: sums for 24 of 32 registers, or 12 of 16 (a sum takes two), and few loads for each product. */
REDS_INLINE uint32_t reds_tile_windows(const uint32_t parts)
{
    return parts == 4 ? 6 : REDS_GROUP_WINDOWS;
}

enum { REDS_MAX_PHASES = 4 };
enum { REDS_GROUP_BYTES = 1 << 20 }; /* of windows that are gathered together, unless a single one takes more */

/* What is multiplied at a time: a few windows one after the other, and a few parts. */
typedef struct {
    const uint8_t *windows;
    size_t window_bytes;
    const uint8_t *weights[REDS_TILE_PARTS]; /* a vector for each word */
    const void *starts[REDS_TILE_PARTS];     /* a vector that the sums begin with */
} reds_tile;

typedef struct {
    reds_lanes of[REDS_TILE_PARTS][REDS_GROUP_WINDOWS];
} reds_sums;

/* Adds the products of the word number `word` from `words` and `weights` on. */
REDS_INLINE void reds_add_word(const reds_tile *tile, const reds_arithmetic *arithmetic, const uint8_t *words,
                               const uint8_t *const *weights, const uint32_t word, const uint32_t windows, const uint32_t parts,
                               reds_sums *sums)
{
    reds_lanes rows[REDS_TILE_PARTS];
#pragma GCC unroll 4
    for (uint32_t part = 0; part < parts; part++)
        rows[part] = reds_load(weights[part] + word * REDS_VECTOR_BYTES);
#pragma GCC unroll 12
    for (uint32_t window = 0; window < windows; window++) {
        const reds_lanes value = reds_word_everywhere(words + window * tile->window_bytes + word * REDS_LANE_BYTES);
#pragma GCC unroll 4
        for (uint32_t part = 0; part < parts; part++)
            sums->of[part][window] = arithmetic->multiply_add(sums->of[part][window], value, rows[part]);
    }
}

REDS_INLINE void reds_next_weights(const uint8_t **weights, const uint32_t parts, const uint32_t words)
{
#pragma GCC unroll 4
    for (uint32_t part = 0; part < parts; part++)
        weights[part] += words * REDS_VECTOR_BYTES;
}

/* The sums of so many windows and parts, constants all. Where they are too few to keep the multipliers busy, every `phases`th word has
 * sums of its own, which are added in the end. */
REDS_INLINE void reds_multiply_tile(const reds_tile *given, const reds_arithmetic *arithmetic, const uint32_t windows,
                                    const uint32_t parts, const uint32_t phases, reds_sums *result)
{
    const reds_tile tile = *given;
    const uint32_t turn_bytes = phases * REDS_LANE_BYTES;
    const uint8_t *words = tile.windows, *weights[REDS_TILE_PARTS];
    const uint8_t *const end = words + tile.window_bytes, *const last_turn = end - tile.window_bytes % turn_bytes;
    reds_sums sums[REDS_MAX_PHASES];
#pragma GCC unroll 4
    for (uint32_t part = 0; part < parts; part++) {
        weights[part] = tile.weights[part];
#pragma GCC unroll 12
        for (uint32_t window = 0; window < windows; window++) {
            sums[0].of[part][window] = reds_load(tile.starts[part]);
#pragma GCC unroll 4
            for (uint32_t phase = 1; phase < phases; phase++)
                sums[phase].of[part][window] = reds_zero();
        }
    }
    for (; words < last_turn; words += turn_bytes) {
#pragma GCC unroll 4
        for (uint32_t phase = 0; phase < phases; phase++)
            reds_add_word(&tile, arithmetic, words, weights, phase, windows, parts, &sums[phase]);
        reds_next_weights(weights, parts, phases);
    }
    for (; phases > 1 && words < end; words += REDS_LANE_BYTES) {
        reds_add_word(&tile, arithmetic, words, weights, 0, windows, parts, &sums[0]);
        reds_next_weights(weights, parts, 1);
    }
#pragma GCC unroll 12
    for (uint32_t window = 0; window < windows; window++) {
#pragma GCC unroll 4
        for (uint32_t part = 0; part < parts; part++) {
#pragma GCC unroll 4
            for (uint32_t phase = 1; phase < phases; phase++)
                sums[0].of[part][window] = arithmetic->add(sums[0].of[part][window], sums[phase].of[part][window]);
            result->of[part][window] = sums[0].of[part][window];
        }
    }
}

/* As reds_multiply_tile, for a number of windows that is known only now. Phases, and with them the order of additions, must not depend on
 * the number of parts: 3 is half of a group of 7. */
REDS_INLINE void reds_multiply_any_tile(const reds_tile *tile, const reds_arithmetic *arithmetic, uint32_t windows, const uint32_t parts,
                                        reds_sums *sums)
{
#define REDS_TILE(windows, phases) \
    case windows: reds_multiply_tile(tile, arithmetic, windows, parts, phases, sums); return;
    switch (windows) {
        REDS_TILE(1, 4)
        REDS_TILE(2, 2)
        REDS_TILE(3, 1)
        REDS_TILE(4, 1)
        REDS_TILE(5, 1)
        REDS_TILE(6, 1)
    }
    if (reds_tile_windows(parts) <= 6)
        return;
    switch (windows) {
        REDS_TILE(7, 1)
        REDS_TILE(8, 1)
        REDS_TILE(9, 1)
        REDS_TILE(10, 1)
        REDS_TILE(11, 1)
        REDS_TILE(12, 1)
    }
#undef REDS_TILE
}

/* Sixteen rows of the level, or as many as their panel has left. */
typedef struct {
    const uint8_t *weights; /* a vector for each word */
    uint8_t *constants;
    uint32_t first_row, row_count; /* of the level's outputs */
} reds_part;

/* Parts of the first `rows` rows. */
static inline uint32_t reds_part_count(uint32_t rows, uint32_t panel_rows)
{
    const uint32_t parts_of_panel = (panel_rows + REDS_LANES - 1) / REDS_LANES;
    return rows / panel_rows * parts_of_panel + (rows % panel_rows + REDS_LANES - 1) / REDS_LANES;
}

/* One layer of one level at work. */
typedef struct {
    const reds_operands *operands;
    reds_window_source source;
    uint32_t part_count;
    reds_part *parts;
    uint8_t *group; /* a few windows */
    uint32_t group_windows;
} reds_panels;

/* What a precision adds to the loops over windows and parts. */
typedef struct {
    reds_arithmetic arithmetic;
    uint32_t element_bytes, block;
    const reds_lane_outputs *outputs;
    /* Changes the start of a part's sums as the arithmetic wants it. */
    void (*prepare)(const uint8_t *weights, uint32_t words, void *start);
    /* Changes gathered windows as the arithmetic wants them. */
    void (*convert)(uint8_t *windows, size_t bytes);
} reds_panels_kernel;

static inline uint32_t reds_windows_at_a_time(const reds_operands *operands, uint32_t window_bytes)
{
    const uint32_t fitting = REDS_GROUP_BYTES / window_bytes;
    const uint32_t most = reds_smaller(REDS_GROUP_WINDOWS, reds_windows(operands->layer));
    return fitting == 0 ? 1 : reds_smaller(fitting, most);
}

/* Bytes of a part's copy, for panels of other than sixteen rows. */
static inline uint64_t reds_part_copy_bytes(const reds_operands *operands, uint32_t window_bytes)
{
    return operands->layer->panel_rows == REDS_LANES ? 0 : (uint64_t)window_bytes / REDS_LANE_BYTES * REDS_VECTOR_BYTES;
}

static inline uint32_t reds_panels_scratch_bytes(const reds_operands *operands, const reds_panels_kernel *kernel)
{
    const uint32_t window_bytes = reds_filled_window_bytes(operands, kernel->element_bytes);
    const uint64_t parts = reds_part_count(operands->step->output_channels, operands->layer->panel_rows);
    const uint64_t windows = reds_windows_at_a_time(operands, window_bytes);
    return reds_sayable_bytes(REDS_VECTOR_BYTES + reds_whole_vectors(parts * sizeof(reds_part)) +
                              parts * (kernel->outputs->constant_bytes + reds_part_copy_bytes(operands, window_bytes)) +
                              reds_whole_vectors(reds_window_copy_bytes(operands, kernel->element_bytes)) +
                              reds_whole_vectors(windows * window_bytes));
}

/* A part's weights, which have another pitch in their panel. */
static inline void reds_copy_part(const uint8_t *from, size_t pitch, uint32_t rows, uint32_t words, uint8_t *to)
{
    const reds_lane_mask mask = reds_first_lanes(rows);
    for (; words > 0; words--, from += pitch, to += REDS_VECTOR_BYTES)
        reds_store(to, reds_load_first(from, mask));
}

/* The parts of the level, panel by panel, with what their outputs are made with; returns what is left of the scratch. */
REDS_INLINE uint8_t *reds_open_parts(const reds_operands *operands, const reds_panels_kernel *kernel, reds_panels *panels)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t rows = operands->step->output_channels, words = panels->source.window_bytes / REDS_LANE_BYTES;
    const size_t columns = (size_t)reds_positions(layer) * layer->input_channels, pitch = (size_t)layer->panel_rows * REDS_LANE_BYTES;
    const uint8_t *panel = reds_at(operands, layer->weights_offset);
    reds_part *part = panels->parts = (void *)reds_aligned_scratch(operands);
    panels->part_count = reds_part_count(rows, layer->panel_rows);
    uint8_t *free = reds_aligned_scratch(operands) + reds_whole_vectors(panels->part_count * sizeof *part);
    for (uint32_t first = 0; first < rows; first += layer->panel_rows, panel += (columns + kernel->block - 1) / kernel->block * pitch) {
        const uint32_t end = reds_smaller(rows, first + layer->panel_rows);
        for (uint32_t row = first; row < end; row += REDS_LANES, part++) {
            part->weights = panel + (size_t)(row - first) * REDS_LANE_BYTES;
            part->first_row = row;
            part->row_count = reds_smaller(REDS_LANES, end - row);
            part->constants = free;
            free += kernel->outputs->constant_bytes;
            if (layer->panel_rows != REDS_LANES) {
                reds_copy_part(part->weights, pitch, part->row_count, words, free);
                part->weights = free;
                free += (size_t)words * REDS_VECTOR_BYTES;
            }
            kernel->outputs->prepare(operands, part->first_row, part->row_count, part->constants);
            kernel->prepare(part->weights, words, part->constants);
        }
    }
    return free;
}

REDS_INLINE void reds_open_panels(const reds_operands *operands, const reds_panels_kernel *kernel, uint8_t padding, reds_panels *panels)
{
    panels->operands = operands;
    reds_open_windows(operands, kernel->element_bytes, padding, &panels->source);
    panels->group_windows = reds_windows_at_a_time(operands, panels->source.window_bytes);
    uint8_t *const copy = reds_open_parts(operands, kernel, panels);
    panels->group = copy + reds_whole_vectors(reds_window_copy_bytes(operands, kernel->element_bytes));
    reds_copy_map(&panels->source, copy);
}

/* So many parts, a constant, from part `first` on, with the gathered windows from `window` on. */
REDS_INLINE void reds_multiply_parts(const reds_panels *panels, const reds_panels_kernel *kernel, uint32_t first, const uint32_t parts,
                                     uint32_t window, uint32_t windows)
{
    const reds_part *const part = panels->parts + first;
    reds_tile tile = {.windows = panels->group, .window_bytes = panels->source.window_bytes};
    for (uint32_t p = 0; p < parts; p++) {
        tile.weights[p] = part[p].weights;
        tile.starts[p] = part[p].constants;
    }
    for (uint32_t count; windows > 0; windows -= count, window += count, tile.windows += count * tile.window_bytes) {
        reds_sums sums;
        count = windows <= reds_tile_windows(parts) ? windows : (windows + 1) / 2;
        reds_multiply_any_tile(&tile, &kernel->arithmetic, count, parts, &sums);
        for (uint32_t p = 0; p < parts; p++)
            kernel->outputs->write(panels->operands, part[p].constants, part[p].first_row, part[p].row_count, sums.of[p], window, count);
    }
}

/* All parts of the level with the group of windows that begins with `window`. */
REDS_INLINE void reds_multiply_group(const reds_panels *panels, const reds_panels_kernel *kernel, uint32_t window, uint32_t windows)
{
    uint32_t part = 0;
#if REDS_HAS_AVX512
    for (; part + 4 <= panels->part_count; part += 4)
        reds_multiply_parts(panels, kernel, part, 4, window, windows);
    for (; part + 2 <= panels->part_count; part += 2)
        reds_multiply_parts(panels, kernel, part, 2, window, windows);
#endif
    for (; part < panels->part_count; part++)
        reds_multiply_parts(panels, kernel, part, 1, window, windows);
}

REDS_INLINE void reds_run_panels(const reds_operands *operands, const reds_panels_kernel *kernel, uint8_t padding)
{
    reds_panels panels;
    reds_open_panels(operands, kernel, padding, &panels);
    const uint32_t windows = reds_windows(operands->layer);
    uint32_t groups = (windows + panels.group_windows - 1) / panels.group_windows;
    for (uint32_t window = 0, count; groups > 0; groups--, window += count) {
        count = (windows - window + groups - 1) / groups; /* groups of nearly the same size */
        reds_copy_windows(&panels.source, window, count, panels.group);
        kernel->convert(panels.group, (size_t)count * panels.source.window_bytes);
        reds_multiply_group(&panels, kernel, window, count);
    }
}

#endif
