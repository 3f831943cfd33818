/* Packing six windows, and their sums of products: packed_windows_m0plus.h. */
#include "packed_windows_m0plus.h"

#include "reds_core.h"

#if REDS_HAS_M0PLUS_ASSEMBLY

#if defined(__ARM_ARCH_6M__)

/* One run ends where r0 to r2 point; r3 counts up to there. r8: the first r3, r9: the stride, r10: runs left. */
__attribute__((naked, noinline)) static void pack_three(__attribute__((unused)) const int8_t *const windows[3],
                                                        __attribute__((unused)) const reds_runs *runs,
                                                        __attribute__((unused)) uint32_t *packed)
{
    __asm__(".syntax unified\n\t"
            "push {r4-r7, lr}\n\t"
            "mov r4, r8\n\t mov r5, r9\n\t mov r6, r10\n\t"
            "push {r4-r6}\n\t"
            "movs r7, r2\n\t"
            "ldmia r1!, {r4-r6}\n\t"
            "mov r10, r5\n\t mov r9, r6\n\t rsbs r3, r4, #0\n\t mov r8, r3\n\t"
            "movs r6, r4\n\t"
            "ldmia r0!, {r1-r3}\n\t"
            "adds r0, r1, r6\n\t adds r1, r2, r6\n\t adds r2, r3, r6\n"
            "1:\n\t"
            "mov r3, r8\n"
            "2:\n\t"
            "ldrsb r4, [r0, r3]\n\t ldrsb r5, [r1, r3]\n\t ldrsb r6, [r2, r3]\n\t"
            "lsls r5, #11\n\t adds r6, r5\n\t lsls r5, #11\n\t adds r4, r5\n\t"
            "stmia r7!, {r4, r6}\n\t adds r7, #8\n\t"
            "adds r3, #1\n\t bne 2b\n\t"
            "add r0, r9\n\t add r1, r9\n\t add r2, r9\n\t"
            "mov r4, r10\n\t subs r4, #1\n\t mov r10, r4\n\t bne 1b\n\t"
            "pop {r4-r6}\n\t"
            "mov r8, r4\n\t mov r9, r5\n\t mov r10, r6\n\t"
            "pop {r4-r7, pc}");
}

/* r3: the weight; r4 to r7: the packed inputs of its column, which the products replace; r8 to r11: the sums. */
#define COLUMN(weight)                                                                                \
    "ldmia r1!, {r4-r7}\n\t"                                                                          \
    "muls r4, " weight "\n\t muls r5, " weight "\n\t muls r6, " weight "\n\t muls r7, " weight "\n\t" \
    "add r8, r4\n\t add r9, r5\n\t add r10, r6\n\t add r11, r7\n\t"

/* Four columns. */
#define WORD                                       \
    "ldmia r0!, {r2}\n\t"                          \
    "sxtb r3, r2\n\t" COLUMN("r3")                 \
    "asrs r2, #8\n\t sxtb r3, r2\n\t" COLUMN("r3") \
    "asrs r2, #8\n\t sxtb r3, r2\n\t" COLUMN("r3") \
    "asrs r2, #8\n\t" COLUMN("r2")

/* The sums of three windows from two words of sums, into r1, r2, r3. */
#define UNPACK(first, second)                               \
    "mov r4, " first "\n\t mov r5, " second "\n\t"          \
    "lsls r1, r4, #10\n\t asrs r1, #10\n\t subs r4, r1\n\t" \
    "lsrs r6, r4, #11\n\t subs r5, r6\n\t lsrs r4, #22\n\t" \
    "lsls r3, r5, #11\n\t asrs r3, #11\n\t subs r5, r3\n\t" \
    "asrs r5, #11\n\t adds r2, r4, r5\n\t"

#define WRITE "stmia r0!, {r1-r3}\n\t"
#define ADD                                   \
    "ldmia r0!, {r4-r6}\n\t subs r0, #12\n\t" \
    "adds r1, r4\n\t adds r2, r5\n\t adds r3, r6\n\t stmia r0!, {r1-r3}\n\t"

/* The record lies at sp: 0 weights, 4 stride, 8 packed, 12 columns, 16 sums, 20 rows. Two words of weights for each turn; an
 * odd number of them enters in the middle. */
