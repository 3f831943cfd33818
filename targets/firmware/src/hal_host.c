/* A process of this computer: standard input and output, CLOCK_MONOTONIC. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "hal.h"

#define NANOSECONDS_PER_SECOND 1000000000u

size_t hal_read(uint8_t *bytes, size_t capacity)
{
    ssize_t count = read(STDIN_FILENO, bytes, capacity);
    return count > 0 ? (size_t)count : 0;
}

void hal_write(const uint8_t *bytes, size_t count) { (void)fwrite(bytes, 1, count, stdout); }

void hal_flush(void) { (void)fflush(stdout); }

const char *hal_clock_kind(void) { return "nanoseconds"; }
uint32_t hal_clock_hz(void) { return NANOSECONDS_PER_SECOND; }
void hal_clock_start(void) {}
void hal_clock_stop(void) {}

uint64_t hal_clock_ticks(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NANOSECONDS_PER_SECOND + (uint64_t)now.tv_nsec;
}

int main(void)
{
    firmware_run();
    return 0;
}
