/* Mutates valid images and takes the runtime through each mutant, as far as it accepts it.
 *
 *   fuzz_runtime SEED MUTANTS IMAGE...
 *
 * Every mutant lies in a buffer of exactly its size, every arena has exactly the bytes that the level states, so that
 * AddressSanitizer sees each read or write beyond them. Each accepted level runs twice, on arenas with different garbage: its outputs
 * must be the same bytes. Prints how often each status was seen; ends with status 1 where a promise of reds.h is broken.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reds.h"
#include "reds_image.h"

enum { MAX_BASES = 16, MAX_EDITS = 4, STATUSES = REDS_MISALIGNED + 1, SLACK = 16 };
enum { UNSEALED_ONE_IN = 16, CUT_ONE_IN = 24, SHIFTED_ONE_IN = 64 };

typedef struct {
    uint8_t *bytes;
    size_t size;
} blob;

static uint64_t random_state;

/* xorshift64*: the same sequence everywhere. */
static uint32_t random_word(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * UINT64_C(2685821657736338717)) >> 32);
}

static uint32_t random_below(uint32_t bound)
{
    return random_word() % bound;
}

static void fail(const char *what)
{
    fprintf(stderr, "broken promise: %s\n", what);
    exit(1);
}

static void *allocate(size_t size)
{
    void *const memory = malloc(size);
    if (memory == NULL)
        fail("out of memory");
    return memory;
}

static blob read_file(const char *path)
{
    FILE *const file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        fail("cannot read a base image");
    const long size = ftell(file);
    rewind(file);
    const blob content = {allocate((size_t)size), (size_t)size};
    if (fread(content.bytes, 1, content.size, file) != content.size)
        fail("cannot read a base image");
    fclose(file);
    return content;
}

static void seal(blob image)
{
    if (image.size < sizeof(struct reds_header_record))
        return;
    uint32_t crc = UINT32_MAX;
    for (size_t i = REDS_CRC_START; i < image.size; i++) {
        crc ^= image.bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1u ? UINT32_C(0xedb88320) : 0u);
    }
    crc = ~crc;
    memcpy(image.bytes + offsetof(struct reds_header_record, crc32), &crc, sizeof crc);
}

/* A number that some rule of the format may turn on. */
static uint32_t boundary_value(size_t size, uint32_t old)
{
    static const uint32_t fixed[] = {0u,          1u,          2u,          3u,          4u,          5u,          7u,
                                     8u,          12u,         31u,         32u,         33u,         63u,         64u,
                                     65u,         127u,        128u,        129u,        255u,        256u,        65535u,
                                     65536u,      0x3f800000u, 0x3fffffffu, 0x40000000u, 0x40000001u, 0x7f800000u, 0x7fc00000u,
                                     0x7fffffffu, 0x80000000u, 0xbfffffffu, 0xc0000000u, 0xffffff7fu, 0xffffff80u, 0xffffffe0u,
                                     0xffffffe1u, 0xfffffffcu, 0xffffffffu};
    const uint32_t count = sizeof fixed / sizeof fixed[0];
    const uint32_t choice = random_below(count + 12u);
    if (choice < count)
        return fixed[choice];
    const uint32_t near[] = {(uint32_t)size, (uint32_t)size - 4u, (uint32_t)size - 48u, (uint32_t)size - 64u, old + 1u,  old - 1u,
                             old + 4u,       old - 4u,            old * 2u,             old / 2u,             ~old, random_word()};
    return near[choice - count];
}

