/* Depthwise convolution, float32, on a Cortex-M4F.
 *
 * Eight channels at a time: a position of the kernel is one VLDM of eight elements, one of eight weights and eight fused
 * multiply-adds into sums that do not depend on one another, 12 instructions for 8 products. A sum takes up its positions in
 * order; positions outside the input are left out. What eights of channels leave over is done by going back: the last eight
 * overlap those before them, which are computed twice, to the same result. Fewer than eight go by fours in the same way, fewer
 * than four one by one.
 *
 * Two neighbouring outputs at a time would load a third less and take about a tenth fewer instructions, for 3x3 kernels of
 * stride 1 only.
 */
#include "reds_core.h"
#include "reds_kernels.h"

#if REDS_HAS_FPV4

#include "float32_activation_fpv4.h"
#include "float32_output.h"
#include "reds_window.h"

enum { EIGHT = 8, FOUR = 4 };

/* The part of a window that lies inside the input. Steps lead from one position of a row to the next, skips from behind the last
 * one of a row to the first of the next, in bytes. */
typedef struct {
    float zeros[EIGHT];
    const reds_float32 *input, *weights; /* the instructions advance these, and clear `back` */
    uint32_t rows, columns;
    uint32_t back; /* bytes by which the last block of elements overlaps the one before it; 0: there is no such block */
    uint32_t cuts_negatives; /* 1: negative outputs become 0 */
    uint32_t input_step, weights_step, input_skip, weights_skip;
    const struct reds_float32_channel_record *channels;
    reds_float32 *output;
} patch;

static void one_channel(const patch *p, uint32_t channel)
{
    float sum = 0.0f;
    for (uint32_t row = 0; row < p->rows; row++) {
        const size_t input_row = row * (p->columns * p->input_step + p->input_skip) / sizeof(float);
        const size_t weights_row = row * (p->columns * p->weights_step + p->weights_skip) / sizeof(float);
        const reds_float32 *const input = p->input + channel + input_row;
        const reds_float32 *const weights = p->weights + channel + weights_row;
        for (uint32_t column = 0; column < p->columns; column++)
            sum = reds_multiply_add(sum, weights[column * p->weights_step / sizeof(float)],
                                    input[column * p->input_step / sizeof(float)]);
    }
    const float value = reds_multiply_add(p->channels[channel].bias, sum, p->channels[channel].scale);
    p->output[channel] = reds_activate(value, p->cuts_negatives ? REDS_RELU : REDS_NO_ACTIVATION, 0.0f);
}

#if defined(__arm__)

/* Where the instructions expect what they read. */
__extension__ _Static_assert(offsetof(patch, input) == 32 && offsetof(patch, rows) == 40 && offsetof(patch, columns) == 44 &&
                                 offsetof(patch, back) == 48 && offsetof(patch, cuts_negatives) == 52 &&
                                 offsetof(patch, input_step) == 56 && offsetof(patch, output) == 76,
                             "offsets in the instructions");

#define FMA(sum, weight, element) "vfma.f32 s" #sum ", s" #weight ", s" #element "\n\t"

/* One position of eight or four channels, and its length in bytes. */
#define POSITION_OF_8                                                                                                \
    "vldmia r1, {s8-s15}\n\tvldmia r2, {s16-s23}\n\tadd.n r1, r3\n\tadd.n r2, r4\n\t"                                 \
    FMA(0, 16, 8) FMA(1, 17, 9) FMA(2, 18, 10) FMA(3, 19, 11) FMA(4, 20, 12) FMA(5, 21, 13) FMA(6, 22, 14) FMA(7, 23, 15)
#define POSITION_OF_4                                                                                                \
    "vldmia r1, {s8-s11}\n\tvldmia r2, {s16-s19}\n\tadd.n r1, r3\n\tadd.n r2, r4\n\t"                                 \
    FMA(0, 16, 8) FMA(1, 17, 9) FMA(2, 18, 10) FMA(3, 19, 11)
#define POSITION_OF_8_BYTES "44"
#define POSITION_OF_4_BYTES "28"

