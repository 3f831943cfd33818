/* An open network at work: describe, bind, select, invoke. reds_open has checked what these functions read. */
#include <string.h>

#include "reds.h"
#include "reds_image.h"
#include "reds_kernels.h"

enum { PRECISIONS = 2, KINDS = REDS_DENSE + 1 };

/* The one place where a layer's kind meets its kernel. */
static const reds_kernel kernels[PRECISIONS][KINDS] = {
    [REDS_FLOAT32] = {[REDS_DENSE] = reds_dense_float32},
    [REDS_INT8] = {[REDS_DENSE] = reds_dense_int8},
};

static inline const struct reds_header_record *header_of(const reds_network *network)
{
    return (const struct reds_header_record *)(const void *)network->image;
}

static inline const struct reds_layer_record *layers_of(const reds_network *network)
{
    return (const struct reds_layer_record *)(const void *)(network->image + header_of(network)->layers_offset);
}

static inline const struct reds_level_record *levels_of(const reds_network *network)
{
    return (const struct reds_level_record *)(const void *)(network->image + header_of(network)->levels_offset);
}

static inline const struct reds_step_record *steps_of(const reds_network *network)
{
    return (const struct reds_step_record *)(const void *)(network->image + network->level->steps_offset);
}

void reds_describe(const reds_network *network, reds_description *description)
{
    const struct reds_header_record *const header = header_of(network);
    description->precision = header->precision == REDS_INT8 ? REDS_INT8 : REDS_FLOAT32;
    description->layer_count = header->layer_count;
    description->level_count = header->level_count;
    description->input_elements = header->input_elements;
    description->output_elements = header->output_elements;
    description->arena_bytes = header->arena_bytes;
    description->input_scale = header->input_scale;
    description->input_zero_point = header->input_zero_point;
}

reds_status reds_describe_level(const reds_network *network, uint32_t level, reds_level *description)
{
    if (level >= header_of(network)->level_count)
        return REDS_NO_SUCH_LEVEL;
    const struct reds_level_record *const record = levels_of(network) + level;
    memcpy(description->name, record->name, sizeof description->name);
    description->macs = record->macs;
    description->arena_bytes = record->arena_bytes;
    description->output_scale = record->output_scale;
    description->output_zero_point = record->output_zero_point;
    return REDS_OK;
}

reds_status reds_bind(reds_network *network, void *arena, size_t arena_bytes)
{
    if ((uintptr_t)arena % REDS_ARENA_ALIGNMENT != 0)
        return REDS_MISALIGNED;
    const struct reds_level_record *level = levels_of(network);
    const struct reds_level_record *const end = level + header_of(network)->level_count;
    while (level < end && level->arena_bytes > arena_bytes)
        level++;
    if (level == end)
        return REDS_ARENA_TOO_SMALL;
    network->level = level; /* with its arena or not at all: an inference trusts the two to fit */
    network->arena = arena;
    network->arena_bytes = arena_bytes;
    return REDS_OK;
}

reds_status reds_select(reds_network *network, uint32_t level)
{
    if (level >= header_of(network)->level_count)
        return REDS_NO_SUCH_LEVEL;
    const struct reds_level_record *const record = levels_of(network) + level;
    if (record->arena_bytes > network->arena_bytes)
        return REDS_ARENA_TOO_SMALL;
    network->level = record;
    return REDS_OK;
}

void *reds_input(const reds_network *network)
{
    return network->arena + steps_of(network)->input_offset;
}

const void *reds_output(const reds_network *network)
{
    return network->arena + steps_of(network)[header_of(network)->layer_count - 1].output_offset;
}

/* One layer of the selected level. */
static void run_step(const reds_network *network, uint32_t index)
{
    const struct reds_header_record *const header = header_of(network);
    const struct reds_layer_record *const layer = layers_of(network) + index;
    const struct reds_step_record *const step = steps_of(network) + index;
    uint8_t *const input = network->arena + step->input_offset;
    const reds_operands operands = {
        .layer = layer,
        .step = step,
        .weights = network->image + layer->weights_offset,
        .channels = network->image + step->channels_offset,
        .input = input,
        .output = network->arena + step->output_offset,
    };
    if (header->precision == REDS_INT8) /* kernels read whole words: what rounds the input up counts as zero */
        for (uint32_t i = step->inputs; i % sizeof(reds_word) != 0; i++)
            input[i] = 0;
    kernels[header->precision][layer->kind](&operands);
}

void reds_invoke(const reds_network *network)
{
    const uint32_t layer_count = header_of(network)->layer_count;
    for (uint32_t index = 0; index < layer_count; index++)
        run_step(network, index);
}

void reds_profile(const reds_network *network, reds_clock clock, uint32_t *ticks)
{
    const uint32_t layer_count = header_of(network)->layer_count;
    for (uint32_t index = 0; index < layer_count; index++) {
        const uint32_t before = clock();
        run_step(network, index);
        ticks[index] = clock() - before;
    }
}

const char *reds_status_text(reds_status status)
{
    switch (status) {
    case REDS_OK: return "done";
    case REDS_TRUNCATED: return "truncated: fewer bytes than the image states or a record needs";
    case REDS_NOT_AN_IMAGE: return "not a .reds image";
    case REDS_UNKNOWN_VERSION: return "written by another version of the format";
    case REDS_CORRUPT: return "corrupt: the checksum does not fit";
    case REDS_BAD_HEADER: return "a header field breaks the format's rules";
    case REDS_BAD_LAYER: return "a layer record breaks the format's rules";
    case REDS_BAD_LEVEL: return "a level record breaks the format's rules";
    case REDS_BAD_STEP: return "a step or channel record breaks the format's rules";
    case REDS_UNSUPPORTED: return "a layer kind, layout or precision that this build leaves out";
    case REDS_ARENA_TOO_SMALL: return "the arena is too small";
    case REDS_NO_SUCH_LEVEL: return "no such level";
    case REDS_MISALIGNED: return "the image or the arena is not aligned";
    }
    return "unknown status";
}
