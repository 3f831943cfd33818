/* Products of rows of weights with windows of the input on a Cortex-M4F, in float32: the loops of matrix_float32_rows_fpv4.c.
 *
 * A *tile* is the sums of four rows or one over two windows or one. Eight columns at a time: a window's elements are loaded once
 * for all rows of the tile, and a row's weights once for all its windows, eight by one VLDM each. Four rows x two windows take
 * all 32 registers: 8 sums, 2 x 8 elements, 8 weights; 72 instructions for 64 products.
 *
 * Whatever the tile, a sum takes up its columns in order, each by one fused multiply-add: an output depends neither on how rows
 * and windows are grouped nor on how columns are divided into segments.
 *
 * Instructions against cycles. Arm's manual gives VFMA three cycles, and VMUL with VADD two; but those are two instructions, two
 * roundings, and need registers that are not there. An accumulation may wait for the one before it into the same sum unless
 * another stands between them: every loop but that of a single sum alternates between two. Three windows x four columns would
 * load less for each product (0.58 elements instead of 0.75, about 2 % of the cycles), with 6 % more instructions and a third
 * window to gather.
 */
#ifndef REDS_FLOAT32_TILES_FPV4_H
#define REDS_FLOAT32_TILES_FPV4_H

#include <stddef.h>

#include "reds_matrix.h"

enum { TILE_ROWS = 4, TILE_WINDOWS = 2, TILE_SUMS = TILE_ROWS * TILE_WINDOWS };

/* Tiles below one another: of the same windows and of successive rows. Each function advances what its tiles have used up. */
typedef struct {
    float zeros[TILE_SUMS];
    const reds_float32 *windows[TILE_WINDOWS];
    reds_segment *segments, *segments_end;
    reds_float32 *outputs[TILE_WINDOWS];
    const struct reds_float32_channel_record *channels;
    uint32_t cuts_negatives; /* 1: negative outputs become 0 */
} tiles;

#if defined(__arm__)

/* Where the instructions expect what they read. */
#define WINDOWS_AT "32"
#define SEGMENTS_AT "40"
#define OUTPUTS_AT "48"
#define CHANNELS_AT "56"
#define CUTS_AT "60"
__extension__ _Static_assert(offsetof(tiles, windows) == 32 && offsetof(tiles, segments) == 40 &&
                                 offsetof(tiles, outputs) == 48 && offsetof(tiles, channels) == 56 &&
                                 offsetof(tiles, cuts_negatives) == 60,
                             "offsets in the instructions");
__extension__ _Static_assert(sizeof(reds_segment) == 16 && offsetof(reds_segment, stride) == 4 &&
                                 offsetof(reds_segment, column) == 8 && offsetof(reds_segment, elements) == 12,
                             "loaded by one LDM");

/* Registers: r0 the tiles, r1 the next segment, r2 r6 r8 r9 the rows, r3 their stride, r10 r11 the windows, r5 the number of
 * columns, lr that of eights, r12 that of tiles. r7 may be the frame pointer. */
#define ROW0 "r2"
#define ROW1 "r6"
#define ROW2 "r8"
#define ROW3 "r9"
#define WINDOW0 "r10"
#define WINDOW1 "r11"

#define FMA(sum, weight, element) "vfma.f32 s" #sum ", s" #weight ", s" #element "\n\t"
#define LOAD(pointer, registers) "vldmia " pointer "!, {" registers "}\n\t"

/* The next 8, 4, 2 or 1 columns of two windows (s8 to s15, s16 to s23) and of a row (s24 to s31), into sums `a` and `b`. */
#define TWO_WINDOWS_8 LOAD(WINDOW0, "s8-s15") LOAD(WINDOW1, "s16-s23")
#define TWO_WINDOWS_4 LOAD(WINDOW0, "s8-s11") LOAD(WINDOW1, "s16-s19")
#define TWO_WINDOWS_2 LOAD(WINDOW0, "s8-s9") LOAD(WINDOW1, "s16-s17")
#define TWO_WINDOWS_1 LOAD(WINDOW0, "s8") LOAD(WINDOW1, "s16")
#define BY_TWO_1(row, a, b) LOAD(row, "s24") FMA(a, 24, 8) FMA(b, 24, 16)
#define BY_TWO_2(row, a, b) LOAD(row, "s24-s25") FMA(a, 24, 8) FMA(b, 24, 16) FMA(a, 25, 9) FMA(b, 25, 17)
#define BY_TWO_4(row, a, b)                                                                                          \
    LOAD(row, "s24-s27") FMA(a, 24, 8) FMA(b, 24, 16) FMA(a, 25, 9) FMA(b, 25, 17) FMA(a, 26, 10) FMA(b, 26, 18)      \
    FMA(a, 27, 11) FMA(b, 27, 19)
