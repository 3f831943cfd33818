/* Dense layers and convolutions, int8, weights column by column, on a Cortex-M0+: what suits one window best, for a word
 * holds the weights of four rows, which meet the same input, and four products take three multiplications.
 *
 * Let u0..u3 be the bytes of a word, 128 added to each weight, S0..S3 their sums of products with the inputs, and the word
 * times the input be added up whole, shifted right by 16 bits, and shifted by 8 with every other byte masked out:
 *
 *     whole = S0 + 2^8 S1 + 2^16 S2 + 2^24 S3,  upper = S2 + 2^8 S3,  odd = S1 + 2^16 S3  (modulo 2^32)
 *
 * With up to 256 columns each sum stays below 2^23 in magnitude. So upper / 2^8 is S3 but for less than 2^15, (whole - 2^16
 * upper) / 2^8 is S1 as nearly, and their last 16 bits stand in `odd`.
 *
 * Scratch: the inputs of a window as words, then the window itself if it has to be gathered. */
#include "strip_m0plus.h"

#if REDS_HAS_M0PLUS_ASSEMBLY

#include "requantise_m0plus.h"
#include "word_window_m0plus.h"

enum { WORD_ROWS = 4, PARTS = 3, MOST_WORDS = 2, MOST_COLUMNS = 256, OFFSET = 128 };
enum { UPPER, ODD, WHOLE };

#if defined(__ARM_ARCH_6M__)

#define COLUMN_CODE_BYTES_1 "26"
#define COLUMN_CODE_BYTES_2 "48"

/* r0: the column, r1: the inputs, r3: from one column to the next, r4: the input, r6 and r7: the mask and 128 in each byte. */
#define WORD(at, upper, odd, whole)                                                        \
    "ldr r2, [r0, #" at "]\n\t eors r2, r7\n\t"                                            \
    "lsrs r5, r2, #16\n\t muls r5, r4\n\t add " upper ", r5\n\t"                           \
    "lsrs r5, r2, #8\n\t ands r5, r6\n\t muls r5, r4\n\t add " odd ", r5\n\t"              \
    "muls r2, r4\n\t add " whole ", r2\n\t"
#define FIRST_WORD WORD("0", "r8", "r9", "r10")
#define SECOND_WORD WORD("4", "r11", "r12", "lr")
#define COLUMN(WORDS) "ldmia r1!, {r4}\n\t" WORDS "adds r0, r3\n\t"

/* Four columns for each turn; what is left over of them enters in the middle. The end of the inputs lies at sp, the address
 * of the parts at sp + 40. */
#define ADD_COLUMNS(WORDS, CODE_BYTES)                                                           \
    __asm__(".syntax unified\n\t"                                                                \
            "push {r4-r7, lr}\n\t"                                                               \
            "mov r4, r8\n\t mov r5, r9\n\t mov r6, r10\n\t mov r7, r11\n\t"                      \
            "push {r4-r7}\n\t"                                                                   \
            "lsls r4, r3, #2\n\t adds r4, r2\n\t push {r4}\n\t"                                  \
            "rsbs r5, r3, #0\n\t movs r4, #3\n\t ands r5, r4\n\t movs r4, #" CODE_BYTES "\n\t muls r5, r4\n\t" \
            "movs r3, r1\n\t movs r1, r2\n\t"                                                    \
            "movs r6, #255\n\t lsls r7, r6, #16\n\t orrs r6, r7\n\t"                             \
            "movs r7, #128\n\t lsls r4, r7, #8\n\t orrs r7, r4\n\t lsls r4, r7, #16\n\t orrs r7, r4\n\t" \
            "movs r4, #0\n\t mov r8, r4\n\t mov r9, r4\n\t mov r10, r4\n\t mov r11, r4\n\t mov r12, r4\n\t mov lr, r4\n\t" \
            "add pc, r5\n\t nop\n"                                                               \
            "1:\n\t"                                                                             \
            COLUMN(WORDS) COLUMN(WORDS) COLUMN(WORDS) COLUMN(WORDS)                              \
            "ldr r5, [sp]\n\t cmp r1, r5\n\t bne 1b\n\t"                                         \
            "ldr r0, [sp, #40]\n\t mov r1, r8\n\t mov r2, r9\n\t mov r3, r10\n\t"                \
            "mov r4, r11\n\t mov r5, r12\n\t mov r6, lr\n\t stmia r0!, {r1-r6}\n\t"              \
            "add sp, #4\n\t"                                                                     \
            "pop {r4-r7}\n\t"                                                                    \
            "mov r8, r4\n\t mov r9, r5\n\t mov r10, r6\n\t mov r11, r7\n\t"                      \
            "pop {r4-r7, pc}")

#define ARGUMENTS                                                                                                   \
    __attribute__((unused)) const uint8_t *weights, __attribute__((unused)) size_t stride,                          \
        __attribute__((unused)) const int32_t *inputs, __attribute__((unused)) uint32_t columns,                    \
        __attribute__((unused)) uint32_t parts[MOST_WORDS * PARTS]