/* Sums x scale + bias; then 0 for what has its sign bit set. */
#define FOUR_OUTPUTS(a, b, c, d)                                                                                     \
    "vmov r1, s" #a "\n\tvmov r2, s" #b "\n\tvmov r8, s" #c "\n\tvmov r10, s" #d "\n\t"                               \
    "beq 8f\n\t"                                                                                                     \
    "bic r1, r1, r1, asr #31\n\tbic r2, r2, r2, asr #31\n\tbic r8, r8, r8, asr #31\n\tbic r10, r10, r10, asr #31\n"   \
    "8:\n\t"                                                                                                         \
    "stmia lr!, {r1, r2, r8, r10}\n\t"
#define OUTPUTS_OF_8                                                                                                 \
    "vldmia r12!, {s8-s23}\n\t"                                                                                      \
    FMA(9, 0, 8) FMA(11, 1, 10) FMA(13, 2, 12) FMA(15, 3, 14)                                                        \
    FMA(17, 4, 16) FMA(19, 5, 18) FMA(21, 6, 20) FMA(23, 7, 22)                                                      \
    FOUR_OUTPUTS(9, 11, 13, 15) FOUR_OUTPUTS(17, 19, 21, 23)
#define OUTPUTS_OF_4                                                                                                 \
    "vldmia r12!, {s8-s15}\n\t" FMA(9, 0, 8) FMA(11, 1, 10) FMA(13, 2, 12) FMA(15, 3, 14) FOUR_OUTPUTS(9, 11, 13, 15)

/* r11 blocks of channels. A row of at most three columns jumps to as many positions before the end of three that stand there;
 * wider rows are counted, with two more instructions for each position. Registers: r0 the patch, r1 elements, r2 weights, r3 r4
 * their steps, r5 r6 their skips, r8 rows left, r9 where a row begins, r12 channels, lr output. r7 may be the frame pointer. */
#define BLOCKS(position, position_bytes, outputs, block_bytes)                                                       \
    "add r1, r0, #56\n\t"                                                                                            \
    "ldmia r1, {r3, r4, r5, r6, r12, lr}\n\t"                                                                        \
    "ldr r1, [r0, #44]\n\t"                                                                                          \
    "adr.w r9, 4f\n\t"                                                                                               \
    "cmp r1, #3\n\t"                                                                                                 \
    "bhi 1f\n\t"                                                                                                     \
    "adr.w r9, 3f\n\t"                                                                                               \
    "mov r2, #" position_bytes "\n\t"                                                                                \
    "mls r9, r1, r2, r9\n"                                                                                           \
    "1:\n\t"                                                                                                         \
    "vldmia r0, {s0-s7}\n\t"                                                                                         \
    "ldrd r1, r2, [r0, #32]\n\t"                                                                                     \
    "ldr r8, [r0, #40]\n"                                                                                            \
    "2:\n\t"                                                                                                         \
    "mov pc, r9\n\t" position position position                                                                       \
    "\n3:\n\t"                                                                                                       \
    "add r1, r5\n\t"                                                                                                 \
    "add r2, r6\n\t"                                                                                                 \
    "subs r8, #1\n\t"                                                                                                \
    "bne 2b\n\t"                                                                                                     \
    "ldr r1, [r0, #52]\n\t"                                                                                          \
    "cmp r1, #0\n\t" outputs                                                                                         \
    "ldrd r1, r2, [r0, #32]\n\t"                                                                                     \
    "add r1, #" block_bytes "\n\t"                                                                                   \
    "add r2, #" block_bytes "\n\t"                                                                                   \
    "strd r1, r2, [r0, #32]\n\t"                                                                                     \
    "subs r11, #1\n\t"                                                                                               \
    "bne 1b\n\t"                                                                                                     \
    "ldr r1, [r0, #48]\n\t" /* once more, further back? */                                                           \
    "cbz r1, 6f\n\t"                                                                                                 \
    "mov r11, #1\n\t"                                                                                                \
    "mov r2, #0\n\t"                                                                                                 \
    "str r2, [r0, #48]\n\t"                                                                                          \
    "ldrd r2, r8, [r0, #32]\n\t"                                                                                     \
    "sub r2, r2, r1\n\t"                                                                                             \
    "sub r8, r8, r1\n\t"                                                                                             \
    "strd r2, r8, [r0, #32]\n\t"                                                                                     \
    "sub lr, lr, r1\n\t"                                                                                             \
    "sub r12, r12, r1, lsl #1\n\t"                                                                                   \
    "b 1b\n"                                                                                                         \
    "4:\n\t"                                                                                                         \
    "ldr r10, [r0, #44]\n"                                                                                           \
    "5:\n\t" position                                                                                                \
    "subs r10, #1\n\t"                                                                                               \
    "bne 5b\n\t"                                                                                                     \
    "b 3b\n"                                                                                                         \
    "6:"

