/* Dense layers and convolutions, int8, weights in panels, with the DSP instructions of a Cortex-M4: one window after the other,
 * widened (windows_int8_dsp.h), times panels of six rows.
 *
 * Four columns of six rows lie together: two LDM load them, one LDRD the window's. That makes 27 instructions for 24
 * multiply-adds. Two SXTB16 and two SMLAD for each word of weights are 24 of them; more rows or columns at a time would save none
 * of those.
 */
#include "reds_kernels.h"

#if REDS_HAS_DSP

#include "matrix_windows.h"
#include "one_window_int8_dsp.h"
#include "requantise_dsp.h"
#include "windows_int8_dsp.h"

enum { PANEL_ROWS = 6, FEWEST_IN_PANEL = 4 }; /* fewer rows of a panel take less one by one */

typedef struct reds_int8_channel_record channel_record;

/* Successive panels. Assembly reads the fields in this order. */
typedef struct {
    const uint8_t *weights;                    /* on a word boundary */
    const uint32_t *window, *window_end;       /* two words for each word of four columns */
    const channel_record *channels;
    int8_t *output;
    int32_t zero_point;
    uint32_t gap;             /* bytes from the last column of a panel to the next panel */
    const int8_t *output_end; /* behind the last row's: of the last panel rows may be left out */
    const struct reds_step_record *step; /* not for the assembly */
} panels;

#if REDS_DSP_INSTRUCTIONS

/* Four columns of a row, in `word`, times the window's in r2 (even) and r3 (odd). */
#define ROW(sum, word)                      \
    "sxtb16 lr, " word "\n\t"               \
    "sxtb16 " word ", " word ", ror #8\n\t" \
    "smlad " sum ", lr, r2, " sum "\n\t"    \
    "smlad " sum ", " word ", r3, " sum "\n\t"
#define THREE_ROWS(a, b, c) "ldmia r0!, {r10, r11, r12}\n\t" ROW(a, "r10") ROW(b, "r11") ROW(c, "r12")
/* 27 instructions of WORD_BYTES in all: the loop is entered in the middle. */
#define WORD "ldrd r2, r3, [r1], #8\n\t" THREE_ROWS("r4", "r5", "r6") THREE_ROWS("r7", "r8", "r9")
#define WORD_BYTES "108"

/* The bias of a row. Blocks of 4 bytes, from the last row to the first: fewer rows enter in the middle. */
#define BIAS(sum, at) "ldr.w " sum ", [r3, #" at "]\n\t"

/* A sum becomes an output, as in reds_requantise_sums: r1 the channels, r3 the zero point, lr where outputs go. Blocks of 40
 * bytes, from the last row to the first. */
#define OUTPUT(sum, row, multiplier_at)               \
    "ldrd r2, r10, [r1, #" multiplier_at "]\n\t"      \
    "rsbs.w r10, r10, #0\n\t"                         \
    "ble.w 3" row "f\n\t"                             \
    "lsls.w " sum ", " sum ", #1\n\t"                 \
    "smmulr " sum ", " sum ", r2\n\t"                 \
    "add.w " sum ", " sum ", " sum ", asr #31\n\t"    \
    "asrs.w " sum ", " sum ", r10\n\t"                \
    "adc.w " sum ", " sum ", r3\n"                    \
    "4" row ":\n\t"                                   \
    "ssat " sum ", #8, " sum "\n\t"                   \
    "strb.w " sum ", [lr, #" row "]\n\t"
#define SHIFTED_LEFT(sum, row) \
    "3" row ":\n\t"            \
    "mov r11, " sum "\n\t"     \
    "bl 9f\n\t"                \
    "mov " sum ", r11\n\t"     \
    "b 4" row "b\n"

/* On the stack, from sp on: the fields of `panels` from the window on; at 28, 32 and 36 where the loop, the biases and the
 * outputs are entered. */
