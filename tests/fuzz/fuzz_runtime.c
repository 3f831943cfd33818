/* Mutates valid images and takes the runtime through each mutant, as far as it accepts it.
 *
 *   fuzz_runtime SEED MUTANTS IMAGE...
 *
 * Every mutant lies in a buffer of exactly its size, every arena has exactly the bytes that the level needs, so that
 * AddressSanitizer sees each read or write beyond them. Each accepted level runs twice, on arenas with different garbage: its
 * outputs must be the same bytes. Prints how often each status was seen, then how many levels ran; ends with status 1 where a
 * promise of reds.h is broken.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reds.h"
#include "reds_image.h"

enum { MAX_BASES = 32, MAX_EDITS = 4, STATUSES = REDS_MISALIGNED + 1, SLACK = 16 };
enum { UNSEALED_ONE_IN = 16, CUT_ONE_IN = 12, SHIFTED_ONE_IN = 64 };
enum { MOST_ARENA_BYTES = 1 << 20 }; /* a level may state that it needs more: it is not run then */

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

static uint32_t crc32_of(const uint8_t *bytes, size_t count)
{
    static uint32_t table[256]; /* by byte; filled at the first call */
    for (uint32_t entry = 0; table[255] == 0 && entry < 256; entry++) {
        uint32_t crc = entry;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1u ? UINT32_C(0xedb88320) : 0u);
        table[entry] = crc;
    }
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < count; i++)
        crc = (crc >> 8) ^ table[(crc ^ bytes[i]) & 0xffu];
    return ~crc;
}

static struct reds_header_record *header_of(blob image)
{
    return (void *)image.bytes;
}

static size_t levels_offset(blob image)
{
    return sizeof(struct reds_header_record) + header_of(image)->layer_count * sizeof(struct reds_layer_record);
}

static struct reds_level_record *levels_of(blob image)
{
    return (void *)(image.bytes + levels_offset(image));
}

/* Checksums that fit, as far as the tables say where the sections lie. */
static void seal(blob image)
{
    struct reds_header_record *const header = header_of(image);
    const uint32_t level_count = header->level_count;
    if (header->tables_bytes > image.size || levels_offset(image) + level_count * sizeof(struct reds_level_record) > image.size)
        return;
    uint32_t start = header->tables_bytes;
    for (uint32_t i = level_count; i-- > 0;) {
        struct reds_level_record *const level = levels_of(image) + i;
        if (level->end_offset > image.size || level->end_offset < start)
            break;
        level->crc32 = crc32_of(image.bytes + start, level->end_offset - start);
        start = level->end_offset;
    }
    if (header->tables_bytes >= REDS_CRC_START)
        header->crc32 = crc32_of(image.bytes + REDS_CRC_START, header->tables_bytes - REDS_CRC_START);
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
    const uint32_t near[] = {(uint32_t)size,
                             (uint32_t)size - 4u,
                             (uint32_t)size - 48u,
                             (uint32_t)size - 64u,
                             old + 1u,
                             old - 1u,
                             old + 4u,
                             old - 4u,
                             old * 2u,
                             old / 2u,
                             ~old,
                             random_word()};
    return near[choice - count];
}

