/* Gathering windows of float32 elements on a Cortex-M4F: as reds_gather, but by the FPU's loads and stores of several registers.
 *
 * A convolution with few outputs spends as long on gathering as on multiplying, and small C libraries copy byte by byte.
 */
#ifndef REDS_FLOAT32_GATHER_FPV4_H
#define REDS_FLOAT32_GATHER_FPV4_H

#include "reds_matrix.h"
#include "reds_window.h"

/* Copy `runs` runs (at least one) of `elements` successive elements; a skip leads from behind a run to the next, in elements. */
static inline void reds_copy_runs(reds_float32 *to, uint32_t to_skip, const reds_float32 *from, uint32_t from_skip, uint32_t runs,
                                  uint32_t elements)
{
#if defined(__arm__)
    uint32_t eights;
    __asm__ volatile("1:\n\t"
                     "lsrs %[eights], %[elements], #3\n\t"
                     "beq 3f\n"
                     "2:\n\t"
                     "vldmia %[from]!, {s0-s7}\n\t"
                     "vstmia %[to]!, {s0-s7}\n\t"
                     "subs %[eights], #1\n\t"
                     "bne 2b\n"
                     "3:\n\t"
                     "lsls %[eights], %[elements], #29\n\t" /* what eights leave over: N is the bit of four */
                     "beq 6f\n\t"
                     "bpl 4f\n\t"
                     "vldmia %[from]!, {s0-s3}\n\t"
                     "vstmia %[to]!, {s0-s3}\n"
                     "4:\n\t"
                     "lsls %[eights], %[elements], #31\n\t" /* C is the bit of two, N that of one */
                     "bcc 5f\n\t"
                     "vldmia %[from]!, {s0-s1}\n\t"
                     "vstmia %[to]!, {s0-s1}\n"
                     "5:\n\t"
                     "bpl 6f\n\t"
                     "vldmia %[from]!, {s0}\n\t"
                     "vstmia %[to]!, {s0}\n"
                     "6:\n\t"
                     "add %[from], %[from], %[from_skip], lsl #2\n\t"
                     "add %[to], %[to], %[to_skip], lsl #2\n\t"
                     "subs %[runs], #1\n\t"
                     "bne 1b"
                     : [to] "+r"(to), [from] "+r"(from), [runs] "+r"(runs), [eights] "=&r"(eights)
                     : [elements] "r"(elements), [to_skip] "r"(to_skip), [from_skip] "r"(from_skip)
                     : "cc", "memory", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7");
#else
    for (; runs > 0; runs--, from += from_skip, to += to_skip)
        for (uint32_t i = 0; i < elements; i++)
            *to++ = *from++;
#endif
}

/* Copy window `window` into `gathered`, columns in their order, 0 outside the input. */
static void reds_gather_float32(const reds_operands *operands, uint32_t window, reds_float32 *gathered)
{
    const struct reds_layer_record *const layer = operands->layer;
    const reds_window at = reds_window_at(layer, window / layer->output_width, window % layer->output_width);
    const uint32_t rows = at.end_row - at.first_row, columns = at.end_column - at.first_column;
    const uint32_t channels = operands->step->input_channels, positions = reds_positions(layer);
    const uint32_t row_elements = layer->input_width * channels;
    const reds_float32 *from = operands->input;
    from += reds_window_position(layer, &at, at.first_row, at.first_column) * channels;
    if (rows * columns < positions)
        for (uint32_t i = 0; i < positions * channels; i++)
            gathered[i] = 0.0f;
    uint32_t first_channel = 0;
    for (const struct reds_level_record *level = operands->smallest; first_channel < channels; level--) {
        const struct reds_step_record *const steps = reds_at(operands, level->steps_offset);
        const uint32_t shell = steps[operands->index].input_channels - first_channel;
        const uint32_t shell_row = layer->kernel_width * shell;
        reds_float32 *const to = gathered + at.first_row * shell_row + at.first_column * shell;
        const int is_one = shell == channels; /* a row is one run, and all rows are copied together */
        const uint32_t elements = is_one ? columns * shell : shell, runs = is_one ? rows : columns;
        const uint32_t to_skip = is_one ? shell_row - elements : 0;
        const uint32_t from_skip = is_one ? row_elements - elements : channels - shell;
        const uint32_t copies = is_one ? 1 : shell > 0 ? rows : 0;
        for (uint32_t i = 0; i < copies; i++)
            reds_copy_runs(to + i * shell_row, to_skip, from + i * row_elements + first_channel, from_skip, runs, elements);
        gathered += positions * shell;
        first_channel += shell;
    }
}

#endif
