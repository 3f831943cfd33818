/* As much of the Arduino core as targets/firmware/src/hal_arduino.cpp uses, over standard input and output. */
#ifndef ARDUINO_STUB_H
#define ARDUINO_STUB_H

#include <stddef.h>
#include <stdint.h>

struct SerialStub {
    void begin(unsigned long baud);
    int available();
    int read();
    size_t write(const uint8_t *bytes, size_t count);
};

extern SerialStub Serial;

uint32_t micros();
void delay(unsigned long milliseconds);
void setup();
void loop();

#ifdef STUB_CYCLE_COUNTER /* a Cortex-M4's, as CMSIS presents it */
struct DwtStub { uint32_t CTRL, CYCCNT; };
struct CoreDebugStub { uint32_t DEMCR; };
extern DwtStub dwt_stub;
extern CoreDebugStub core_debug_stub;
extern uint32_t SystemCoreClock;
#define DWT (&dwt_stub)
#define CoreDebug (&core_debug_stub)
#define CoreDebug_DEMCR_TRCENA_Msk (1u << 24)
#define DWT_CTRL_CYCCNTENA_Msk 1u
#endif

#endif
