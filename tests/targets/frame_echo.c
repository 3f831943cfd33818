/* Answers every frame on standard input with the same frame, and a damaged one with the frame "damaged". */
#include <string.h>

#include "../../targets/firmware/src/frame.h"
#include "../../targets/firmware/src/hal.h"

#define BODY_BYTES 4096u

void firmware_run(void)
{
    static uint8_t body[BODY_BYTES + FRAME_CRC_BYTES];
    static uint8_t chunk[61];
    frame_receiver receiver = {.body = body, .capacity = sizeof body};
    size_t count;
    while ((count = hal_read(chunk, sizeof chunk)) > 0) {
        for (size_t at = 0, taken; at < count; at += taken) {
            uint8_t damaged[] = "\x7f\0\0\0damaged    ";
            switch (frame_receive(&receiver, chunk + at, count - at, &taken)) {
            case FRAME_COMPLETE:
                frame_send(body, receiver.length);
                break;
            case FRAME_DAMAGED:
                frame_send(damaged, FRAME_HEADER_BYTES + strlen("damaged"));
                break;
            case FRAME_INCOMPLETE:
                break;
            }
        }
    }
}
