/* Average and max pooling, float32, over what lies inside the input, on a Cortex-M4F.
 *
 * Eight channels at a time, as in depthwise_float32_fpv4.c: the last eight overlap those before them where the number of channels
 * is no multiple of eight. Fewer than eight channels go by fours in the same way, fewer than four one by one.
 */
#include "reds_core.h"
#include "reds_kernels.h"

#if REDS_HAS_FPV4

#include "reds_window.h"

enum { EIGHT = 8, FOUR = 4 };

/* The positions of a window that lie inside the input. */
typedef struct {
    uint32_t rows, columns;
    uint32_t step, skip; /* bytes from one position of a row to the next, and from behind the last one to the next row */
    float share;         /* 1 / positions */
} patch;

/* Pools one patch of so many channels. */
typedef void (*pool_channels)(const patch *p, const reds_float32 *input, reds_float32 *output);
typedef struct {
    pool_channels eight, four, one;
} pooling;

static void average_of_one(const patch *p, const reds_float32 *input, reds_float32 *output)
{
    float sum = 0.0f;
    for (uint32_t row = 0; row < p->rows; row++, input += p->skip / sizeof(float))
        for (uint32_t column = 0; column < p->columns; column++, input += p->step / sizeof(float))
            sum += *input;
    *output = sum * p->share;
}

static void largest_of_one(const patch *p, const reds_float32 *input, reds_float32 *output)
{
    float largest = *input;
    for (uint32_t row = 0; row < p->rows; row++, input += p->skip / sizeof(float))
        for (uint32_t column = 0; column < p->columns; column++, input += p->step / sizeof(float))
            largest = *input > largest ? *input : largest;
    *output = largest;
}

#if defined(__arm__)

#define SUM(pooled, value) "vadd.f32 s" #pooled ", s" #pooled ", s" #value "\n\t"
#define SHARE(sum, value) "vmul.f32 s" #sum ", s" #sum ", s16\n\t"
#define LARGER(pooled, value)                                                                                        \
    "vcmp.f32 s" #value ", s" #pooled "\n\tvmrs APSR_nzcv, fpscr\n\tit gt\n\tvmovgt.f32 s" #pooled ", s" #value "\n\t"
#define EACH_OF_FOUR(pool) pool(0, 8) pool(1, 9) pool(2, 10) pool(3, 11)
#define EACH_OF_EIGHT(pool) EACH_OF_FOUR(pool) pool(4, 12) pool(5, 13) pool(6, 14) pool(7, 15)

static const float zeros[EIGHT];

/* All positions are pooled into `pooled`, which `begin` sets. */
#define POOL(pooled, values, begin, pool, finish)                                                                    \
    uint32_t rows = p->rows, column;                                                                                 \
    __asm__ volatile("vldmia %[" begin "], {" pooled "}\n"                                                           \
                     "1:\n\t"                                                                                        \
                     "mov %[column], %[columns]\n"                                                                   \
                     "2:\n\t"                                                                                        \
                     "vldmia %[input], {" values "}\n\t"                                                             \
                     "add %[input], %[step]\n\t" pool                                                                \
                     "subs %[column], #1\n\t"                                                                        \
                     "bne 2b\n\t"                                                                                    \
                     "add %[input], %[skip]\n\t"                                                                     \
                     "subs %[rows], #1\n\t"                                                                          \
                     "bne 1b\n\t" finish                                                                             \
                     "vstmia %[output], {" pooled "}"                                                                \
                     : [input] "+r"(input), [rows] "+r"(rows), [column] "=&r"(column)                                \
                     : [columns] "r"(p->columns), [step] "r"(p->step), [skip] "r"(p->skip), [share] "r"(p->share),    \
                       [output] "r"(output), [zeros] "r"(zeros)                                                      \
                     : "cc", "memory", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11",      \
                       "s12", "s13", "s14", "s15", "s16")

static void average_of_eight(const patch *p, const reds_float32 *input, reds_float32 *output)
{
    POOL("s0-s7", "s8-s15", "zeros", EACH_OF_EIGHT(SUM), "vmov s16, %[share]\n\t" EACH_OF_EIGHT(SHARE));
}

static void average_of_four(const patch *p, const reds_float32 *input, reds_float32 *output)
{
    POOL("s0-s3", "s8-s11", "zeros", EACH_OF_FOUR(SUM), "vmov s16, %[share]\n\t" EACH_OF_FOUR(SHARE));
}

static void largest_of_eight(const patch *p, const reds_float32 *input, reds_float32 *output)
{
    POOL("s0-s7", "s8-s15", "input", EACH_OF_EIGHT(LARGER), "");
}

static void largest_of_four(const patch *p, const reds_float32 *input, reds_float32 *output)
{
    POOL("s0-s3", "s8-s11", "input", EACH_OF_FOUR(LARGER), "");
}

#else

/* What the instructions do, for tests of what surrounds them on other cores. */
static void average_of_four(const patch *p, const reds_float32 *input, reds_float32 *output)
{
    for (uint32_t channel = 0; channel < FOUR; channel++)
        average_of_one(p, input + channel, output + channel);
}

static void average_of_eight(const patch *p, const reds_float32 *input, reds_float32 *output)
{
    average_of_four(p, input, output);
    average_of_four(p, input + FOUR, output + FOUR);
}

static void largest_of_four(const patch *p, const reds_float32 *input, reds_float32 *output)
{
    for (uint32_t channel = 0; channel < FOUR; channel++)
        largest_of_one(p, input + channel, output + channel);
}

static void largest_of_eight(const patch *p, const reds_float32 *input, reds_float32 *output)
{
    largest_of_four(p, input, output);
    largest_of_four(p, input + FOUR, output + FOUR);
}

#endif

static void run(const reds_operands *operands, const pooling *by)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t channels = operands->step->input_channels;
    const uint32_t block = channels >= EIGHT ? EIGHT : channels >= FOUR ? FOUR : 1;
    const pool_channels pool = block == EIGHT ? by->eight : block == FOUR ? by->four : by->one;
    patch p = {.step = channels * (uint32_t)sizeof(float)};
    reds_float32 *output = operands->output;
    for (uint32_t y = 0; y < layer->output_height; y++) {
        for (uint32_t x = 0; x < layer->output_width; x++, output += channels) {
            const reds_window at = reds_window_at(layer, y, x);
            const reds_float32 *input = operands->input;
            input += reds_window_position(layer, &at, at.first_row, at.first_column) * channels;
            p.rows = at.end_row - at.first_row;
            p.columns = at.end_column - at.first_column;
            p.skip = (layer->input_width - p.columns) * p.step;
            p.share = 1.0f / (float)(p.rows * p.columns);
            for (uint32_t channel = 0; channel < channels; channel += block) {
                const uint32_t first = channel + block <= channels ? channel : channels - block;
                pool(&p, input + first, output + first);
            }
        }
    }
}

static void run_average(const reds_operands *operands)
{
    static const pooling average = {average_of_eight, average_of_four, average_of_one};
    run(operands, &average);
}

static void run_largest(const reds_operands *operands)
{
    static const pooling largest = {largest_of_eight, largest_of_four, largest_of_one};
    run(operands, &largest);
}

const reds_kernel reds_average_pool_float32 = {run_average, NULL};
const reds_kernel reds_max_pool_float32 = {run_largest, NULL};

#endif
