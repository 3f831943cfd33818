/* REDS runtime: runs the nested subnetworks of one `.reds` image (docs/image-format.md).
 *
 * Contract
 *   - C99, no allocation, no global state, nothing of libc but memcpy and memset.
 *   - The caller owns the image (constant for as long as the network is open, 4-byte aligned, flash or RAM), the
 *     arena (8-byte aligned) and the `reds_network`. Networks are independent of one another.
 *   - `reds_open` checks everything that the image says. No function reads or writes outside the image, the arena and
 *     the network after it has answered REDS_OK, whatever bytes the image holds.
 *   - Order of calls: open, bind, then select / input / invoke / output as often as needed.
 *   - Levels are numbered from 0, the largest that the bytes given to reds_open hold: an image may be cut off behind the section of
 *     any level, and the levels that are left work as before.
 *   - Levels that need more than the arena given to bind cannot be selected; a device may give less than level 0 needs.
 */
#ifndef REDS_H
#define REDS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REDS_RUNTIME_VERSION "2.0"
#define REDS_ARENA_ALIGNMENT 8u
#define REDS_LEVELS 32 /* the most an image may have */

typedef enum {
    REDS_OK = 0,
    REDS_TRUNCATED,        /* fewer bytes than the image states or a record needs */
    REDS_NOT_AN_IMAGE,     /* no magic */
    REDS_UNKNOWN_VERSION,  /* written by another version of the format */
    REDS_CORRUPT,          /* the checksum does not fit */
    REDS_BAD_HEADER,       /* a header field breaks the format's rules */
    REDS_BAD_LAYER,        /* a layer record does */
    REDS_BAD_LEVEL,        /* a level record does */
    REDS_BAD_STEP,         /* a step or channel record does */
    REDS_UNSUPPORTED,      /* a layer kind, layout or precision that this build leaves out */
    REDS_ARENA_TOO_SMALL,  /* the arena does not hold the level */
    REDS_NO_SUCH_LEVEL,    /* a level number beyond the last */
    REDS_MISALIGNED        /* the image or the arena does not lie on the boundary it needs */
} reds_status;

typedef enum { REDS_FLOAT32 = 0, REDS_INT8 = 1 } reds_precision;

struct reds_level_record;

/* An open network. The fields are the runtime's own: read them through the functions below. */
typedef struct {
    const uint8_t *image;
    const struct reds_level_record *levels; /* the largest that is there */
    const struct reds_level_record *level;  /* the selected one; NULL before bind */
    uint32_t level_count;                   /* that are there */
    uint8_t *arena;
    size_t arena_bytes;
    uint32_t needed_bytes[REDS_LEVELS]; /* of the arena, by level: activations, then scratch */
} reds_network;

/* What one level is. */
typedef struct {
    char name[8];         /* "100", "12.5"; NUL-terminated */
    uint32_t macs;        /* multiply-adds of one inference */
    uint32_t arena_bytes; /* what this level needs of the arena on this device: activations and the kernels' scratch */
    uint32_t image_bytes; /* how much of the image it needs, from the beginning */
    float output_scale;   /* int8: real = scale * (q - zero_point) */
    int32_t output_zero_point;
} reds_level;

/* What the whole network is. */
typedef struct {
    reds_precision precision;
    uint32_t layer_count, level_count;
    uint32_t input_elements, output_elements;
    uint32_t arena_bytes; /* for the level that needs most */
    float input_scale;
    int32_t input_zero_point;
} reds_description;

/* A free-running clock for reds_profile; wraps modulo 2^32. */
typedef uint32_t (*reds_clock)(void);

/* Validate the image, or as many sections of its beginning as there are bytes, and open it. On failure `network` must not be used. */
reds_status reds_open(reds_network *network, const void *image, size_t image_bytes);

/* What the network is, and what one of its levels is. */
void reds_describe(const reds_network *network, reds_description *description);
reds_status reds_describe_level(const reds_network *network, uint32_t level, reds_level *description);

/* Give the network its working memory and select level 0, or else the first level that fits. On failure the network is as it was:
 * bound to the arena it had, at the level it had, or not bound if it was not. */
reds_status reds_bind(reds_network *network, void *arena, size_t arena_bytes);

/* Switch to a subnetwork: a bounds check and one store; no weight is touched, nothing is copied. */
reds_status reds_select(reds_network *network, uint32_t level);

/* Where the next inference reads its input (input_elements of the image's element type), and where the last one left its
 * output (output_elements). Both lie in the arena and depend on the level; the input is overwritten by an inference. */
void *reds_input(const reds_network *network);
const void *reds_output(const reds_network *network);

/* The same with real numbers at both ends: write input_elements floats as the next input (int8: quantised as TensorFlow Lite's QUANTIZE
 * does), and read the last output as output_elements probabilities (int8: dequantised; then softmax). */
void reds_write_real_input(const reds_network *network, const float *values);
void reds_read_probabilities(const reds_network *network, float *probabilities);

/* One inference of the selected level. */
void reds_invoke(const reds_network *network);

/* One inference that reads `clock` around every layer: ticks[layer_count]. */
void reds_profile(const reds_network *network, reds_clock clock, uint32_t *ticks);

/* A status in words. */
const char *reds_status_text(reds_status status);

#ifdef __cplusplus
}
#endif
#endif
