/* RP2040 as rp2040js models it, the image loaded straight into SRAM: UART0, SysTick at the processor's clock.
 *
 * SysTick counts 24 bits of cycles; the 1 MHz timer says how often it has wrapped, so that no interrupt disturbs a measurement.
 */
#include "hal.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define RESETS_CLEAR REGISTER(0x4000f000u) /* RESETS_RESET with the address of the atomic bit clear */
#define RESETS_UART0_TIMER_PADS_IO (1u << 22 | 1u << 21 | 1u << 8 | 1u << 5)

#define UART_DATA REGISTER(0x40034000u)
#define UART_FLAGS REGISTER(0x40034018u)
#define UART_FLAG_TX_FULL (1u << 5)
#define UART_FLAG_RX_EMPTY (1u << 4)
#define UART_BAUD_INTEGER REGISTER(0x40034024u)
#define UART_BAUD_FRACTION REGISTER(0x40034028u)
#define UART_LINE REGISTER(0x4003402cu)
#define UART_LINE_8_BITS_FIFO 0x70u
#define UART_CONTROL REGISTER(0x40034030u)
#define UART_CONTROL_ON_TX_RX 0x301u
#define UART_INTERRUPT_MASK REGISTER(0x40034038u)
#define UART_INTERRUPT_RX (1u << 4)

#define TIMER_MICROSECONDS REGISTER(0x40054028u)
#define CYCLES_PER_MICROSECOND 125u

#define SYSTICK_CONTROL REGISTER(0xe000e010u)
#define SYSTICK_ON_PROCESSOR_CLOCK 5u
#define SYSTICK_RELOAD REGISTER(0xe000e014u)
#define SYSTICK_VALUE REGISTER(0xe000e018u)
#define SYSTICK_TOP 0xffffffu
#define SYSTICK_BITS 24u

#define NVIC_ENABLE REGISTER(0xe000e100u)
#define UART0_INTERRUPT (1u << 20)

static uint32_t started_us;

size_t hal_read(uint8_t *bytes, size_t capacity)
{
    while ((UART_FLAGS & UART_FLAG_RX_EMPTY) != 0) {
        __asm volatile("wfi"); /* interrupts are masked: a pending one ends the wait and is not taken */
    }
    size_t count = 0;
    do {
        bytes[count++] = (uint8_t)UART_DATA;
    } while (count < capacity && (UART_FLAGS & UART_FLAG_RX_EMPTY) == 0);
    return count;
}

void hal_write(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        while ((UART_FLAGS & UART_FLAG_TX_FULL) != 0) {
        }
        UART_DATA = bytes[i];
    }
}

void hal_flush(void) {}

const char *hal_clock_kind(void) { return "model cycles"; }
uint32_t hal_clock_hz(void) { return 0; }

void hal_clock_start(void)
{
    SYSTICK_CONTROL = 0;
    SYSTICK_RELOAD = SYSTICK_TOP;
    SYSTICK_VALUE = 0; /* any write clears it */
    started_us = TIMER_MICROSECONDS;
    SYSTICK_CONTROL = SYSTICK_ON_PROCESSOR_CLOCK;
}

uint64_t hal_clock_ticks(void)
{
    uint64_t estimate = (uint64_t)(TIMER_MICROSECONDS - started_us) * CYCLES_PER_MICROSECOND;
    uint32_t fine = SYSTICK_TOP - SYSTICK_VALUE;
    uint64_t wraps = hal_wraps(fine, SYSTICK_BITS, estimate);
    /* rp2040js reloads in the cycle in which the counter reaches zero: its period is one cycle shorter than the chip's. */
    return (wraps << SYSTICK_BITS) - wraps + fine;
}

void hal_clock_stop(void) {}

int main(void)
{
    __asm volatile("cpsid i");
    RESETS_CLEAR = RESETS_UART0_TIMER_PADS_IO;
    UART_BAUD_INTEGER = 1;
    UART_BAUD_FRACTION = 0;
    UART_LINE = UART_LINE_8_BITS_FIFO;
    UART_CONTROL = UART_CONTROL_ON_TX_RX;
    UART_INTERRUPT_MASK = UART_INTERRUPT_RX;
    NVIC_ENABLE = UART0_INTERRUPT;
    firmware_run();
    return 0;
}
