/* What the parts of the validator share: an image whose header has been checked, and how single fields are.
 *
 * Offsets and lengths are added in 64 bits where they may exceed 32. What a record rules out is not checked again for the records
 * that follow it, so the order of the checks matters: header, sections, layers, then the levels from the smallest on, and within a
 * level its steps.
 */
#ifndef REDS_CHECK_H
#define REDS_CHECK_H

#include <stddef.h>

#include "reds.h"
#include "reds_cold.h"
#include "reds_image.h"

enum { REDS_INT8_LOWEST = -128, REDS_INT8_HIGHEST = 127, REDS_FLOAT32_BYTES = 4 };

typedef struct {
    const uint8_t *bytes;
    const struct reds_header_record *header;
    const struct reds_layer_record *layers;
    const struct reds_level_record *levels;   /* the table; some may not be there */
    const struct reds_level_record *largest;  /* that is there */
    const struct reds_level_record *smallest; /* the last of the table */
} reds_image_view;

static inline int reds_in_range(int64_t value, int64_t lowest, int64_t highest)
{
    return lowest <= value && value <= highest;
}

/* Whether `size` bytes at `offset` lie within `limit` bytes and on a record boundary. */
static inline int reds_fits(uint32_t offset, uint64_t size, uint64_t limit)
{
    return offset % REDS_RECORD_ALIGNMENT == 0 && size <= limit && offset <= limit - size;
}

static inline int reds_is_finite(float value)
{
    return value - value == 0.0f;
}

/* The next multiple of a number, which must lie below 2^32. */
static inline uint32_t reds_filled_up(uint32_t count, uint32_t multiple)
{
    return (count + multiple - 1) / multiple * multiple;
}

static inline int reds_is_int8(const reds_image_view *image)
{
    return image->header->precision == REDS_INT8;
}

static inline uint32_t reds_element_bytes(const reds_image_view *image)
{
    return reds_is_int8(image) ? 1 : REDS_FLOAT32_BYTES;
}

static inline uint32_t reds_block(const reds_image_view *image)
{
    return reds_is_int8(image) ? REDS_INT8_BLOCK : 1;
}

static inline int reds_is_matrix(const struct reds_layer_record *layer)
{
    return layer->kind == REDS_DENSE || layer->kind == REDS_CONVOLUTION;
}

static inline int reds_is_pool(const struct reds_layer_record *layer)
{
    return layer->kind == REDS_AVERAGE_POOL || layer->kind == REDS_MAX_POOL;
}

static inline uint32_t reds_kernel_positions(const struct reds_layer_record *layer)
{
    return (uint32_t)layer->kernel_height * layer->kernel_width;
}

static inline const struct reds_step_record *reds_steps_of(const reds_image_view *image, const struct reds_level_record *level)
{
    return (const struct reds_step_record *)(const void *)(image->bytes + level->steps_offset);
}

/* Reserved bytes. */
REDS_COLD int reds_is_zero(const uint8_t *bytes, size_t count);

/* Whether `size` bytes at `offset` lie in the sections up to that of `level`, on a record boundary. */
REDS_COLD int reds_is_in_sections(const reds_image_view *image, const struct reds_level_record *level, uint32_t offset, uint64_t size);

/* An int8 image has a scale and a zero point wherever a float32 image states 1 and 0. */
REDS_COLD int reds_is_quantisation(const reds_image_view *image, float scale, int32_t zero_point);

/* CRC-32 (IEEE 802.3). */
uint32_t reds_crc32(const uint8_t *bytes, size_t count);

/* One layer record. Header and sections have been checked. */
REDS_COLD reds_status reds_check_layer(const reds_image_view *image, const struct reds_layer_record *layer);

/* One level, its steps and their channels. Layers and smaller levels have been checked. */
REDS_COLD reds_status reds_check_level(const reds_image_view *image, const struct reds_level_record *level);

/* One step of a level. The level record, its smaller steps of this layer, and the layer have been checked. */
REDS_COLD reds_status reds_check_step(const reds_image_view *image, const struct reds_level_record *level, uint32_t index);

#endif
