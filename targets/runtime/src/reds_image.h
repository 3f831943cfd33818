/* The records of a `.reds` image, version 2, as they lie in memory: docs/image-format.md says what each field means.
 *
 * The same records stand in reds/image/format.py; a test compares the two. All fields are little-endian and naturally
 * aligned, so a record is read in place from any 4-byte boundary. The image reaches the runtime as bytes: the records may
 * alias anything, which keeps reading them defined whatever the caller declared the bytes as.
 */
#ifndef REDS_IMAGE_H
#define REDS_IMAGE_H

#include <stdint.h>

#define REDS_MAY_ALIAS __attribute__((may_alias))

#define REDS_FORMAT_VERSION 2u
#define REDS_RECORD_ALIGNMENT 4u
#define REDS_CRC_START 16u /* the header's checksum covers the tables from here to their end */

enum { REDS_MAX_LAYERS = 64, REDS_MAX_LEVELS = 32, REDS_MAX_ELEMENTS = (1 << 24) - 1, REDS_MAX_SIDE = 65535 };
enum { REDS_DENSE = 1, REDS_CONVOLUTION, REDS_DEPTHWISE, REDS_AVERAGE_POOL, REDS_MAX_POOL, REDS_KINDS }; /* layer kinds */
enum { REDS_NO_ACTIVATION = 0, REDS_RELU, REDS_RELU6, REDS_LEAKY_RELU, REDS_ACTIVATIONS };
enum { REDS_ROWS = 0, REDS_TRANSPOSED, REDS_PANELS, REDS_SHELLS, REDS_LAYOUTS }; /* orders of a matrix of weights */
enum { REDS_MAX_PANEL_ROWS = 64, REDS_INT8_BLOCK = 4 };                          /* columns that stay together in int8 */
enum { REDS_MAX_INT8_COLUMNS = 32767 };
enum { REDS_TABLE_BYTES = 256 };
enum { REDS_MIN_SHIFT = -31, REDS_MAX_SHIFT = 7 }; /* requantisation */
#define REDS_MIN_MULTIPLIER (INT32_C(1) << 30)     /* in magnitude, unless it is 0 */
#define REDS_MAX_BIAS (INT32_C(1) << 29)           /* in magnitude */

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
    uint32_t tables_bytes;
    float input_scale;
    int32_t input_zero_point;
    uint8_t reserved_b[24];
};

struct REDS_MAY_ALIAS reds_layer_record {
    uint8_t kind;
    uint8_t activation;
    uint8_t layout;
    uint8_t panel_rows;
    uint16_t input_height;
    uint16_t input_width;
    uint16_t output_height;
    uint16_t output_width;
    uint16_t kernel_height;
    uint16_t kernel_width;
    uint8_t stride_height;
    uint8_t stride_width;
    uint8_t pad_top;
    uint8_t pad_left;
    uint32_t input_channels;
    uint32_t output_channels;
    uint32_t weights_offset;
    uint32_t weights_bytes;
    float negative_slope;
    uint8_t reserved[24];
};

struct REDS_MAY_ALIAS reds_level_record {
    char name[8];
    uint32_t macs;
    uint32_t activation_bytes;
    uint32_t steps_offset;
    uint32_t end_offset;
    uint32_t crc32;
    float output_scale;
    int32_t output_zero_point;
    uint8_t reserved[12];
};

struct REDS_MAY_ALIAS reds_step_record {
    uint32_t input_channels;
    uint32_t output_channels;
    uint32_t channels_offset;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t clamp_min;
    int32_t clamp_max;
    uint32_t input_offset;
    uint32_t output_offset;
    uint32_t table_offset;
    uint32_t columns_offset;
    uint32_t rows_offset;
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
