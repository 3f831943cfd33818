/* The image of a random layer, laid out by docs/image-format.md, "Weights": one element after the other, in the order of the text.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel_case.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

enum { GUARD_BYTES = 64, GUARD = 0xC3, MAX_PARTS = 1 + 4 * CASE_MAX_LEVELS + 1, WORD = 4 };

void poison_bytes(const uint8_t *start, size_t size)
{
#if defined(__SANITIZE_ADDRESS__)
    __asan_poison_memory_region(start, size);
#else
    (void)start;
    (void)size;
#endif
}

guarded allocate_guarded(size_t size, size_t off_by)
{
    guarded buffer;
    buffer.size = size;
    buffer.memory_size = GUARD_BYTES + off_by + size + GUARD_BYTES;
    buffer.memory = allocate(buffer.memory_size);
    buffer.start = buffer.memory + GUARD_BYTES + off_by;
    memset(buffer.memory, GUARD, buffer.memory_size);
    poison_bytes(buffer.memory, (size_t)(buffer.start - buffer.memory));
    poison_bytes(buffer.start + size, GUARD_BYTES);
    return buffer;
}

static void unpoison(const guarded *buffer)
{
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(buffer->memory, buffer->memory_size);
#else
    (void)buffer;
#endif
}

int is_guard_whole(const guarded *buffer)
{
    int whole = 1;
    unpoison(buffer);
    for (const uint8_t *at = buffer->memory; at < buffer->memory + buffer->memory_size; at++)
        if ((at < buffer->start || at >= buffer->start + buffer->size) && *at != GUARD)
            whole = 0;
    return whole;
}

void free_guarded(guarded *buffer)
{
    unpoison(buffer);
    free(buffer->memory);
}

/* A part of the image while it grows. */
typedef struct {
    uint32_t offset;
    size_t size;
    uint8_t *bytes;
} part;

typedef struct {
    part parts[MAX_PARTS];
    uint32_t count;
    uint32_t end;
} parts;

/* `size` bytes of zeros behind a gap, on a multiple of 4. */
static part *add_part(parts *all, size_t size)
{
    part *const added = &all->parts[all->count++];
    added->offset = (all->end + 7u) / 8u * 8u + (all->end > 0 ? 16u : 0u) + WORD * random_below(2) * (all->end > 0);
    added->size = size;
    added->bytes = allocate(size);
    memset(added->bytes, 0, size);
    all->end = added->offset + (uint32_t)size;
    return added;
}

static size_t round_up(size_t count, size_t multiple)
{
    return (count + multiple - 1) / multiple * multiple;
}

static size_t element_bytes(const kernel_case *drawn)
{
    return drawn->precision == REDS_INT8 ? 1 : sizeof(float);
}

static size_t block_of(const kernel_case *drawn)
{
    return drawn->precision == REDS_INT8 ? REDS_INT8_BLOCK : 1;
}

/* Element number `at` of a part. */
static void put(const kernel_case *drawn, part *into, size_t at, float weight)
{
    if (drawn->precision == REDS_INT8)
        ((int8_t *)into->bytes)[at] = (int8_t)weight;
    else
        memcpy(into->bytes + at * sizeof weight, &weight, sizeof weight);
}

/* Weight of an output for the columns in their order: fills `row` with all columns of shell `level` and returns how many they are.
 */
static size_t shell_columns(const kernel_case *drawn, uint32_t level, uint32_t output, float *row)
{
    const struct reds_layer_record *const layer = &drawn->layer;
    const uint32_t from = level + 1 < drawn->level_count ? drawn->widths[level + 1].inputs : 0;
    size_t count = 0;
    for (uint32_t y = 0; y < layer->kernel_height; y++)
        for (uint32_t x = 0; x < layer->kernel_width; x++)
            for (uint32_t channel = from; channel < drawn->widths[level].inputs; channel++)
                row[count++] =
                    drawn->weights[(((size_t)output * layer->kernel_height + y) * layer->kernel_width + x) * layer->input_channels +
                                   channel];
    return count;
}

/* The first columns of an output, those of `level`: each shell filled up with zeros to a multiple of `block`. */
static size_t level_columns(const kernel_case *drawn, uint32_t level, uint32_t output, size_t block, float *row)
{
    size_t count = 0;
    for (uint32_t shell = drawn->level_count; shell-- > level;) {
        count += shell_columns(drawn, shell, output, row + count);
        while (count % block != 0)
            row[count++] = 0.0f;
    }
    return count;
}

static void pack_matrix(kernel_case *drawn, parts *all)
{
    struct reds_layer_record *const layer = &drawn->layer;
    const size_t block = block_of(drawn), columns = (size_t)layer->kernel_height * layer->kernel_width * layer->input_channels;
    const size_t filled_columns = round_up(columns, block), filled_rows = round_up(layer->output_channels, block);
    const size_t panel_rows = layer->panel_rows;
    size_t elements = 0;
    if (layer->layout == REDS_ROWS)
        elements = layer->output_channels * filled_columns;
    else if (layer->layout == REDS_TRANSPOSED)
        elements = columns * filled_rows;
    else
        elements = round_up(layer->output_channels, panel_rows) * filled_columns;
    part *const weights = add_part(all, elements * element_bytes(drawn));
    layer->weights_offset = weights->offset;
    layer->weights_bytes = (uint32_t)weights->size;
    float *const row = allocate(columns * sizeof(float));
    for (uint32_t output = 0; output < layer->output_channels; output++) {
        level_columns(drawn, 0, output, 1, row);
        for (size_t column = 0; column < columns; column++) {
            size_t at = 0;
            if (layer->layout == REDS_ROWS)
                at = output * filled_columns + column;
            else if (layer->layout == REDS_TRANSPOSED)
                at = column * filled_rows + output;
            else
                at = output / panel_rows * panel_rows * filled_columns + column / block * block * panel_rows +
                     output % panel_rows * block + column % block;
            put(drawn, weights, at, row[column]);
        }
    }
    free(row);
}

