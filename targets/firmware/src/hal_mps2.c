/* Arm MPS2 AN386 (Cortex-M4F) as QEMU models it: semihosting, CMSDK TIMER0, CMSDK dual timer.
 *
 * The link is the emulator's standard input and output, read and written by semihosting calls (Arm, "Semihosting for AArch32 and
 * AArch64"): QEMU moves a block at a time, where its UART takes 15 us for each byte.
 *
 * Started with `-icount shift=10,sleep=off` an instruction takes 1024 ns of the machine's time. TIMER0 counts down at 25 MHz,
 * 25.6 ticks to the instruction, which tells instructions apart exactly but wraps every 168 million of them; the dual timer, at
 * 1/256 of that rate, says how often it has.
 */
#include "hal.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

enum semihosting { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };
enum { MODE_READ = 0, MODE_WRITE = 4, APPLICATION_EXIT = 0x20026 };

#define TIMER_CONTROL REGISTER(0x40000000u)
#define TIMER_ENABLE 1u
#define TIMER_VALUE REGISTER(0x40000004u)
#define TIMER_RELOAD REGISTER(0x40000008u)

#define COARSE_LOAD REGISTER(0x40002000u)
#define COARSE_VALUE REGISTER(0x40002004u)
#define COARSE_CONTROL REGISTER(0x40002008u)
#define COARSE_ENABLE_32_BIT_PRESCALE_256 0x8au
#define COARSE_PRESCALE 256u

#define ALL_ONES 0xffffffffu
#define TIMER_BITS 32u

/* instructions = ticks x 40 ns / 1024 ns, rounded */
#define INSTRUCTIONS_NUMERATOR 5u
#define INSTRUCTIONS_SHIFT 7u

static intptr_t console_in, console_out;

static intptr_t semihosting(enum semihosting operation, const void *parameters)
{
    register intptr_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = parameters;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static intptr_t open_console(uintptr_t mode)
{
    static const char name[] = ":tt";
    const uintptr_t parameters[] = {(uintptr_t)name, mode, sizeof name - 1};
    return semihosting(SYS_OPEN, parameters);
}

size_t hal_read(uint8_t *bytes, size_t capacity)
{
    const uintptr_t parameters[] = {(uintptr_t)console_in, (uintptr_t)bytes, capacity};
    intptr_t missing = semihosting(SYS_READ, parameters);
    return missing < 0 ? 0 : capacity - (size_t)missing;
}

void hal_write(const uint8_t *bytes, size_t count)
{
    const uintptr_t parameters[] = {(uintptr_t)console_out, (uintptr_t)bytes, count};
    (void)semihosting(SYS_WRITE, parameters); /* fails when the host has gone; the next read will say so */
}

void hal_flush(void) {}

const char *hal_clock_kind(void) { return "instructions"; }
uint32_t hal_clock_hz(void) { return 0; }

void hal_clock_stop(void)
{
    TIMER_CONTROL = 0;
    COARSE_CONTROL = 0;
}

void hal_clock_start(void)
{
    hal_clock_stop();
    TIMER_RELOAD = ALL_ONES;
    TIMER_VALUE = ALL_ONES;
    COARSE_LOAD = ALL_ONES;
    COARSE_CONTROL = COARSE_ENABLE_32_BIT_PRESCALE_256;
    TIMER_CONTROL = TIMER_ENABLE;
}

uint64_t hal_clock_ticks(void)
{
    uint64_t estimate = (uint64_t)(ALL_ONES - COARSE_VALUE) * COARSE_PRESCALE;
    uint32_t fine = ALL_ONES - TIMER_VALUE;
    uint64_t ticks = (hal_wraps(fine, TIMER_BITS, estimate) << TIMER_BITS) + fine;
    return (ticks * INSTRUCTIONS_NUMERATOR + (1u << (INSTRUCTIONS_SHIFT - 1))) >> INSTRUCTIONS_SHIFT;
}

int main(void)
{
    console_in = open_console(MODE_READ);
    console_out = open_console(MODE_WRITE);
    firmware_run();
    (void)semihosting(SYS_EXIT, (const void *)APPLICATION_EXIT);
    return 0;
}
