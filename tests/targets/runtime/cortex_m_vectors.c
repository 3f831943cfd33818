/* Stack and entry of an emulated Cortex-M4 for a program linked with newlib's semihosting start-up code.
 *
 * With TRAP_UNALIGNED an access off its boundary is a fault, as on the cores that have no others.
 */
#include <stdint.h>

extern void _start(void);

#define CONFIGURATION_CONTROL 0xE000ED14u
#define TRAP_UNALIGNED_ACCESS (1u << 3)
#define COPROCESSOR_ACCESS 0xE000ED88u
#define FPU_FULL_ACCESS (0xFu << 20)
#define STACK_TOP (0x20000000u + 0x100000u)

__attribute__((noreturn)) static void reset(void)
{
    *(volatile uint32_t *)(uintptr_t)COPROCESSOR_ACCESS |= FPU_FULL_ACCESS;
#ifdef TRAP_UNALIGNED
    *(volatile uint32_t *)(uintptr_t)CONFIGURATION_CONTROL |= TRAP_UNALIGNED_ACCESS;
#endif
    __asm__ volatile("dsb\n\tisb");
    _start();
    for (;;) {
    }
}

/* A fault ends the program with a status that no case gives: semihosting's SYS_EXIT with ADP_Stopped_RunTimeError. */
static void fault(void)
{
    register uint32_t operation __asm__("r0") = 0x18, reason __asm__("r1") = 0x20023;
    __asm__ volatile("bkpt 0xab" : : "r"(operation), "r"(reason) : "memory");
}

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)(uintptr_t)STACK_TOP, reset, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault,
};
