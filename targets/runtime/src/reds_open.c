/* The validator: everything that an image says is checked once, here and in the reds_check files, against docs/image-format.md. */
#include <float.h>

#include "reds_check.h"
#include "reds_kernels.h"

int reds_is_zero(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != 0)
            return 0;
    return 1;
}

int reds_is_in_sections(const reds_image_view *image, const struct reds_level_record *level, uint32_t offset, uint64_t size)
{
    return offset >= image->header->tables_bytes && reds_fits(offset, size, level->end_offset);
}

int reds_is_quantisation(const reds_image_view *image, float scale, int32_t zero_point)
{
    if (!reds_is_int8(image))
        return scale == 1.0f && zero_point == 0;
    return scale > 0.0f && scale <= FLT_MAX && reds_in_range(zero_point, REDS_INT8_LOWEST, REDS_INT8_HIGHEST);
}

/* What concerns the bytes as a whole, before any other field is believed. */
static reds_status check_file(const uint8_t *bytes, size_t size)
{
    const struct reds_header_record *const header = (const void *)bytes;
    static const uint8_t magic[sizeof header->magic] = {'R', 'E', 'D', 'S'};
    for (size_t i = 0; i < sizeof magic && i < size; i++)
        if (bytes[i] != magic[i])
            return REDS_NOT_AN_IMAGE;
    if (size < sizeof *header)
        return REDS_TRUNCATED;
    if (header->format_version != REDS_FORMAT_VERSION)
        return REDS_UNKNOWN_VERSION;
    if (header->header_bytes != sizeof *header || header->image_bytes % REDS_RECORD_ALIGNMENT != 0 || size > header->image_bytes)
        return REDS_BAD_HEADER;
    if (header->tables_bytes > size)
        return REDS_TRUNCATED;
    const size_t checked = header->tables_bytes > REDS_CRC_START ? header->tables_bytes - REDS_CRC_START : 0;
    return header->crc32 == reds_crc32(bytes + REDS_CRC_START, checked) ? REDS_OK : REDS_CORRUPT;
}

static reds_status check_header(const reds_image_view *image)
{
    const struct reds_header_record *const header = image->header;
    if (header->precision != REDS_FLOAT32 && header->precision != REDS_INT8)
        return REDS_UNSUPPORTED;
    const uint32_t tables_bytes = (uint32_t)(sizeof *header + header->layer_count * sizeof(struct reds_layer_record) +
                                             header->level_count * sizeof(struct reds_level_record));
    const int valid = reds_in_range(header->layer_count, 1, REDS_MAX_LAYERS) &&
                      reds_in_range(header->level_count, 1, REDS_MAX_LEVELS) &&
                      reds_in_range(header->input_elements, 1, REDS_MAX_ELEMENTS) &&
                      reds_in_range(header->output_elements, 1, REDS_MAX_ELEMENTS) && header->tables_bytes == tables_bytes &&
                      reds_is_quantisation(image, header->input_scale, header->input_zero_point) && header->reserved_a == 0 &&
                      reds_is_zero(header->reserved_b, sizeof header->reserved_b);
    return valid ? REDS_OK : REDS_BAD_HEADER;
}

/* The sections follow one another, the smallest level's first; finds the largest of which all `size` bytes are there. */
static reds_status check_sections(reds_image_view *image, size_t size)
{
    uint32_t start = image->header->tables_bytes;
    image->largest = NULL;
    for (const struct reds_level_record *level = image->smallest; level >= image->levels; level--) {
        const uint32_t end = level->end_offset;
        if (end <= start || end % REDS_RECORD_ALIGNMENT != 0 || (level == image->levels && end != image->header->image_bytes))
            return REDS_BAD_LEVEL;
        if (end <= size) {
            if (level->crc32 != reds_crc32(image->bytes + start, end - start))
                return REDS_CORRUPT;
            image->largest = level;
        }
        start = end;
    }
    return image->largest == NULL ? REDS_TRUNCATED : REDS_OK;
}

static reds_status check_image(reds_image_view *image, size_t size)
{
    reds_status status = check_file(image->bytes, size);
    if (status == REDS_OK)
        status = check_header(image);
    if (status != REDS_OK)
        return status;
    const uint32_t layer_count = image->header->layer_count;
    image->layers = (const void *)(image->bytes + sizeof *image->header);
    image->levels = (const void *)(image->layers + layer_count);
    image->smallest = image->levels + image->header->level_count - 1;
    status = check_sections(image, size);
    for (uint32_t i = 0; status == REDS_OK && i < layer_count; i++)
        status = reds_check_layer(image, &image->layers[i]);
    for (const struct reds_level_record *level = image->smallest; status == REDS_OK && level >= image->largest; level--)
        status = reds_check_level(image, level);
    return status;
}

/* What a level takes of the arena: its activations, then the scratch of the kernel that needs most. UINT32_MAX stands for more than
 * can be said. */
static uint32_t needed_bytes(const reds_image_view *image, const struct reds_level_record *level)
{
    const struct reds_step_record *const steps = reds_steps_of(image, level);
    reds_operands operands = {.image = image->bytes, .level = level, .smallest = image->smallest};
    uint32_t scratch = 0;
    for (uint32_t i = 0; i < image->header->layer_count; i++) {
        const reds_kernel *const kernel = reds_kernel_for(image->header->precision, &image->layers[i]);
        operands.layer = &image->layers[i];
        operands.step = &steps[i];
        operands.index = i;
        const uint32_t bytes = kernel->scratch_bytes == NULL ? 0 : kernel->scratch_bytes(&operands);
        scratch = bytes > scratch ? bytes : scratch;
    }
    if (scratch == 0)
        return level->activation_bytes;
    const uint32_t padding = level->activation_bytes % REDS_ARENA_ALIGNMENT; /* a multiple of 4, as the alignment is of it */
    const uint64_t bytes = (uint64_t)level->activation_bytes + padding + scratch;
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

REDS_COLD reds_status reds_open(reds_network *network, const void *image, size_t image_bytes)
{
    if ((uintptr_t)image % REDS_RECORD_ALIGNMENT != 0)
        return REDS_MISALIGNED;
    reds_image_view view = {.bytes = image, .header = image};
    const reds_status status = check_image(&view, image_bytes);
    if (status != REDS_OK)
        return status;
    network->image = image;
    network->levels = view.largest;
    network->level = NULL;
    network->level_count = (uint32_t)(view.smallest - view.largest) + 1;
    network->arena = NULL;
    network->arena_bytes = 0;
    for (uint32_t i = 0; i < network->level_count; i++)
        network->needed_bytes[i] = needed_bytes(&view, view.largest + i);
    return REDS_OK;
}