static uint32_t load(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Where a random word of a random record lies. The base image is valid, but edits may already have moved its tables. */
static size_t random_field(blob image, blob base)
{
    const struct reds_header_record *const header = (const void *)base.bytes;
    const uint32_t layer = random_below(header->layer_count), level = random_below(header->level_count);
    const struct reds_level_record *const record = (const struct reds_level_record *)(const void *)(base.bytes + header->levels_offset) + level;
    const struct reds_step_record *const step = (const struct reds_step_record *)(const void *)(base.bytes + record->steps_offset) + layer;
    const size_t channel_bytes =
        header->precision == REDS_INT8 ? sizeof(struct reds_int8_channel_record) : sizeof(struct reds_float32_channel_record);
    size_t at = 0, bytes = 0;
    switch (random_below(6)) {
    case 0: at = 0, bytes = 48; break;
    case 1: at = header->layers_offset + layer * sizeof(struct reds_layer_record), bytes = 24; break;
    case 2: at = header->levels_offset + level * sizeof(struct reds_level_record), bytes = 28; break;
    case 3:
    case 4: at = record->steps_offset + layer * sizeof *step, bytes = 32; break;
    default: at = step->channels_offset, bytes = step->outputs * channel_bytes; break;
    }
    at += random_below((uint32_t)bytes / 4u) * 4u;
    return at + 4 <= image.size ? at : 0;
}

static void store(blob image, size_t at, uint32_t word)
{
    if (at + sizeof word <= image.size)
        memcpy(image.bytes + at, &word, sizeof word);
}

/* A layer of another size whose fields fit one another. */
static void store_layer(blob image, const struct reds_header_record *header, uint32_t index, uint32_t inputs, uint32_t outputs)
{
    const int quantised = header->precision == REDS_INT8;
    const uint32_t row_stride = quantised ? (inputs + 3u) / 4u * 4u : inputs;
    const size_t at = header->layers_offset + index * sizeof(struct reds_layer_record);
    store(image, at + offsetof(struct reds_layer_record, inputs), inputs);
    store(image, at + offsetof(struct reds_layer_record, outputs), outputs);
    store(image, at + offsetof(struct reds_layer_record, row_stride), row_stride);
    store(image, at + offsetof(struct reds_layer_record, weights_bytes), outputs * row_stride * (quantised ? 1u : 4u));
}

/* A width changes wherever one level states it, for level 0 in the layers too, so that only the rules about widths themselves can
 * refuse it. */
static void change_width(blob image, blob base)
{
    const struct reds_header_record *const header = (const void *)base.bytes;
    const struct reds_level_record *const levels = (const void *)(base.bytes + header->levels_offset);
    const uint32_t layer = random_below(header->layer_count), first = random_below(header->level_count);
    const uint32_t last = layer == 0 ? header->level_count - 1u : first;
    const struct reds_layer_record *const layers = (const void *)(base.bytes + header->layers_offset);
    const struct reds_step_record *const steps = (const void *)(base.bytes + levels[first].steps_offset);
    const uint32_t width = random_below(2) ? 1u + random_below(steps[layer].inputs) : boundary_value(image.size, steps[layer].inputs);
    if (layer == 0)
        store(image, offsetof(struct reds_header_record, input_elements), width);
    if (layer == 0 || first == 0)
        store_layer(image, header, layer, width, layers[layer].outputs);
    if (layer > 0 && first == 0)
        store_layer(image, header, layer - 1, layers[layer - 1].inputs, width);
    for (uint32_t level = layer == 0 ? 0 : first; level <= last; level++) {
        const size_t step = levels[level].steps_offset + layer * sizeof *steps;
        store(image, step + offsetof(struct reds_step_record, inputs), width);
        if (layer > 0)
            store(image, step - sizeof *steps + offsetof(struct reds_step_record, outputs), width);
    }
}

static void edit(blob image, blob base)
{
    const size_t at = random_field(image, base), anywhere = random_below((uint32_t)image.size);
    switch (random_below(9)) {
    case 0: image.bytes[anywhere] ^= (uint8_t)(1u << random_below(8)); break;
    case 1: image.bytes[anywhere] = (uint8_t)random_word(); break;
    case 2: image.bytes[at + random_below(4)] = (uint8_t)boundary_value(image.size, image.bytes[at]); break;
    case 3: change_width(image, base); break;
    case 4: /* a field takes another one's value */
        store(image, at, load(image.bytes + random_field(image, base)));
        break;
    case 5: /* weights and tables take noise, which is legal in weights */
        for (uint32_t i = random_below(32); i > 0; i--)
            image.bytes[image.size - 1 - random_below((uint32_t)image.size / 2u)] = (uint8_t)random_word();
        break;
    default: store(image, at, boundary_value(image.size, load(image.bytes + at))); break;
    }
}

/* A mutant of one of the base images. */
static blob mutate(const blob *bases, uint32_t base_count)
{
    const blob base = bases[random_below(base_count)];
    size_t size = base.size;
    if (random_below(CUT_ONE_IN) == 0)
        size = random_below(2) ? random_below((uint32_t)base.size + 1u) : base.size + random_below(SLACK);
    const blob mutant = {allocate(size), size};
    memset(mutant.bytes, 0, size);
    memcpy(mutant.bytes, base.bytes, size < base.size ? size : base.size);
    if (size < sizeof(struct reds_header_record))
        return mutant;
    for (uint32_t edits = 1 + random_below(MAX_EDITS); edits > 0; edits--)
        edit(mutant, base);
    if (size != base.size && random_below(2)) {
        const uint32_t stated = (uint32_t)size;
        memcpy(mutant.bytes + offsetof(struct reds_header_record, image_bytes), &stated, sizeof stated);
    }
    if (random_below(UNSEALED_ONE_IN) != 0)
        seal(mutant);
    return mutant;
}

/* No level fits nothing: bind refuses, and the network goes on where it was. */
static void bind_to_nothing(reds_network *network, uint64_t counts[STATUSES])
{
    uint64_t nothing[1];
    const reds_status status = reds_bind(network, nothing, 0);
    if (status == REDS_OK)
        fail("a level fits an arena of no bytes");
    counts[status]++;
}

/* One inference at one level on an arena of exactly its bytes, filled with `garbage` first; the caller frees the output. */
static blob infer(reds_network *network, uint32_t level, const reds_level *what, const reds_description *whole, int garbage,
                  uint64_t counts[STATUSES])
{
    const size_t element = whole->precision == REDS_INT8 ? 1u : sizeof(float);
    uint8_t *const arena = allocate(what->arena_bytes);
    memset(arena, garbage, what->arena_bytes);
    if (reds_bind(network, arena, what->arena_bytes) != REDS_OK || reds_select(network, level) != REDS_OK)
        fail("a level does not fit the arena that it states");
    bind_to_nothing(network, counts);
    uint8_t *const input = reds_input(network);
    for (size_t i = 0; i < whole->input_elements * element; i++)
        input[i] = (uint8_t)random_word();
    reds_invoke(network);
    const blob output = {allocate(whole->output_elements * element), whole->output_elements * element};
    memcpy(output.bytes, reds_output(network), output.size);
    free(arena);
    return output;
}

static void run_level(reds_network *network, uint32_t level, const reds_description *whole, uint64_t counts[STATUSES])
{
    reds_level what;
    if (reds_describe_level(network, level, &what) != REDS_OK || memchr(what.name, '\0', sizeof what.name) == NULL)
        fail("a level cannot be described");
    if (what.arena_bytes > whole->arena_bytes)
        fail("a level needs more than the whole network states");
    const uint64_t seed = random_state;
    const blob first = infer(network, level, &what, whole, 0x00, counts);
    random_state = seed; /* the same input again */
    const blob second = infer(network, level, &what, whole, 0xa5, counts);
    if (memcmp(first.bytes, second.bytes, first.size) != 0)
        fail("an output depends on what the arena held before");
    free(first.bytes);
    free(second.bytes);
}

static void run_accepted(reds_network *network, uint64_t counts[STATUSES])
{
    reds_description whole;
    reds_level level;
    reds_describe(network, &whole);
    counts[reds_describe_level(network, whole.level_count, &level)]++;
    for (uint32_t i = 0; i < whole.level_count; i++)
        run_level(network, i, &whole, counts);
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc - 3 > MAX_BASES)
        fail("usage: fuzz_runtime SEED MUTANTS IMAGE...");
    blob bases[MAX_BASES];
    const uint32_t base_count = (uint32_t)argc - 3u;
    for (uint32_t i = 0; i < base_count; i++)
        bases[i] = read_file(argv[i + 3]);
    random_state = strtoull(argv[1], NULL, 10) * 2u + 1u;
    const unsigned long mutants = strtoul(argv[2], NULL, 10);
    uint64_t counts[STATUSES] = {0};
    for (unsigned long i = 0; i < mutants; i++) {
        const blob mutant = mutate(bases, base_count);
        reds_network network;
        const reds_status status = reds_open(&network, mutant.bytes, mutant.size);
        counts[status]++;
        if (status == REDS_OK)
            run_accepted(&network, counts);
        if (mutant.size > 1 && random_below(SHIFTED_ONE_IN) == 0)
            counts[reds_open(&network, mutant.bytes + 1, mutant.size - 1)]++;
        free(mutant.bytes);
    }
    for (uint32_t i = 0; i < base_count; i++)
        free(bases[i].bytes);
    for (int status = 0; status < STATUSES; status++)
        printf("%llu %s\n", (unsigned long long)counts[status], reds_status_text((reds_status)status));
    return 0;
}
