/* Dense layer, int8, with the DSP instructions of a Cortex-M4: four products in two SMLAD.
 *
 * Six rows share the loads and the sign extension of the inputs: as many as fourteen registers hold. Sums stay below 2^31 by the
 * format's rules, in whatever order the products are added.
 */
#include "reds_core.h"
#include "reds_kernels.h"

#if REDS_HAS_DSP

#include "reds_dsp.h"
#include "requantise.h"

enum { WORD_BYTES = 4, ROWS = 6 };

static inline uint32_t word_at(const uint8_t *bytes)
{
    return *(const reds_word *)(const void *)bytes;
}

static inline int32_t accumulate(int32_t sum, uint32_t weights, uint32_t even, uint32_t odd)
{
    sum = reds_multiply_add_pairs(sum, reds_even_bytes(weights), even);
    return reds_multiply_add_pairs(sum, reds_odd_bytes(weights), odd);
}

#if REDS_DSP_INSTRUCTIONS

/* An argument that only the assembly sees. */
#define IN_REGISTER __attribute__((unused))

/* One row: its next word lies at `address`; r11 and r12 hold the even and the odd inputs. */
#define ROW(sum, address)                \
    "ldr r3, " address "\n\t"            \
    "sxtb16 lr, r3\n\t"                  \
    "sxtb16 r3, r3, ror #8\n\t"          \
    "smlad " sum ", lr, r11, " sum "\n\t" \
    "smlad " sum ", r3, r12, " sum "\n\t"

/* One word of the inputs and of every row; what moves a pointer on comes last. */
#define WORD                         \
    "ldr r12, [r2], #4\n\t"          \
    "sxtb16 r11, r12\n\t"            \
    "sxtb16 r12, r12, ror #8\n\t"    \
    ROW("r5", "[r0, r1]")            \
    ROW("r6", "[r0, r1, lsl #1]")    \
    ROW("r4", "[r0], #4")            \
    ROW("r8", "[r10, r1]")           \
    ROW("r9", "[r10, r1, lsl #1]")   \
    ROW("r7", "[r10], #4")

/* Biases of ROWS channels, each plus the sum of its row's products; input_bytes is a positive multiple of WORD_BYTES.
 *
 * In assembly throughout, because it needs every register: r0 and r10 point at rows 0 and 3, whose neighbours are reached by
 * multiples of the stride in r1; r2 is the input, r4 to r9 are the sums; the input's end waits on the stack. Two words for each
 * turn; an odd number of them enters in the middle. A channel record is 12 bytes long and begins with the bias. */
__attribute__((naked, noinline)) static void sum_rows(
    IN_REGISTER const uint8_t *row, IN_REGISTER size_t stride, IN_REGISTER const uint8_t *input, IN_REGISTER size_t input_bytes,
    IN_REGISTER const struct reds_int8_channel_record *channels, IN_REGISTER int32_t sums[ROWS])
{
    __asm__("push {r4-r11, lr}\n\t"
            "ldr r10, [sp, #36]\n\t"
            "ldr r4, [r10]\n\t"
            "ldr r5, [r10, #12]\n\t"
            "ldr r6, [r10, #24]\n\t"
            "ldr r7, [r10, #36]\n\t"
            "ldr r8, [r10, #48]\n\t"
            "ldr r9, [r10, #60]\n\t"
            "add r12, r2, r3\n\t"
            "push {r12}\n\t"
            "add r10, r0, r1\n\t"
            "add r10, r10, r1, lsl #1\n\t"
            "tst r3, #4\n\t"
            "bne 2f\n"
            "1:\n\t" WORD
            "2:\n\t" WORD
            "ldr r3, [sp]\n\t"
            "cmp r2, r3\n\t"
            "bne 1b\n\t"
            "ldr r10, [sp, #44]\n\t"
            "stmia r10, {r4-r9}\n\t"
            "pop {r3}\n\t"
            "pop {r4-r11, pc}");
}

#else

static void sum_rows(const uint8_t *row, size_t stride, const uint8_t *input, size_t input_bytes,
                     const struct reds_int8_channel_record *channels, int32_t sums[ROWS])
{
    for (size_t r = 0; r < ROWS; r++) {
        sums[r] = channels[r].bias;
        for (size_t i = 0; i < input_bytes; i += WORD_BYTES) {
            const uint32_t inputs = word_at(input + i);
            sums[r] = accumulate(sums[r], word_at(row + r * stride + i), reds_even_bytes(inputs), reds_odd_bytes(inputs));
        }
    }
}

#endif

static int32_t sum_row(const uint8_t *row, const uint8_t *input, size_t input_bytes, int32_t bias)
{
    int32_t sum = bias;
    for (const uint8_t *const end = input + input_bytes; input < end; input += WORD_BYTES, row += WORD_BYTES) {
        const uint32_t inputs = word_at(input);
        sum = accumulate(sum, word_at(row), reds_even_bytes(inputs), reds_odd_bytes(inputs));
    }
    return sum;
}

void reds_dense_int8(const reds_operands *operands)
{
    const struct reds_int8_channel_record *channel = operands->channels;
    const uint8_t *const input = operands->input;
    const size_t input_bytes = (operands->step->inputs + WORD_BYTES - 1) / WORD_BYTES * WORD_BYTES;
    const size_t stride = operands->layer->row_stride;
    const reds_clamp clamp = reds_clamp_of(operands->step);
    const uint8_t *row = operands->weights;
    int8_t *output = operands->output;
    uint32_t left = operands->step->outputs;

    for (; left >= ROWS; left -= ROWS, row += ROWS * stride, channel += ROWS) {
        int32_t sums[ROWS];
        sum_rows(row, stride, input, input_bytes, channel, sums);
        output = reds_requantise_all(sums, ROWS, channel, clamp, output);
    }
    for (; left > 0; left--, row += stride, channel++)
        *output++ = reds_requantise(sum_row(row, input, input_bytes, channel->bias), channel, clamp);
}

#endif
