/* An open network at work: describe, bind, select, invoke. reds_open has checked what these functions read. */
#include <string.h>

#include "reds.h"
#include "reds_cold.h"
#include "reds_image.h"
#include "reds_kernels.h"

static inline const struct reds_header_record *header_of(const reds_network *network)
{
    return (const struct reds_header_record *)(const void *)network->image;
}

static inline const struct reds_layer_record *layers_of(const reds_network *network)
{
    return (const struct reds_layer_record *)(const void *)(network->image + sizeof(struct reds_header_record));
}

static inline const struct reds_step_record *steps_of(const reds_network *network)
{
    return (const struct reds_step_record *)(const void *)(network->image + network->level->steps_offset);
}

REDS_COLD void reds_describe(const reds_network *network, reds_description *description)
{
    const struct reds_header_record *const header = header_of(network);
    description->precision = header->precision == REDS_INT8 ? REDS_INT8 : REDS_FLOAT32;
    description->layer_count = header->layer_count;
    description->level_count = network->level_count;
    description->input_elements = header->input_elements;
    description->output_elements = header->output_elements;
    description->input_scale = header->input_scale;
    description->input_zero_point = header->input_zero_point;
    description->arena_bytes = 0;
    for (uint32_t i = 0; i < network->level_count; i++)
        if (network->needed_bytes[i] > description->arena_bytes)
            description->arena_bytes = network->needed_bytes[i];
}

REDS_COLD reds_status reds_describe_level(const reds_network *network, uint32_t level, reds_level *description)
{
    if (level >= network->level_count)
        return REDS_NO_SUCH_LEVEL;
    const struct reds_level_record *const record = network->levels + level;
    memcpy(description->name, record->name, sizeof description->name);
    description->macs = record->macs;
    description->arena_bytes = network->needed_bytes[level];
    description->image_bytes = record->end_offset;
    description->output_scale = record->output_scale;
    description->output_zero_point = record->output_zero_point;
    return REDS_OK;
}

REDS_COLD reds_status reds_bind(reds_network *network, void *arena, size_t arena_bytes)
{
    if ((uintptr_t)arena % REDS_ARENA_ALIGNMENT != 0)
        return REDS_MISALIGNED;
    if (arena_bytes >= UINT32_MAX) /* stands for more than any arena has */
        arena_bytes = UINT32_MAX - 1;
    uint32_t level = 0;
    while (level < network->level_count && network->needed_bytes[level] > arena_bytes)
        level++;
    if (level == network->level_count)
        return REDS_ARENA_TOO_SMALL;
    network->level = network->levels + level; /* with its arena or not at all: an inference trusts the two to fit */
    network->arena = arena;
    network->arena_bytes = arena_bytes;
    return REDS_OK;
}

reds_status reds_select(reds_network *network, uint32_t level)
{
    if (level >= network->level_count)
        return REDS_NO_SUCH_LEVEL;
    if (network->needed_bytes[level] > network->arena_bytes)
        return REDS_ARENA_TOO_SMALL;
    network->level = network->levels + level;
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

/* Kernels read whole words of an int8 input: what fills up the last one counts as zero. */
static void fill_input(const reds_operands *operands, uint8_t *input)
{
    const struct reds_layer_record *const layer = operands->layer;
    for (uint32_t i = (uint32_t)layer->input_height * layer->input_width * operands->step->input_channels; i % REDS_INT8_BLOCK != 0;
         i++)
        input[i] = 0;
}

/* Leaky ReLU of an int8 step, value by value. */
static void look_up(const reds_operands *operands, uint8_t *output)
{
    const uint8_t *const table = reds_at(operands, operands->step->table_offset);
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t elements = (uint32_t)layer->output_height * layer->output_width * operands->step->output_channels;
    enum { SIGN_BIT = 0x80 }; /* q + 128, as the byte of q */
    for (uint8_t *const end = output + elements; output < end; output++)
        *output = table[*output ^ SIGN_BIT];
}

/* One layer of the selected level. */
static void run_step(const reds_network *network, uint32_t index)
{
    const struct reds_header_record *const header = header_of(network);
    const struct reds_level_record *const level = network->level;
    const struct reds_step_record *const step = steps_of(network) + index;
    uint8_t *const input = network->arena + step->input_offset, *const output = network->arena + step->output_offset;
    const reds_operands operands = {
        .image = network->image,
        .layer = layers_of(network) + index,
        .step = step,
        .level = level,
        .smallest = network->levels + network->level_count - 1,
        .index = index,
        .input = input,
        .output = output,
        .scratch =
            network->arena + (level->activation_bytes + REDS_ARENA_ALIGNMENT - 1) / REDS_ARENA_ALIGNMENT * REDS_ARENA_ALIGNMENT,
    };
    const int quantised = header->precision == REDS_INT8;
    if (quantised)
        fill_input(&operands, input);
    reds_kernel_for(header->precision, operands.layer)->run(&operands);
    if (quantised && operands.layer->activation == REDS_LEAKY_RELU)
        look_up(&operands, output);
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
