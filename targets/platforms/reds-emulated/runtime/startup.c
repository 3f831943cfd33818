/* From reset to main on a bare Cortex-M core. */
#include <stdint.h>

#define CPACR (*(volatile uint32_t *)0xe000ed88u) /* coprocessor access: the FPU is coprocessors 10 and 11 */
#define CPACR_FPU_ON (0xfu << 20)
#define VECTOR_COUNT 48

/* Set by the linker script. */
extern uint32_t data_start, data_end, data_load, bss_start, bss_end, stack_top;

extern int main(void);

/* Nothing runs after main and no fault has a remedy. A breakpoint without a debugger ends both emulators with a message. */
static void halt(void)
{
    for (;;) {
        __asm volatile("bkpt 0");
    }
}

void reset_handler(void)
{
    if (&data_load != &data_start) {
        for (uint32_t *to = &data_start, *from = &data_load; to < &data_end;) {
            *to++ = *from++;
        }
    }
    for (uint32_t *to = &bss_start; to < &bss_end;) {
        *to++ = 0;
    }
#ifdef __ARM_FP
    CPACR |= CPACR_FPU_ON;
    __asm volatile("dsb\n isb");
#endif
    (void)main();
    halt();
}

/* The firmware keeps interrupts masked; rp2040js takes the one that ends a wait even so, and comes back at once. */
static void ignore(void) {}

typedef void (*vector)(void);

__attribute__((section(".vectors"), used)) static const vector vectors[VECTOR_COUNT] = {
    [0] = (vector)&stack_top,
    [1] = reset_handler,
    [2] = halt, /* NMI */
    [3] = halt, /* hard fault; the finer faults are not enabled and end here */
    [16 ... VECTOR_COUNT - 1] = ignore,
};
