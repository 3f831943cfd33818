/* Boards with the Arduino mbed core: the Nano 33 BLE (nRF52840, Cortex-M4F) and the Raspberry Pi Pico (RP2040).
 *
 * The link is the USB serial port. Interrupts stay on during a measurement (USB has to be served), so samples vary; the
 * harness reports medians.
 */
#include <Arduino.h>

#include "hal.h"

/* A full-speed bulk packet holds 64 bytes, and a transfer of exactly that length is not delivered until another follows. Less is
 * gathered until a packet is full or an answer ends: each write is a transfer of its own. */
static uint8_t packet[63];
static size_t gathered;

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
    for (size_t i = 0; i < count; ++i) {
        packet[gathered++] = bytes[i];
        if (gathered == sizeof packet) {
            hal_flush();
        }
    }
}

/* Serial.flush() may wait for ever when the host has gone; what is written is sent at once anyway. */
void hal_flush(void)
{
    for (size_t sent = 0, written; sent < gathered; sent += written) {
        written = Serial.write(packet + sent, gathered - sent);
        if (written == 0) {
            break; /* the host has closed the port: it will miss a frame and ask anew */
        }
    }
    gathered = 0;
}

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
