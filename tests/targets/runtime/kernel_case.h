/* A random layer with nested levels, for tests of the kernels: what it is, its image, and what it computes.
 *
 * Everything here is written from docs/image-format.md alone and as plainly as possible; it shares nothing with the runtime but
 * the records.
 */
#ifndef KERNEL_CASE_H
#define KERNEL_CASE_H

#include <stddef.h>
#include <stdint.h>

#include "reds.h"
#include "reds_image.h"

enum { CASE_MAX_LEVELS = 4, CASE_ANY = -1 };

/* What is drawn: CASE_ANY leaves it to chance. */
typedef struct {
    int precision, kind, layout;
} case_filter;

typedef struct {
    uint32_t inputs, outputs; /* active channels */
} case_widths;

typedef struct {
    uint8_t precision;
    struct reds_layer_record layer; /* offsets are set by pack_case */
    uint32_t level_count;           /* level 0 is the whole layer */
    case_widths widths[CASE_MAX_LEVELS];
    struct reds_step_record steps[CASE_MAX_LEVELS];
    /* [outputs][kernel rows][kernel columns][input channels], depthwise [kernel rows][kernel columns][channels]; pooling: none.
     * int8 weights are whole numbers. */
    float *weights;
    struct reds_int8_channel_record *int8_channels[CASE_MAX_LEVELS];
    struct reds_float32_channel_record *float32_channels[CASE_MAX_LEVELS];
} kernel_case;

/* The same numbers everywhere. */
void seed_random(uint64_t seed);
uint32_t random_word(void);
uint32_t random_below(uint32_t bound);
int32_t random_between(int32_t lowest, int32_t highest);
float random_real(float magnitude);

void *allocate(size_t size);

kernel_case draw_case(const case_filter *filter);
void free_case(kernel_case *drawn);
void print_case(const kernel_case *drawn, uint32_t level);

/* Memory of exactly `size` bytes between guards, `start` a multiple of 8, plus `off_by` bytes. Guards are poisoned under
 * AddressSanitizer and compared where there is none (or where assembly has written). */
typedef struct {
    uint8_t *start;
    size_t size;
    uint8_t *memory;
    size_t memory_size;
} guarded;

guarded allocate_guarded(size_t size, size_t off_by);
void poison_bytes(const uint8_t *start, size_t size);
int is_guard_whole(const guarded *buffer);
void free_guarded(guarded *buffer);

/* Level records, then the steps, channels and weights of the levels, with poisoned gaps between them. Only what kernels read is
 * there: no header. Sets the offsets of `drawn`. The layer has number `index` in the image. */
guarded pack_case(kernel_case *drawn, uint32_t index);

static inline int has_weights(const kernel_case *drawn)
{
    return drawn->layer.kind <= REDS_DEPTHWISE;
}

static inline int is_matrix(const kernel_case *drawn)
{
    return drawn->layer.kind <= REDS_CONVOLUTION;
}

static inline size_t input_elements(const kernel_case *drawn, uint32_t level)
{
    return (size_t)drawn->layer.input_height * drawn->layer.input_width * drawn->widths[level].inputs;
}

static inline size_t output_elements(const kernel_case *drawn, uint32_t level)
{
    return (size_t)drawn->layer.output_height * drawn->layer.output_width * drawn->widths[level].outputs;
}

/* The output of one level by the definition; `tolerance` says how far a float32 output may be off. */
void expect_int8(const kernel_case *drawn, uint32_t level, const int8_t *input, int8_t *output);
void expect_float32(const kernel_case *drawn, uint32_t level, const float *input, float *output, float *tolerance);

#endif