__attribute__((naked, noinline)) static void multiply_panels(REDS_IN_REGISTER const panels *work)
{
    __asm__("push {r4-r11, lr}\n\t"
            "ldmia r0, {r0-r7}\n\t"
            "subs r8, r2, r1\n\t"
            "ubfx r8, r8, #3, #2\n\t"
            "mov r9, #" WORD_BYTES "\n\t"
            "mul r8, r8, r9\n\t"
            "adr.w r9, 2f\n\t"
            "subs r8, r9, r8\n\t"
            "orr r8, r8, #1\n\t"
            "adr.w r9, 4f\n\t"
            "orr r9, r9, #1\n\t"
            "adr.w r10, 5f\n\t"
            "orr r10, r10, #1\n\t"
            "push {r1-r10}\n\t"
            "subs r3, r7, r4\n\t"
            "b 7f\n"

            "6:\n\t"
            "ldr r3, [sp, #8]\n\t"
            "ldr r1, [sp]\n\t"
            "ldr.w pc, [sp, #32]\n"
            "4:\n\t"
            BIAS("r9", "60")
            BIAS("r8", "48")
            BIAS("r7", "36")
            BIAS("r6", "24")
            BIAS("r5", "12")
            BIAS("r4", "0")
            "ldr.w pc, [sp, #28]\n"
            "1:\n\t" WORD WORD WORD WORD
            "2:\n\t"
            "ldr r2, [sp, #4]\n\t"
            "cmp r1, r2\n\t"
            "bne 1b\n\t"

            "ldrd r1, lr, [sp, #8]\n\t"
            "ldr r3, [sp, #16]\n\t"
            "ldr.w pc, [sp, #36]\n"
            "5:\n\t"
            OUTPUT("r9", "5", "64")
            OUTPUT("r8", "4", "52")
            OUTPUT("r7", "3", "40")
            OUTPUT("r6", "2", "28")
            OUTPUT("r5", "1", "16")
            OUTPUT("r4", "0", "4")
            "adds r1, r1, #72\n\t"
            "add lr, lr, #6\n\t"
            "strd r1, lr, [sp, #8]\n\t"
            "ldrd r2, r3, [sp, #20]\n\t"
            "add r0, r2\n\t"
            "subs r3, r3, lr\n"
            "7:\n\t" /* r3: rows that are left */
            "ble 8f\n\t"
            "cmp r3, #6\n\t"
            "bge 6b\n\t"
            "rsb r3, r3, #6\n\t"
            "ldrd r1, r2, [sp, #32]\n\t"
            "add.w r1, r1, r3, lsl #2\n\t"
            "add.w r2, r2, r3, lsl #3\n\t"
            "add.w r2, r2, r3, lsl #5\n\t"
            "strd r1, r2, [sp, #32]\n\t"
            "b 6b\n"
            "8:\n\t"
            "add sp, sp, #40\n\t"
            "pop {r4-r11, pc}\n"

            SHIFTED_LEFT("r4", "0")
            SHIFTED_LEFT("r5", "1")
            SHIFTED_LEFT("r6", "2")
            SHIFTED_LEFT("r7", "3")
            SHIFTED_LEFT("r8", "4")
            SHIFTED_LEFT("r9", "5")
            "9:\n\t" /* the sum in r11, the multiplier in r2, less the shift in r10 */
            "push {lr}\n\t"
            "rsb r10, r10, #0\n\t"
            "lsl r11, r11, r10\n\t"
            "smull r10, r11, r11, r2\n\t"
            "adds r10, r10, r10\n\t"
            "adc r11, r11, r11\n\t"
            "add r11, r11, r10, lsr #31\n\t"
            "qadd r11, r11, r3\n\t"
            "ldr r2, [sp], #4\n\t"
            "ldr lr, [sp, #12]\n\t"
            "bx r2");
}

#else

