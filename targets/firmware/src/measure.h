/* Measurements in the board's own clock: the verb TIME of docs/wire-protocol.md. */
#ifndef REDS_FIRMWARE_MEASURE_H
#define REDS_FIRMWARE_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "reds.h"

enum {
    MEASURE_INFERENCE = 0,
    MEASURE_SWITCH = 1,
    MEASURE_FIRST_INFERENCE = 2,
    MEASURE_LAYERS = 3,
    MEASURE_REAL_INFERENCE = 4 /* from a float input to float probabilities */
};

typedef struct {
    uint8_t what;
    uint8_t from_level, to_level; /* both exist */
    uint16_t repeats;             /* MEASURE_LAYERS measures once */
    const uint8_t *input;         /* one input in the image's element type, or floats; MEASURE_SWITCH needs none */
    size_t input_bytes;
    float *probabilities; /* MEASURE_REAL_INFERENCE: room for output_elements */
} measurement;

typedef enum { MEASURED, MEASURE_UNKNOWN, MEASURE_TOO_LONG } measure_result;

/* Write the clock's own overhead to `overhead` and the raw samples to `samples`: u32 little-endian ticks, `repeats` of them or one
 * for each layer. Leaves to_level selected. */
measure_result measure(reds_network *network, const measurement *wanted, uint8_t *overhead, uint8_t *samples);

#endif