#define BY_TWO_8(row, a, b)                                                                                          \
    LOAD(row, "s24-s31") FMA(a, 24, 8) FMA(b, 24, 16) FMA(a, 25, 9) FMA(b, 25, 17) FMA(a, 26, 10) FMA(b, 26, 18)      \
    FMA(a, 27, 11) FMA(b, 27, 19) FMA(a, 28, 12) FMA(b, 28, 20) FMA(a, 29, 13) FMA(b, 29, 21) FMA(a, 30, 14)          \
    FMA(b, 30, 22) FMA(a, 31, 15) FMA(b, 31, 23)

/* The same of one window (s8 to s15) and of two rows (s16 to s23, s24 to s31). */
#define ONE_WINDOW_8 LOAD(WINDOW0, "s8-s15")
#define ONE_WINDOW_4 LOAD(WINDOW0, "s8-s11")
#define ONE_WINDOW_2 LOAD(WINDOW0, "s8-s9")
#define ONE_WINDOW_1 LOAD(WINDOW0, "s8")
#define TWO_BY_ONE_1(row, next, a, b) LOAD(row, "s16") LOAD(next, "s24") FMA(a, 16, 8) FMA(b, 24, 8)
#define TWO_BY_ONE_2(row, next, a, b)                                                                                \
    LOAD(row, "s16-s17") LOAD(next, "s24-s25") FMA(a, 16, 8) FMA(b, 24, 8) FMA(a, 17, 9) FMA(b, 25, 9)
#define TWO_BY_ONE_4(row, next, a, b)                                                                                \
    LOAD(row, "s16-s19") LOAD(next, "s24-s27") FMA(a, 16, 8) FMA(b, 24, 8) FMA(a, 17, 9) FMA(b, 25, 9)                \
    FMA(a, 18, 10) FMA(b, 26, 10) FMA(a, 19, 11) FMA(b, 27, 11)
#define TWO_BY_ONE_8(row, next, a, b)                                                                                \
    LOAD(row, "s16-s23") LOAD(next, "s24-s31") FMA(a, 16, 8) FMA(b, 24, 8) FMA(a, 17, 9) FMA(b, 25, 9)                \
    FMA(a, 18, 10) FMA(b, 26, 10) FMA(a, 19, 11) FMA(b, 27, 11) FMA(a, 20, 12) FMA(b, 28, 12) FMA(a, 21, 13)          \
    FMA(b, 29, 13) FMA(a, 22, 14) FMA(b, 30, 14) FMA(a, 23, 15) FMA(b, 31, 15)

/* The same of one window and one row (s16 to s23). */
#define ONE_BY_ONE_1 LOAD(ROW0, "s16") FMA(0, 16, 8)
#define ONE_BY_ONE_2 LOAD(ROW0, "s16-s17") FMA(0, 16, 8) FMA(0, 17, 9)
#define ONE_BY_ONE_4 LOAD(ROW0, "s16-s19") FMA(0, 16, 8) FMA(0, 17, 9) FMA(0, 18, 10) FMA(0, 19, 11)
#define ONE_BY_ONE_8                                                                                                 \
    LOAD(ROW0, "s16-s23") FMA(0, 16, 8) FMA(0, 17, 9) FMA(0, 18, 10) FMA(0, 19, 11) FMA(0, 20, 12) FMA(0, 21, 13)     \
    FMA(0, 22, 14) FMA(0, 23, 15)

/* The rows below the first, and (r4) the first of the next tile. */
#define FOUR_ROWS "add r6, r2, r3\n\tadd r8, r6, r3\n\tadd r9, r8, r3\n\tadd r4, r9, r3\n\t"
#define ONE_ROW "add r4, r2, r3\n\t"

#define TWO_WINDOWS "ldrd r10, r11, [r0, #" WINDOWS_AT "]\n\tadd r10, r10, r4, lsl #2\n\tadd r11, r11, r4, lsl #2\n\t"
#define ONE_WINDOW "ldr r10, [r0, #" WINDOWS_AT "]\n\tadd r10, r10, r4, lsl #2\n\t"

/* r12 tiles. What eights of columns leave over is one step each of four, two and one: the bits of the number of columns, shifted
 * into the flags N and C. */
