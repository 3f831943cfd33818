/* Dense layers and convolutions with weights in rows or shells, float32, on a Cortex-M4F.
 *
 * Two windows at a time (the last one alone, when their number is odd) meet all rows: four at a time, and one by one what fours
 * leave over; float32_tiles_fpv4.h holds the loops. Windows that lie in memory as the columns want them (dense layers, 1x1
 * convolutions) are read where they are; of the others two are gathered into the scratch.
 */
#include "reds_core.h"
#include "reds_matrix.h"

#if REDS_HAS_FPV4

#include "float32_activation_fpv4.h"
#include "float32_gather_fpv4.h"
#include "float32_tiles_fpv4.h"

enum { BLOCK = 1 };

/* The rows of one group over `windows` windows, which `t` names. */
static void multiply_group(tiles *t, reds_row_group *group, uint32_t windows)
{
    const uint32_t fours = group->row_count / TILE_ROWS, ones = group->row_count % TILE_ROWS;
    t->segments = group->segments;
    t->segments_end = group->segments + group->segment_count;
    if (windows == TILE_WINDOWS) {
        if (fours > 0)
            four_rows_two_windows(t, fours);
        if (ones > 0)
            one_row_two_windows(t, ones);
    } else {
        if (fours > 0)
            four_rows_one_window(t, fours);
        if (ones > 0)
            one_row_one_window(t, ones);
    }
}

/* Whether the outputs of the second window would overwrite what the first one still reads: where outputs run close behind the
 * input and the windows belong to two rows of the map. */
static int is_clash(const tiles *t, uint32_t columns, uint32_t outputs)
{
    const uintptr_t read = (uintptr_t)t->windows[0], written = (uintptr_t)t->outputs[1];
    return written < read + columns * sizeof(float) && read < written + outputs * sizeof(float);
}

static void run(const reds_operands *operands)
{
    const uint32_t outputs = operands->step->output_channels, count = reds_windows(operands->layer);
    const uint32_t columns = reds_columns(operands, BLOCK);
    const int gathered = reds_is_gathered(operands, BLOCK);
    reds_float32 *const scratch = operands->scratch, *output = operands->output;
    const reds_float32 *const input = operands->input;
    tiles t = {.cuts_negatives = reds_cuts_negatives(operands->layer)};

    for (uint32_t window = 0, windows; window < count; window += windows) {
        t.windows[0] = gathered ? input + window * columns : scratch;
        t.windows[1] = t.windows[0] + columns;
        t.outputs[0] = output;
        t.outputs[1] = output + outputs;
        t.channels = reds_channels(operands);
        windows = count - window == 1 || is_clash(&t, columns, outputs) ? 1 : TILE_WINDOWS;
        if (!gathered)
            for (uint32_t i = 0; i < windows; i++)
                reds_gather_float32(operands, window + i, scratch + i * columns);
        reds_row_group group; /* rows follow one another from group to group, and so do the outputs */
        for (uint32_t g = 0; reds_row_group_at(operands, g, sizeof(float), BLOCK, &group); g++)
            multiply_group(&t, &group, windows);
        output += windows * outputs;
    }
    reds_finish_activation(operands->layer, operands->output, count * outputs);
}

static uint32_t scratch_bytes(const reds_operands *operands)
{
    const uint32_t windows = reds_windows(operands->layer) < TILE_WINDOWS ? 1 : TILE_WINDOWS;
    return reds_is_gathered(operands, BLOCK) ? 0 : windows * reds_columns(operands, BLOCK) * (uint32_t)sizeof(float);
}

const reds_kernel reds_matrix_float32_rows = {run, scratch_bytes};

#endif
