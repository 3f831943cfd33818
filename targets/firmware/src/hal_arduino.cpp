/* Boards with the Arduino mbed core: the Nano 33 BLE (nRF52840, Cortex-M4F) and the Raspberry Pi Pico (RP2040).
 *
 * The link is the USB serial port. Interrupts stay on during a measurement (USB has to be served), so samples vary; the
 * harness reports medians.
 */
#include <Arduino.h>

#include "hal.h"

/* A full-speed bulk packet holds 64 bytes, and a transfer of exactly that length is not delivered until another follows. */
static const size_t WRITE_BYTES = 63;

size_t hal_read(uint8_t *bytes, size_t capacity)
{
    while (Serial.available() <= 0) {
        delay(1); /* lets the core's other threads run and the processor sleep */
    }
    size_t count = 0;
    while (count < capacity && Serial.available() > 0) {
        bytes[count++] = (uint8_t)Serial.read();
    }
    return count;
}

void hal_write(const uint8_t *bytes, size_t count)
{
    while (count > 0) {
        size_t part = count < WRITE_BYTES ? count : WRITE_BYTES;
        size_t written = Serial.write(bytes, part);
        if (written == 0) {
            return; /* the host has closed the port: it will miss a frame and ask anew */
        }
        bytes += written;
        count -= written;
    }
}

void hal_flush(void) {} /* Serial.flush() may wait for ever when the host has gone; writes are sent at once anyway */

#if defined(DWT) && defined(CoreDebug)

const char *hal_clock_kind(void) { return "cycles"; }
uint32_t hal_clock_hz(void) { return SystemCoreClock; }

static const unsigned CYCLE_COUNTER_BITS = 32;
static const uint32_t MICROSECONDS_PER_SECOND = 1000000;
static uint32_t started_us;

void hal_clock_start(void)
{
    CoreDebug->DEMCR |= CoreDebug_DEMCR_TRCENA_Msk;
    DWT->CTRL |= DWT_CTRL_CYCCNTENA_Msk;
    started_us = micros();
    DWT->CYCCNT = 0;
}

uint64_t hal_clock_ticks(void)
{
    uint32_t cycles = DWT->CYCCNT;
    uint64_t estimate = (uint64_t)(uint32_t)(micros() - started_us) * (SystemCoreClock / MICROSECONDS_PER_SECOND);
    return (hal_wraps(cycles, CYCLE_COUNTER_BITS, estimate) << CYCLE_COUNTER_BITS) + cycles;
}

#else /* a Cortex-M0+ has no cycle counter */

const char *hal_clock_kind(void) { return "microseconds"; }
uint32_t hal_clock_hz(void) { return 1000000; }

static uint32_t started_us;

void hal_clock_start(void) { started_us = micros(); }
uint64_t hal_clock_ticks(void) { return (uint32_t)(micros() - started_us); }

#endif

void hal_clock_stop(void) {}

void setup() { Serial.begin(115200); /* USB: the rate means nothing */ }

void loop() { firmware_run(); }