#define RUN_BLOCKS(p, number, instructions)                                                                          \
    register patch *const r0 __asm__("r0") = p;                                                                      \
    register uint32_t r11 __asm__("r11") = number;                                                                   \
    __asm__ volatile(instructions                                                                                    \
                     : "+r"(r11)                                                                                     \
                     : "r"(r0)                                                                                       \
                     : "cc", "memory", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "lr", "s0", "s1",  \
                       "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", "s16", \
                       "s17", "s18", "s19", "s20", "s21", "s22", "s23")

/* At least one block each. */
static void blocks_of_eight(patch *p, uint32_t number)
{
    RUN_BLOCKS(p, number, BLOCKS(POSITION_OF_8, POSITION_OF_8_BYTES, OUTPUTS_OF_8, "32"));
}

static void blocks_of_four(patch *p, uint32_t number)
{
    RUN_BLOCKS(p, number, BLOCKS(POSITION_OF_4, POSITION_OF_4_BYTES, OUTPUTS_OF_4, "16"));
}

#else

/* What the instructions do, for tests of what surrounds them on other cores. */
static void run_blocks(patch *p, uint32_t number, uint32_t block)
{
    for (uint32_t b = 0; b < number + (p->back > 0 ? 1 : 0); b++) {
        const uint32_t channel = b * block - (b == number ? p->back / (uint32_t)sizeof(float) : 0);
        for (uint32_t c = channel; c < channel + block; c++)
            one_channel(p, c);
    }
    p->back = 0;
}

static void blocks_of_eight(patch *p, uint32_t number)
{
    run_blocks(p, number, EIGHT);
}

static void blocks_of_four(patch *p, uint32_t number)
{
    run_blocks(p, number, FOUR);
}

#endif

/* All channels of one output position. */
static void multiply_patch(patch *p, uint32_t channels)
{
    const uint32_t block = channels >= EIGHT ? EIGHT : FOUR, left = channels % block;
    p->back = left > 0 ? (block - left) * (uint32_t)sizeof(float) : 0;
    if (block == EIGHT)
        blocks_of_eight(p, channels / EIGHT);
    else if (channels >= FOUR)
        blocks_of_four(p, 1);
    else
        for (uint32_t channel = 0; channel < channels; channel++)
            one_channel(p, channel);
}

static void run(const reds_operands *operands)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t channels = operands->step->output_channels, kernel_channels = layer->output_channels;
    const uint32_t input_width = layer->input_width, kernel_width = layer->kernel_width, output_width = layer->output_width;
    const reds_float32 *const input = operands->input, *const weights = reds_at(operands, layer->weights_offset);
    patch p = {.cuts_negatives = reds_cuts_negatives(layer),
               .input_step = channels * (uint32_t)sizeof(float),
               .weights_step = kernel_channels * (uint32_t)sizeof(float),
               .channels = reds_channels(operands),
               .output = operands->output};

    for (uint32_t y = 0; y < layer->output_height; y++) {
        reds_window at = reds_window_at(layer, y, 0);
        p.rows = at.end_row - at.first_row;
        const reds_float32 *const row = input + (uint32_t)(at.row + (int32_t)at.first_row) * input_width * channels;
        const reds_float32 *const row_weights = weights + at.first_row * kernel_width * kernel_channels;
        for (uint32_t x = 0; x < output_width; x++) {
            reds_clip(at.column, kernel_width, input_width, &at.first_column, &at.end_column);
            p.columns = at.end_column - at.first_column;
            p.input = row + (uint32_t)(at.column + (int32_t)at.first_column) * channels;
            p.weights = row_weights + at.first_column * kernel_channels;
            p.input_skip = (input_width - p.columns) * p.input_step;
            p.weights_skip = (kernel_width - p.columns) * p.weights_step;
            multiply_patch(&p, channels);
            p.output += channels;
            at.column += layer->stride_width;
        }
    }
    reds_finish_activation(layer, operands->output, (uint32_t)layer->output_height * output_width * channels);
}

const reds_kernel reds_depthwise_float32 = {run, NULL};

#endif
