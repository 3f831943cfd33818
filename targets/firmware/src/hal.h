/* What the firmware needs of a board. One hal_*.c per board; platformio.ini says which is built. */
#ifndef REDS_FIRMWARE_HAL_H
#define REDS_FIRMWARE_HAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Wait for input without spinning, then take what is there: 1..capacity bytes; 0 when no more can ever come. */
size_t hal_read(uint8_t *bytes, size_t capacity);

/* Queue bytes for the host; may wait for room. */
void hal_write(const uint8_t *bytes, size_t count);

/* Start sending what is queued, where the board would otherwise wait for more. Never waits for the host. */
void hal_flush(void);

/* What a tick of the clock honestly is ("instructions", "model cycles", "cycles", "microseconds", "nanoseconds"), and how
 * many make a second of the board's own time; 0 where the unit is not time. */
const char *hal_clock_kind(void);
uint32_t hal_clock_hz(void);

/* Bring the clock into the same state before every measurement; it may stand still from boot to the first start. */
void hal_clock_start(void);

/* Ticks since some fixed moment before or at hal_clock_start. */
uint64_t hal_clock_ticks(void);

/* The clock may stand still until the next start. */
void hal_clock_stop(void);

/* The application: answers requests until the input ends. */
void firmware_run(void);

#ifdef __cplusplus
}
#endif

/* How often a counter of `bits` bits that stands at `fine` has wrapped, from a coarse estimate of the same time in the same unit,
 * which has to be right to within half of the counter's range. Takes the same time whatever it is given. */
static inline uint64_t hal_wraps(uint32_t fine, unsigned bits, uint64_t estimate)
{
    return (estimate + ((uint64_t)1 << (bits - 1)) - fine) >> bits;
}

#endif