static void multiply_panels(const panels *work)
{
    const channel_record *channel = work->channels;
    const uint8_t *weights = work->weights;
    const size_t stride = PANEL_ROWS * REDS_INT8_BLOCK;
    const size_t columns_bytes = (size_t)(work->window_end - work->window) / REDS_WINDOW_PITCH * stride;
    for (int8_t *output = work->output; output < work->output_end; weights += columns_bytes + work->gap)
        for (uint32_t r = 0; r < PANEL_ROWS && output < work->output_end; r++, channel++, output++) {
            const uint8_t *const row = weights + r * REDS_INT8_BLOCK;
            const int32_t sum = reds_multiply_row(row, stride, work->window, work->window_end, channel->bias);
            reds_requantise_sums(&sum, 1, channel, work->step, output);
        }
}

#endif

/* Rows `row` .. end - 1 of one panel, one by one. */
static void multiply_single_rows(const reds_operands *operands, const panels *work, size_t columns, uint32_t row, uint32_t end)
{
    const uint32_t panel_rows = operands->layer->panel_rows;
    const uint8_t *panel = reds_at(operands, operands->layer->weights_offset);
    panel += row / panel_rows * panel_rows * columns;
    for (; row < end; row++) {
        const uint8_t *const weights = panel + row % panel_rows * REDS_INT8_BLOCK;
        const channel_record *const channel = work->channels + row;
        const int32_t sum = reds_multiply_row(weights, panel_rows * REDS_INT8_BLOCK, work->window, work->window_end, channel->bias);
        reds_requantise_sums(&sum, 1, channel, operands->step, work->output + row);
    }
}

static void multiply_window(const reds_operands *operands, const uint32_t *window, const uint32_t *window_end, int8_t *output)
{
    const struct reds_layer_record *const layer = operands->layer;
    const uint32_t panel_rows = layer->panel_rows, rows = operands->step->output_channels, rest = rows % PANEL_ROWS;
    const uint32_t columns = reds_rounded_up(reds_positions(layer) * layer->input_channels, REDS_INT8_BLOCK);
    panels work = {.window = window, .window_end = window_end, .output = output};
    work.weights = reds_at(operands, layer->weights_offset);
    work.channels = reds_channels(operands);
    work.step = operands->step;
    work.zero_point = operands->step->output_zero_point;
    work.gap = PANEL_ROWS * (columns - (uint32_t)(window_end - window) / REDS_WINDOW_PITCH * REDS_INT8_BLOCK);
    uint32_t row = 0;
    if (panel_rows == PANEL_ROWS) {
        row = rest < FEWEST_IN_PANEL ? rows - rest : rows;
        work.output_end = output + row;
        multiply_panels(&work);
    }
    for (uint32_t count; row < rows; row += count) {
        count = rows - row < panel_rows ? rows - row : panel_rows;
        multiply_single_rows(operands, &work, columns, row, row + count);
    }
}

/* A window in one piece. */
static void find_order(const reds_operands *operands, reds_windows_order *order)
{
    reds_find_windows_order(operands, REDS_MAX_INT8_COLUMNS + 1, order);
}

static void run(const reds_operands *operands)
{
    const uint32_t windows = reds_windows(operands->layer), rows = operands->step->output_channels;
    uint32_t *const words = operands->scratch;
    uint8_t *const scratch = operands->scratch;
    reds_windows_order order;
    reds_windows_progress progress;
    find_order(operands, &order);
    for (uint32_t i = 0; i < windows; i++) {
        reds_begin_windows(&progress);
        const uint32_t count = reds_widen_piece(&order, i, 1, REDS_WINDOW_PITCH, &progress, scratch + order.capacity, words);
        multiply_window(operands, words, words + count * REDS_WINDOW_PITCH, (int8_t *)operands->output + (size_t)i * rows);
    }
    reds_clamp_bytes(operands->step, operands->output, windows * rows);
}

/* Bytes are widened where they lie, in the second half. */
static uint32_t scratch_bytes(const reds_operands *operands)
{
    reds_windows_order order;
    find_order(operands, &order);
    return order.capacity / REDS_INT8_BLOCK * REDS_WINDOW_PITCH * (uint32_t)sizeof(uint32_t);
}

const reds_kernel reds_matrix_int8_panels = {run, scratch_bytes};

#endif