#define SUM_ROWS(KEEP)                                                                       \
    __asm__(".syntax unified\n\t"                                                            \
            "push {r4-r7, lr}\n\t"                                                           \
            "mov r4, r8\n\t mov r5, r9\n\t mov r6, r10\n\t mov r7, r11\n\t"                  \
            "push {r4-r7}\n\t"                                                               \
            "ldmia r0!, {r2-r7}\n\t"                                                         \
            "push {r2-r7}\n"                                                                 \
            "1:\n\t"                                                                         \
            "ldr r0, [sp]\n\t ldr r3, [sp, #12]\n\t adds r1, r0, r3\n\t mov r12, r1\n\t"     \
            "ldr r1, [sp, #4]\n\t adds r1, r0\n\t str r1, [sp]\n\t"                          \
            "ldr r1, [sp, #8]\n\t"                                                           \
            "movs r4, #0\n\t mov r8, r4\n\t mov r9, r4\n\t mov r10, r4\n\t mov r11, r4\n\t"  \
            "lsls r3, #29\n\t bmi 3f\n"                                                      \
            "2:\n\t" WORD                                                                    \
            "3:\n\t" WORD                                                                    \
            "cmp r0, r12\n\t bne 2b\n\t"                                                     \
            "ldr r0, [sp, #16]\n\t" UNPACK("r8", "r9") KEEP UNPACK("r10", "r11") KEEP        \
            "str r0, [sp, #16]\n\t"                                                          \
            "ldr r0, [sp, #20]\n\t subs r0, #1\n\t str r0, [sp, #20]\n\t beq 4f\n\t b 1b\n"  \
            "4:\n\t"                                                                         \
            "add sp, #24\n\t"                                                                \
            "pop {r4-r7}\n\t"                                                                \
            "mov r8, r4\n\t mov r9, r5\n\t mov r10, r6\n\t mov r11, r7\n\t"                  \
            "pop {r4-r7, pc}")

__attribute__((naked)) void reds_write_packed_sums(__attribute__((unused)) const reds_packed_rows *rows)
{
    SUM_ROWS(WRITE);
}

__attribute__((naked)) void reds_add_packed_sums(__attribute__((unused)) const reds_packed_rows *rows)
{
    SUM_ROWS(ADD);
}

#else

static void pack_three(const int8_t *const windows[3], const reds_runs *runs, uint32_t *packed)
{
    for (uint32_t i = 0; i < runs->length * runs->count; i++, packed += REDS_PACKED_WORDS) {
        const size_t at = i / runs->length * runs->stride + i % runs->length;
        const uint32_t shared = (uint32_t)windows[1][at];
        packed[0] = (uint32_t)windows[0][at] + (shared << 22);
        packed[1] = (uint32_t)windows[2][at] + (shared << 11);
    }
}

static int32_t low_bits(uint32_t word, uint32_t bits)
{
    return (int32_t)(word << (32 - bits)) >> (32 - bits);
}

/* Adds A, B and C. */
static void unpack(uint32_t first, uint32_t second, int32_t *sums)
{
    const int32_t a = low_bits(first, 22);
    const uint32_t low_b = (first - (uint32_t)a) >> 22;
    second -= low_b << 11;
    const int32_t c = low_bits(second, 21);
    const int32_t high_b = (int32_t)(second - (uint32_t)c) >> 21;
    sums[0] += a;
    sums[1] += high_b * (1 << 10) + (int32_t)low_b;
    sums[2] += c;
}

void reds_add_packed_sums(const reds_packed_rows *rows)
{
    for (uint32_t row = 0; row < rows->rows; row++) {
        const int8_t *const weights = (const int8_t *)rows->weights + row * rows->stride;
        uint32_t words[REDS_PACKED_WORDS] = {0};
        for (uint32_t i = 0; i < rows->columns * REDS_PACKED_WORDS; i++)
            words[i % REDS_PACKED_WORDS] += (uint32_t)weights[i / REDS_PACKED_WORDS] * rows->packed[i];
        int32_t *const sums = rows->sums + (size_t)row * REDS_PACKED_WINDOWS;
        unpack(words[0], words[1], sums);
        unpack(words[2], words[3], sums + 3);
    }
}

void reds_write_packed_sums(const reds_packed_rows *rows)
{
    for (uint32_t i = 0; i < rows->rows * REDS_PACKED_WINDOWS; i++)
        rows->sums[i] = 0;
    reds_add_packed_sums(rows);
}

#endif

uint32_t *reds_pack_runs(const int8_t *const windows[REDS_PACKED_WINDOWS], const reds_runs *runs, uint32_t *packed)
{
    pack_three(windows, runs, packed);
    pack_three(windows + 3, runs, packed + 2);
    return packed + (size_t)runs->length * runs->count * REDS_PACKED_WORDS;
}

#endif
