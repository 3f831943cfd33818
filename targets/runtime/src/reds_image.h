/* The records of a `.reds` image, version 1, as they lie in memory: docs/image-format.md says what each field means.
 *
 * The same records stand in reds/image/format.py; a test compares the two. All fields are little-endian and naturally
 * aligned, so a record is read in place from any 4-byte boundary. The image reaches the runtime as bytes: the records may
 * alias anything, which keeps reading them defined whatever the caller declared the bytes as.
 */
#ifndef REDS_IMAGE_H
#define REDS_IMAGE_H

#include <stdint.h>

#define REDS_MAY_ALIAS __attribute__((may_alias))

#define REDS_FORMAT_VERSION 1u
#define REDS_RECORD_ALIGNMENT 4u
#define REDS_CRC_START 16u /* the checksum covers the image from here to its end */

enum { REDS_MAX_LAYERS = 64, REDS_MAX_LEVELS = 32, REDS_MAX_ELEMENTS = 65535 };
enum { REDS_DENSE = 1 };                                /* layer kinds */
enum { REDS_NO_ACTIVATION = 0, REDS_RELU = 1 };         /* activations */
enum { REDS_ROW_MAJOR = 0 };                            /* weight layouts */
enum { REDS_MIN_SHIFT = -31, REDS_MAX_SHIFT = 7 };      /* requantisation */
#define REDS_MIN_MULTIPLIER (INT32_C(1) << 30)          /* unless it is 0 */
#define REDS_MAX_BIAS (INT32_C(1) << 30)                /* in magnitude */

struct REDS_MAY_ALIAS reds_header_record {
    uint8_t magic[4];
    uint16_t format_version;
    uint16_t header_bytes;
    uint32_t image_bytes;
    uint32_t crc32;
    uint8_t precision;
    uint8_t layer_count;
    uint8_t level_count;
    uint8_t reserved_a;
    uint32_t input_elements;
    uint32_t output_elements;
    uint32_t arena_bytes;
    uint32_t layers_offset;
    uint32_t levels_offset;
    float input_scale;
    int32_t input_zero_point;
    uint8_t reserved_b[16];
};

struct REDS_MAY_ALIAS reds_layer_record {
    uint8_t kind;
    uint8_t activation;
    uint8_t layout;
    uint8_t reserved_a;
    uint32_t inputs;
    uint32_t outputs;
    uint32_t weights_offset;
    uint32_t weights_bytes;
    uint32_t row_stride;
    uint8_t reserved_b[40];
};

struct REDS_MAY_ALIAS reds_level_record {
    char name[8];
    uint32_t macs;
    uint32_t arena_bytes;
    uint32_t steps_offset;
    float output_scale;
    int32_t output_zero_point;
    uint8_t reserved[20];
};

struct REDS_MAY_ALIAS reds_step_record {
    uint32_t inputs;
    uint32_t outputs;
    uint32_t channels_offset;
    int32_t output_zero_point;
    int32_t clamp_min;
    int32_t clamp_max;
    uint32_t input_offset;
    uint32_t output_offset;
    uint8_t reserved[16];
};

struct REDS_MAY_ALIAS reds_float32_channel_record {
    float scale;
    float bias;
};

struct REDS_MAY_ALIAS reds_int8_channel_record {
    int32_t bias;
    int32_t multiplier;
    int32_t shift;
};

/* Elements of weights and activations, read where the caller's bytes lie. */
typedef float reds_float32 REDS_MAY_ALIAS;
typedef uint32_t reds_word REDS_MAY_ALIAS; /* four int8 elements */

#endif