#define TILES(windows, rows, step8, step4, step2, step1, outputs)                                                    \
    "1:\n\t"                                                                                                         \
    "vldmia r0, {s0-s7}\n\t"                                                                                         \
    "ldr r1, [r0, #" SEGMENTS_AT "]\n"                                                                               \
    "2:\n\t"                                                                                                         \
    "ldmia r1!, {r2-r5}\n\t" windows rows                                                                            \
    "str r4, [r1, #-16]\n\t"                                                                                         \
    "lsrs lr, r5, #3\n\t"                                                                                            \
    "beq 4f\n"                                                                                                       \
    "3:\n\t" step8                                                                                                   \
    "subs lr, #1\n\t"                                                                                                \
    "bne 3b\n"                                                                                                       \
    "4:\n\t"                                                                                                         \
    "lsls lr, r5, #29\n\t"                                                                                           \
    "beq 7f\n\t"                                                                                                     \
    "bpl 5f\n\t" step4                                                                                               \
    "\n5:\n\t"                                                                                                       \
    "lsls lr, r5, #31\n\t"                                                                                           \
    "bcc 6f\n\t" step2                                                                                               \
    "\n6:\n\t"                                                                                                       \
    "bpl 7f\n\t" step1                                                                                               \
    "\n7:\n\t"                                                                                                       \
    "ldr r4, [r0, #" SEGMENTS_AT " + 4]\n\t"                                                                         \
    "cmp r1, r4\n\t"                                                                                                 \
    "bne 2b\n\t"                                                                                                     \
    "ldr r1, [r0, #" CHANNELS_AT "]\n\t"                                                                             \
    "ldrd r2, r3, [r0, #" OUTPUTS_AT "]\n\t"                                                                         \
    "ldr r4, [r0, #" CUTS_AT "]\n\t" outputs                                                                         \
    "str r1, [r0, #" CHANNELS_AT "]\n\t"                                                                             \
    "strd r2, r3, [r0, #" OUTPUTS_AT "]\n\t"                                                                         \
    "subs r12, #1\n\t"                                                                                               \
    "bne 1b"

/* Sums x scale + bias, and 0 for what has its sign bit set, to one window's outputs. The records of the channels are loaded for
 * each window, because a fused multiply-add overwrites the bias; the last window advances them. */
#define FOUR_OUTPUTS(output, channels, a, b, c, d)                                                                   \
    "vldmia " channels ", {s8-s15}\n\t" FMA(9, a, 8) FMA(11, b, 10) FMA(13, c, 12) FMA(15, d, 14)                     \
    "vmov r5, s9\n\tvmov r6, s11\n\tvmov r8, s13\n\tvmov r9, s15\n\t"                                                \
    "cbz r4, 8f\n\t"                                                                                                 \
    "bic r5, r5, r5, asr #31\n\tbic r6, r6, r6, asr #31\n\tbic r8, r8, r8, asr #31\n\tbic r9, r9, r9, asr #31\n"     \
    "8:\n\t"                                                                                                         \
    "stmia " output "!, {r5, r6, r8, r9}\n\t"
#define ONE_OUTPUT(output, channels, a)                                                                              \
    "vldmia " channels ", {s8-s9}\n\t" FMA(9, a, 8)                                                                  \
    "vmov r5, s9\n\t"                                                                                                \
    "cbz r4, 8f\n\t"                                                                                                 \
    "bic r5, r5, r5, asr #31\n"                                                                                      \
    "8:\n\t"                                                                                                         \
    "str r5, [" output "], #4\n\t"