/* The parts of one word of rows, or of two. */
__attribute__((naked, noinline)) static void add_one_word(ARGUMENTS)
{
    ADD_COLUMNS(FIRST_WORD, COLUMN_CODE_BYTES_1);
}

__attribute__((naked, noinline)) static void add_two_words(ARGUMENTS)
{
    ADD_COLUMNS(FIRST_WORD SECOND_WORD, COLUMN_CODE_BYTES_2);
}

#else

static void add_one_word(const uint8_t *weights, size_t stride, const int32_t *inputs, uint32_t columns, uint32_t parts[PARTS])
{
    parts[UPPER] = parts[ODD] = parts[WHOLE] = 0;
    for (uint32_t column = 0; column < columns; column++, weights += stride) {
        const uint32_t input = (uint32_t)inputs[column], word = *(const reds_word *)(const void *)weights ^ 0x80808080u;
        parts[UPPER] += (word >> 16) * input;
        parts[ODD] += (word >> 8 & 0x00ff00ffu) * input;
        parts[WHOLE] += word * input;
    }
}

static void add_two_words(const uint8_t *weights, size_t stride, const int32_t *inputs, uint32_t columns,
                          uint32_t parts[MOST_WORDS * PARTS])
{
    add_one_word(weights, stride, inputs, columns, parts);
    add_one_word(weights + WORD_ROWS, stride, inputs, columns, parts + PARTS);
}

#endif

/* Adds S0..S3. */
static void unpack(const uint32_t parts[PARTS], int32_t sums[WORD_ROWS])
{
    const int32_t upper = (int32_t)parts[UPPER], lower = (int32_t)(parts[WHOLE] - (parts[UPPER] << 16));
    const int32_t sum1 = (lower >> 8) + (int16_t)(parts[ODD] - (uint32_t)(lower >> 8));
    const int32_t sum3 = (upper >> 8) + (int16_t)(((parts[ODD] - (uint32_t)sum1) >> 16) - (uint32_t)(upper >> 8));
    sums[0] += lower - sum1 * (1 << 8);
    sums[1] += sum1;
    sums[2] += upper - sum3 * (1 << 8);
    sums[3] += sum3;
}

static int32_t sum_of(const int32_t *inputs, uint32_t count)
{
    int32_t sum = 0;
    for (const int32_t *const end = inputs + count; inputs < end; inputs++)
        sum += *inputs;
    return sum;
}

static void multiply_window(const reds_operands *operands, const int32_t *inputs, uint32_t columns, int8_t *output)
{
    const struct reds_int8_channel_record *channel = reds_channels(operands);
    const reds_clamp clamp = reds_clamp_of(operands->step);
    const size_t stride = (operands->layer->output_channels + WORD_ROWS - 1) / WORD_ROWS * WORD_ROWS;
    const uint8_t *weights = reds_at(operands, operands->layer->weights_offset);
    const int32_t offset = OFFSET * sum_of(inputs, columns);
    for (uint32_t left = operands->step->output_channels; left > 0;) {
        const uint32_t words = left > WORD_ROWS ? MOST_WORDS : 1, rows = left < words * WORD_ROWS ? left : words * WORD_ROWS;
        int32_t sums[MOST_WORDS * WORD_ROWS] = {0};
        for (uint32_t column = 0; column < columns; column += MOST_COLUMNS) {
            const uint32_t count = columns - column < MOST_COLUMNS ? columns - column : MOST_COLUMNS;
            uint32_t parts[MOST_WORDS * PARTS];
            (words == 1 ? add_one_word : add_two_words)(weights + (size_t)column * stride, stride, inputs + column, count, parts);
            unpack(parts, sums);
            if (words > 1)
                unpack(parts + PARTS, sums + WORD_ROWS);
        }
        for (uint32_t r = 0; r < rows; r++, channel++)
            *output++ = reds_requantise_narrow(sums[r] - offset + channel->bias, channel, clamp);
        weights += rows;
        left -= rows;
    }
}

static void run(const reds_operands *operands)
{
    const int gathered = reds_is_gathered(operands, REDS_INT8_BLOCK);
    const uint32_t columns = reds_columns(operands, REDS_INT8_BLOCK), windows = reds_windows(operands->layer);
    int32_t *const inputs = operands->scratch;
    int8_t *const copy = (int8_t *)(inputs + reds_strip_columns(operands)), *output = operands->output;
    const int8_t *window = gathered ? operands->input : copy;
    for (uint32_t w = 0; w < windows; w++) {
        if (!gathered)
            reds_gather(operands, w, sizeof(int8_t), REDS_INT8_BLOCK, (uint8_t)operands->step->input_zero_point, (uint8_t *)copy);
        reds_widen_window(window, columns, inputs);
        multiply_window(operands, inputs, columns, output);
        window += gathered ? operands->step->input_channels : 0;
        output += operands->step->output_channels;
    }
}

static uint32_t scratch_bytes(const reds_operands *operands)
{
    const uint32_t columns = reds_strip_columns(operands);
    return columns * (uint32_t)sizeof(int32_t) + (reds_is_gathered(operands, REDS_INT8_BLOCK) ? 0 : columns);
}

const reds_kernel reds_matrix_int8_transposed = {run, scratch_bytes};

#endif
