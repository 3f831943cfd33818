/* The core's side: a serial port with the Nano 33 BLE's weakness, for it dies of writes that fill a USB packet. */
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "Arduino.h"

static const size_t USB_PACKET_BYTES = 64;

SerialStub Serial;

void SerialStub::begin(unsigned long) {}

int SerialStub::available()
{
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    return poll(&input, 1, 0);
}

int SerialStub::read()
{
    uint8_t byte;
    if (::read(STDIN_FILENO, &byte, 1) != 1) {
        exit(0); /* the test has ended */
    }
    return byte;
}

size_t SerialStub::write(const uint8_t *bytes, size_t count)
{
    if (count >= USB_PACKET_BYTES) {
        abort();
    }
    size_t some = count > 40 ? 40 : count; /* may take less than it is given */
    return (size_t)::write(STDOUT_FILENO, bytes, some);
}

uint32_t micros()
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)(now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void delay(unsigned long milliseconds) { usleep((useconds_t)(milliseconds * 1000)); }

#ifdef STUB_CYCLE_COUNTER
DwtStub dwt_stub;
CoreDebugStub core_debug_stub;
uint32_t SystemCoreClock = 64000000;
#endif

int main()
{
    setup();
    for (;;) {
        loop();
    }
}