/* What one level adds: columns for the rows that the next smaller level has, and new rows. */
static void pack_shell(kernel_case *drawn, uint32_t level, parts *all)
{
    const size_t block = block_of(drawn);
    const struct reds_layer_record *const layer = &drawn->layer;
    const int smallest = level + 1 == drawn->level_count;
    const uint32_t old_rows = smallest ? 0 : drawn->widths[level + 1].outputs, rows = drawn->widths[level].outputs;
    float *const row = allocate(
        ((size_t)layer->kernel_height * layer->kernel_width * layer->input_channels + block * CASE_MAX_LEVELS) * sizeof(float));
    const size_t own = shell_columns(drawn, level, 0, row), filled = round_up(own, block);
    if (old_rows > 0 && own > 0) {
        part *const columns = add_part(all, old_rows * filled * element_bytes(drawn));
        drawn->steps[level].columns_offset = columns->offset;
        for (uint32_t output = 0; output < old_rows; output++) {
            shell_columns(drawn, level, output, row);
            for (size_t column = 0; column < own; column++)
                put(drawn, columns, output * filled + column, row[column]);
        }
    }
    if (rows > old_rows) {
        const size_t count = level_columns(drawn, level, 0, block, row);
        part *const added = add_part(all, (rows - old_rows) * count * element_bytes(drawn));
        drawn->steps[level].rows_offset = added->offset;
        for (uint32_t output = old_rows; output < rows; output++) {
            level_columns(drawn, level, output, block, row);
            for (size_t column = 0; column < count; column++)
                put(drawn, added, (output - old_rows) * count + column, row[column]);
        }
    }
    free(row);
}

static void pack_depthwise(kernel_case *drawn, parts *all)
{
    struct reds_layer_record *const layer = &drawn->layer;
    const size_t positions = (size_t)layer->kernel_height * layer->kernel_width, channels = layer->input_channels;
    const size_t filled = round_up(channels, block_of(drawn));
    part *const weights = add_part(all, positions * filled * element_bytes(drawn));
    layer->weights_offset = weights->offset;
    layer->weights_bytes = (uint32_t)weights->size;
    for (size_t position = 0; position < positions; position++)
        for (size_t channel = 0; channel < channels; channel++)
            put(drawn, weights, position * filled + channel, drawn->weights[position * channels + channel]);
}

static void pack_channels(kernel_case *drawn, uint32_t level, parts *all)
{
    const uint32_t count = drawn->widths[level].outputs;
    const int quantised = drawn->precision == REDS_INT8;
    const size_t record = quantised ? sizeof(struct reds_int8_channel_record) : sizeof(struct reds_float32_channel_record);
    part *const channels = add_part(all, count * record);
    drawn->steps[level].channels_offset = channels->offset;
    if (quantised)
        memcpy(channels->bytes, drawn->int8_channels[level], channels->size);
    else
        memcpy(channels->bytes, drawn->float32_channels[level], channels->size);
}

guarded pack_case(kernel_case *drawn, uint32_t index)
{
    parts all = {.count = 0, .end = 0};
    part *const levels = add_part(&all, drawn->level_count * sizeof(struct reds_level_record));
    part *steps[CASE_MAX_LEVELS];
    for (uint32_t level = 0; level < drawn->level_count; level++)
        steps[level] = add_part(&all, (index + 1) * sizeof(struct reds_step_record));
    for (uint32_t level = drawn->level_count; level-- > 0;) {
        if (has_weights(drawn))
            pack_channels(drawn, level, &all);
        if (drawn->layer.layout == REDS_SHELLS)
            pack_shell(drawn, level, &all);
    }
    if (drawn->layer.kind == REDS_DEPTHWISE)
        pack_depthwise(drawn, &all);
    else if (is_matrix(drawn) && drawn->layer.layout != REDS_SHELLS)
        pack_matrix(drawn, &all);
    for (uint32_t level = 0; level < drawn->level_count; level++) {
        ((struct reds_level_record *)(void *)levels->bytes)[level].steps_offset = steps[level]->offset;
        ((struct reds_step_record *)(void *)steps[level]->bytes)[index] = drawn->steps[level];
    }
    const guarded image = allocate_guarded(all.end, 0);
    for (uint32_t i = 0; i < all.count; i++) {
        memcpy(image.start + all.parts[i].offset, all.parts[i].bytes, all.parts[i].size);
        free(all.parts[i].bytes);
    }
    for (uint32_t i = 0; i + 1 < all.count; i++) {
        const size_t end = all.parts[i].offset + all.parts[i].size;
        poison_bytes(image.start + end, all.parts[i + 1].offset - end);
    }
    return image;
}
