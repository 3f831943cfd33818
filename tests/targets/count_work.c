/* Measures work of a known length in the board's clock and writes each count as a u64: 0..64 NOPs, then two long loops. */
#include "../../targets/firmware/src/hal.h"

#define NOPS 64u
#define NOP_BYTES 2u
#define THUMB 1u

void nops(void); /* NOPS instructions and a return */
__asm(".thumb_func\nnops: .rept 64\n nop\n .endr\n bx lr\n");

static void loop(uint32_t turns) { __asm volatile(".syntax unified\n1: subs %0, #1\n bne 1b" : "+l"(turns) : : "cc"); }

static void report(uint64_t count)
{
    hal_write((const uint8_t *)&count, sizeof count);
}

static void run_nops(uint32_t count)
{
    void (*entry)(void) = (void (*)(void))(((uintptr_t)nops & ~THUMB) + (NOPS - count) * NOP_BYTES + THUMB);
    hal_clock_start();
    uint64_t before = hal_clock_ticks();
    entry();
    uint64_t after = hal_clock_ticks();
    hal_clock_stop();
    report(after - before);
}

static void run_loop(uint32_t turns)
{
    hal_clock_start();
    uint64_t before = hal_clock_ticks();
    loop(turns);
    uint64_t after = hal_clock_ticks();
    hal_clock_stop();
    report(after - before);
}

void firmware_run(void)
{
    for (uint32_t count = 0; count <= NOPS; ++count) {
        run_nops(count);
    }
    run_loop(1000);
    run_loop(LONG_TURNS);
}
