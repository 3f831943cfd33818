/* The validator's rules about level records and about how the steps of a level follow one another: docs/image-format.md. */
#include "reds_check.h"

enum { NAME_BYTES = 8, NAME_CHARACTERS = NAME_BYTES - 1 };

/* One to seven printable ASCII characters, then NULs. */
static int is_name(const char name[NAME_BYTES])
{
    size_t length = 0;
    while (length < NAME_BYTES && reds_in_range(name[length], ' ' + 1, '~'))
        length++;
    return reds_in_range((int64_t)length, 1, NAME_CHARACTERS) && reds_is_zero((const uint8_t *)name + length, NAME_BYTES - length);
}

static int is_same_name(const char a[NAME_BYTES], const char b[NAME_BYTES])
{
    for (size_t i = 0; i < NAME_BYTES; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

/* No smaller level has this one's name. */
static int is_new_name(const reds_image_view *image, const struct reds_level_record *level)
{
    for (const struct reds_level_record *smaller = level + 1; smaller <= image->smallest; smaller++)
        if (is_same_name(smaller->name, level->name))
            return 0;
    return 1;
}

/* Whether a step reads what the one before it wrote; a dense layer takes the positions of a map in a row. */
static int follows(const struct reds_layer_record *layer, const struct reds_step_record *step)
{
    const struct reds_layer_record *const before = layer - 1;
    const struct reds_step_record *const wrote = step - 1;
    const int same_map = layer->kind == REDS_DENSE
                             ? (uint32_t)before->output_height * before->output_width == layer->input_width
                             : before->output_height == layer->input_height && before->output_width == layer->input_width;
    return same_map && step->input_channels == wrote->output_channels && step->input_offset == wrote->output_offset;
}

/* The steps' ends: what the header says of the image's input and output. */
static int is_chain(const reds_image_view *image, const struct reds_step_record *steps)
{
    const struct reds_layer_record *const layers = image->layers;
    const uint32_t last = image->header->layer_count - 1u;
    for (uint32_t i = 1; i <= last; i++)
        if (!follows(layers + i, steps + i))
            return 0;
    const uint32_t inputs = (uint32_t)layers[0].input_height * layers[0].input_width * steps[0].input_channels;
    const uint32_t outputs = (uint32_t)layers[last].output_height * layers[last].output_width * steps[last].output_channels;
    return inputs == image->header->input_elements && outputs == image->header->output_elements;
}

/* Whether the steps use every channel of every layer. */
static int is_whole(const reds_image_view *image, const struct reds_step_record *steps)
{
    for (uint32_t i = 0; i < image->header->layer_count; i++)
        if (steps[i].input_channels != image->layers[i].input_channels ||
            steps[i].output_channels != image->layers[i].output_channels)
            return 0;
    return 1;
}

reds_status reds_check_level(const reds_image_view *image, const struct reds_level_record *level)
{
    const uint32_t layer_count = image->header->layer_count;
    const int valid = is_name(level->name) && is_new_name(image, level) && level->activation_bytes % REDS_RECORD_ALIGNMENT == 0 &&
                      reds_is_in_sections(image, level, level->steps_offset, layer_count * sizeof(struct reds_step_record)) &&
                      reds_is_quantisation(image, level->output_scale, level->output_zero_point) &&
                      reds_is_zero(level->reserved, sizeof level->reserved);
    if (!valid)
        return REDS_BAD_LEVEL;
    const struct reds_step_record *const steps = reds_steps_of(image, level);
    for (uint32_t i = 0; i < layer_count; i++) {
        const reds_status status = reds_check_step(image, level, i);
        if (status != REDS_OK)
            return status;
    }
    return is_chain(image, steps) && (level != image->levels || is_whole(image, steps)) ? REDS_OK : REDS_BAD_STEP;
}