#define RUN_TILES(t, number, instructions)                                                                           \
    register tiles *const r0 __asm__("r0") = t;                                                                      \
    register uint32_t r12 __asm__("r12") = number;                                                                   \
    __asm__ volatile(instructions                                                                                    \
                     : "+r"(r12)                                                                                     \
                     : "r"(r0)                                                                                       \
                     : "cc", "memory", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "lr", "s0", "s1",  \
                       "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", "s16", \
                       "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "s28", "s29",       \
                       "s30", "s31")

/* At least one tile each. */
static void four_rows_two_windows(tiles *t, uint32_t number)
{
    RUN_TILES(t, number,
              TILES(TWO_WINDOWS, FOUR_ROWS,
                    TWO_WINDOWS_8 BY_TWO_8(ROW0, 0, 4) BY_TWO_8(ROW1, 1, 5) BY_TWO_8(ROW2, 2, 6) BY_TWO_8(ROW3, 3, 7),
                    TWO_WINDOWS_4 BY_TWO_4(ROW0, 0, 4) BY_TWO_4(ROW1, 1, 5) BY_TWO_4(ROW2, 2, 6) BY_TWO_4(ROW3, 3, 7),
                    TWO_WINDOWS_2 BY_TWO_2(ROW0, 0, 4) BY_TWO_2(ROW1, 1, 5) BY_TWO_2(ROW2, 2, 6) BY_TWO_2(ROW3, 3, 7),
                    TWO_WINDOWS_1 BY_TWO_1(ROW0, 0, 4) BY_TWO_1(ROW1, 1, 5) BY_TWO_1(ROW2, 2, 6) BY_TWO_1(ROW3, 3, 7),
                    FOUR_OUTPUTS("r2", "r1", 0, 1, 2, 3) FOUR_OUTPUTS("r3", "r1!", 4, 5, 6, 7)));
}

static void one_row_two_windows(tiles *t, uint32_t number)
{
    RUN_TILES(t, number,
              TILES(TWO_WINDOWS, ONE_ROW, TWO_WINDOWS_8 BY_TWO_8(ROW0, 0, 4), TWO_WINDOWS_4 BY_TWO_4(ROW0, 0, 4),
                    TWO_WINDOWS_2 BY_TWO_2(ROW0, 0, 4), TWO_WINDOWS_1 BY_TWO_1(ROW0, 0, 4),
                    ONE_OUTPUT("r2", "r1", 0) ONE_OUTPUT("r3", "r1!", 4)));
}

static void four_rows_one_window(tiles *t, uint32_t number)
{
    RUN_TILES(t, number,
              TILES(ONE_WINDOW, FOUR_ROWS, ONE_WINDOW_8 TWO_BY_ONE_8(ROW0, ROW1, 0, 1) TWO_BY_ONE_8(ROW2, ROW3, 2, 3),
                    ONE_WINDOW_4 TWO_BY_ONE_4(ROW0, ROW1, 0, 1) TWO_BY_ONE_4(ROW2, ROW3, 2, 3),
                    ONE_WINDOW_2 TWO_BY_ONE_2(ROW0, ROW1, 0, 1) TWO_BY_ONE_2(ROW2, ROW3, 2, 3),
                    ONE_WINDOW_1 TWO_BY_ONE_1(ROW0, ROW1, 0, 1) TWO_BY_ONE_1(ROW2, ROW3, 2, 3),
                    FOUR_OUTPUTS("r2", "r1!", 0, 1, 2, 3)));
}

static void one_row_one_window(tiles *t, uint32_t number)
{
    RUN_TILES(t, number,
              TILES(ONE_WINDOW, ONE_ROW, ONE_WINDOW_8 ONE_BY_ONE_8, ONE_WINDOW_4 ONE_BY_ONE_4, ONE_WINDOW_2 ONE_BY_ONE_2,
                    ONE_WINDOW_1 ONE_BY_ONE_1, ONE_OUTPUT("r2", "r1!", 0)));
}

#else

#include "float32_output.h"

/* What the instructions do, for tests of what surrounds them on other cores. */
static void run_tiles(tiles *t, uint32_t number, uint32_t rows, uint32_t windows)
{
    for (uint32_t left = number * rows; left > 0; left--) {
        float sums[TILE_WINDOWS] = {0};
        for (reds_segment *segment = t->segments; segment < t->segments_end; segment++) {
            const reds_float32 *const weights = (const reds_float32 *)(const void *)segment->weights;
            for (uint32_t w = 0; w < windows; w++)
                for (uint32_t i = 0; i < segment->elements; i++)
                    sums[w] = reds_multiply_add(sums[w], weights[i], t->windows[w][segment->column + i]);
            segment->weights += segment->stride;
        }
        for (uint32_t w = 0; w < windows; w++) {
            const float value = reds_multiply_add(t->channels->bias, sums[w], t->channels->scale);
            *t->outputs[w]++ = reds_activate(value, t->cuts_negatives ? REDS_RELU : REDS_NO_ACTIVATION, 0.0f);
        }
        t->channels++;
    }
}

static void four_rows_two_windows(tiles *t, uint32_t number)
{
    run_tiles(t, number, 4, 2);
}

static void one_row_two_windows(tiles *t, uint32_t number)
{
    run_tiles(t, number, 1, 2);
}

static void four_rows_one_window(tiles *t, uint32_t number)
{
    run_tiles(t, number, 4, 1);
}

static void one_row_one_window(tiles *t, uint32_t number)
{
    run_tiles(t, number, 1, 1);
}

#endif
#endif