static uint32_t load(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static void store(blob image, size_t at, uint32_t word)
{
    if (at + sizeof word <= image.size)
        memcpy(image.bytes + at, &word, sizeof word);
}

/* What a random edit is about, found in the valid base image: edits may already have moved what the mutant's tables say. */
typedef struct {
    const struct reds_header_record *header;
    const struct reds_layer_record *layers;
    const struct reds_level_record *levels;
    uint32_t layer, level;
} place;

static place random_place(blob base)
{
    const place at = {.header = header_of(base),
                      .layers = (const void *)(base.bytes + sizeof(struct reds_header_record)),
                      .levels = levels_of(base),
                      .layer = random_below(header_of(base)->layer_count),
                      .level = random_below(header_of(base)->level_count)};
    return at;
}

static size_t layer_offset(uint32_t layer)
{
    return sizeof(struct reds_header_record) + layer * sizeof(struct reds_layer_record);
}

static size_t step_offset(const place *at, uint32_t level, uint32_t layer)
{
    return at->levels[level].steps_offset + layer * sizeof(struct reds_step_record);
}

/* Where a random word of a random record lies. */
static size_t random_field(blob image, blob base)
{
    const place where = random_place(base);
    const struct reds_step_record *const step = (const void *)(base.bytes + step_offset(&where, where.level, where.layer));
    const size_t channel_bytes =
        where.header->precision == REDS_INT8 ? sizeof(struct reds_int8_channel_record) : sizeof(struct reds_float32_channel_record);
    size_t at = 0, bytes = 0;
    switch (random_below(7)) {
    case 0: at = 0, bytes = offsetof(struct reds_header_record, reserved_b) + 4; break;
    case 1:
    case 2: at = layer_offset(where.layer), bytes = offsetof(struct reds_layer_record, reserved) + 4; break;
    case 3:
        at = levels_offset(base) + where.level * sizeof(struct reds_level_record), bytes = sizeof(struct reds_level_record);
        break;
    case 4:
    case 5: at = step_offset(&where, where.level, where.layer), bytes = offsetof(struct reds_step_record, reserved) + 4; break;
    default: at = step->channels_offset, bytes = step->channels_offset == 0 ? 4 : step->output_channels * channel_bytes; break;
    }
    at += random_below((uint32_t)bytes / 4u) * 4u;
    return at + 4 <= image.size ? at : 0;
}

/* The outputs of a matrix layer take another width in one level or in it and all smaller ones, wherever that is stated: only the
 * rules about widths themselves, and what else they reach, can refuse it. */
static void change_width(blob image, blob base)
{
    const place at = random_place(base);
    const struct reds_step_record *const step = (const void *)(base.bytes + step_offset(&at, at.level, at.layer));
    const uint32_t width =
        random_below(4) ? 1u + random_below(step->output_channels + 2u) : boundary_value(image.size, step->output_channels);
    const uint32_t last_level = random_below(2) ? at.level : at.header->level_count - 1u;
    for (uint32_t level = at.level; level <= last_level; level++) {
        store(image, step_offset(&at, level, at.layer) + offsetof(struct reds_step_record, output_channels), width);
        for (uint32_t next = at.layer + 1; next < at.header->layer_count; next++) {
            const size_t step_at = step_offset(&at, level, next);
            store(image, step_at + offsetof(struct reds_step_record, input_channels), width);
            if (at.layers[next].kind <= REDS_CONVOLUTION)
                break;
            store(image, step_at + offsetof(struct reds_step_record, output_channels), width);
        }
    }
}

/* A map of one level moves in the arena: apart from its neighbours, in place, or where it must not lie. */
static void move_map(blob image, blob base)
{
    const place at = random_place(base);
    const uint32_t room = at.levels[at.level].activation_bytes / 4u + 2u;
    const uint32_t offset = random_below(4) ? random_below(room) * 4u : boundary_value(image.size, room);
    store(image, step_offset(&at, at.level, at.layer) + offsetof(struct reds_step_record, output_offset), offset);
    if (at.layer + 1 < at.header->layer_count)
        store(image, step_offset(&at, at.level, at.layer + 1) + offsetof(struct reds_step_record, input_offset), offset);
}

/* A side of a map, a window, a stride or padding: small numbers mostly, which other fields may still fit. */
static void change_window(blob image, blob base)
{
    const place at = random_place(base);
    const size_t first = offsetof(struct reds_layer_record, input_height), end = offsetof(struct reds_layer_record, input_channels);
    const size_t byte = layer_offset(at.layer) + first + random_below((uint32_t)(end - first));
    if (byte < image.size)
        image.bytes[byte] = (uint8_t)(random_below(8) ? random_below(8) : random_word());
}

static void edit(blob image, blob base)
{
    const size_t at = random_field(image, base), anywhere = random_below((uint32_t)image.size);
    switch (random_below(12)) {
    case 0: image.bytes[anywhere] ^= (uint8_t)(1u << random_below(8)); break;
    case 1: image.bytes[anywhere] = (uint8_t)random_word(); break;
    case 2: image.bytes[at + random_below(4)] = (uint8_t)boundary_value(image.size, image.bytes[at]); break;
    case 3: change_width(image, base); break;
    case 4: /* a field takes another one's value */ store(image, at, load(image.bytes + random_field(image, base))); break;
    case 5: /* weights and tables take noise, which is legal in weights */
        for (uint32_t i = random_below(32); i > 0; i--)
            image.bytes[image.size - 1 - random_below((uint32_t)image.size / 2u)] = (uint8_t)random_word();
        break;
    case 6:
    case 7: move_map(image, base); break;
    case 8: change_window(image, base); break;
    default: store(image, at, boundary_value(image.size, load(image.bytes + at))); break;
    }
}

/* How much of a base image a mutant has: all, as much as a level needs, or any number of bytes. */
static size_t random_size(blob base)
{
    if (random_below(4) == 0)
        return levels_of(base)[random_below(header_of(base)->level_count)].end_offset;
    if (random_below(CUT_ONE_IN) != 0)
        return base.size;
    return random_below(2) ? random_below((uint32_t)base.size + 1u) : base.size + random_below(SLACK);
}

/* A mutant of one of the base images. */
static blob mutate(const blob *bases, uint32_t base_count)
{
    const blob base = bases[random_below(base_count)];
    const size_t size = random_size(base);
    const blob mutant = {allocate(size), size};
    memset(mutant.bytes, 0, size);
    memcpy(mutant.bytes, base.bytes, size < base.size ? size : base.size);
    if (size < header_of(base)->tables_bytes)
        return mutant;
    for (uint32_t edits = random_below(MAX_EDITS + 1); edits > 0; edits--)
        edit(mutant, base);
    if (size > base.size && random_below(2))
        header_of(mutant)->image_bytes = (uint32_t)size;
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

static size_t element_bytes(const reds_description *whole)
{
    return whole->precision == REDS_INT8 ? 1u : sizeof(float);
}

/* Any bytes as the next input, of the network's type or as real numbers. */
static void put_input(const reds_network *network, const reds_description *whole)
{
    if (random_below(2)) {
        uint8_t *const input = reds_input(network);
        for (size_t i = 0; i < whole->input_elements * element_bytes(whole); i++)
            input[i] = (uint8_t)random_word();
        return;
    }
    const blob values = {allocate(whole->input_elements * sizeof(float)), whole->input_elements * sizeof(float)};
    for (size_t i = 0; i < values.size; i++)
        values.bytes[i] = (uint8_t)random_word();
    reds_write_real_input(network, (const float *)(const void *)values.bytes);
    free(values.bytes);
}

/* The output as it is, then the probabilities. */
static blob get_output(const reds_network *network, const reds_description *whole)
{
    const size_t raw = whole->output_elements * element_bytes(whole), probabilities = whole->output_elements * sizeof(float);
    const blob output = {allocate(raw + probabilities), raw + probabilities};
    memcpy(output.bytes, reds_output(network), raw);
    float *const real = allocate(probabilities);
    reds_read_probabilities(network, real);
    memcpy(output.bytes + raw, real, probabilities);
    free(real);
    return output;
}

/* One inference at one level on an arena of exactly its bytes, filled with `garbage` first; the caller frees the output. */
static blob infer(reds_network *network, uint32_t level, const reds_level *what, const reds_description *whole, int garbage,
                  uint64_t counts[STATUSES])
{
    uint8_t *const arena = allocate(what->arena_bytes);
    memset(arena, garbage, what->arena_bytes);
    if (reds_bind(network, arena, what->arena_bytes) != REDS_OK || reds_select(network, level) != REDS_OK)
        fail("a level does not fit the arena that it states");
    bind_to_nothing(network, counts);
    put_input(network, whole);
    reds_invoke(network);
    const blob output = get_output(network, whole);
    free(arena);
    return output;
}

/* A level that needs one byte more than the arena has is refused. */
static void refuse_level(reds_network *network, uint32_t level, size_t arena_bytes, uint64_t counts[STATUSES])
{
    uint64_t *const arena = allocate(8);
    reds_status status = reds_bind(network, arena, arena_bytes);
    if (status == REDS_OK)
        status = reds_select(network, level);
    if (status != REDS_ARENA_TOO_SMALL)
        fail("a level fits an arena that is too small for it");
    counts[status]++;
    free(arena);
}

/* Returns whether the level was run. */
static uint64_t run_level(reds_network *network, uint32_t level, const reds_description *whole, size_t image_bytes,
                          uint64_t counts[STATUSES])
{
    reds_level what;
    if (reds_describe_level(network, level, &what) != REDS_OK || memchr(what.name, '\0', sizeof what.name) == NULL)
        fail("a level cannot be described");
    if (what.arena_bytes > whole->arena_bytes || what.image_bytes > image_bytes)
        fail("a level needs more than there is");
    refuse_level(network, level, what.arena_bytes - 1u, counts);
    if (what.arena_bytes > MOST_ARENA_BYTES)
        return 0;
    const uint64_t seed = random_state;
    const blob first = infer(network, level, &what, whole, 0x00, counts);
    random_state = seed; /* the same input again */
    const blob second = infer(network, level, &what, whole, 0xa5, counts);
    if (memcmp(first.bytes, second.bytes, first.size) != 0)
        fail("an output depends on what the arena held before");
    free(first.bytes);
    free(second.bytes);
    return 1;
}

/* Returns how many levels were run. */
static uint64_t run_accepted(reds_network *network, size_t image_bytes, uint64_t counts[STATUSES])
{
    reds_description whole;
    reds_level level;
    uint64_t levels = 0;
    reds_describe(network, &whole);
    counts[reds_describe_level(network, whole.level_count, &level)]++;
    for (uint32_t i = 0; i < whole.level_count; i++)
        levels += run_level(network, i, &whole, image_bytes, counts);
    return levels;
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
    uint64_t counts[STATUSES] = {0}, levels = 0;
    for (unsigned long i = 0; i < mutants; i++) {
        const blob mutant = mutate(bases, base_count);
        reds_network network;
        const reds_status status = reds_open(&network, mutant.bytes, mutant.size);
        counts[status]++;
        if (status == REDS_OK)
            levels += run_accepted(&network, mutant.size, counts);
        if (mutant.size > 1 && random_below(SHIFTED_ONE_IN) == 0)
            counts[reds_open(&network, mutant.bytes + 1, mutant.size - 1)]++;
        free(mutant.bytes);
    }
    for (uint32_t i = 0; i < base_count; i++)
        free(bases[i].bytes);
    for (int status = 0; status < STATUSES; status++)
        printf("%llu %s\n", (unsigned long long)counts[status], reds_status_text((reds_status)status));
    printf("%llu levels\n", (unsigned long long)levels);
    return 0;
}
