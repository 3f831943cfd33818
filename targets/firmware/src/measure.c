#include "measure.h"

#include <string.h>

#include "bytes.h"
#include "hal.h"

#define OVERHEAD_TRIALS 16u
#define SAMPLE_BYTES 4u
#define MOST_LAYERS 64u /* of an image: docs/image-format.md */

static uint32_t profile_clock(void) { return (uint32_t)hal_clock_ticks(); }

/* The least that two successive readings differ by: a real clock may be interrupted in between. */
static uint32_t clock_overhead(void)
{
    uint64_t least = UINT32_MAX;
    for (unsigned i = 0; i < OVERHEAD_TRIALS; ++i) {
        hal_clock_start();
        uint64_t before = hal_clock_ticks();
        uint64_t after = hal_clock_ticks();
        if (after - before < least) {
            least = after - before;
        }
    }
    hal_clock_stop();
    return (uint32_t)least;
}

static uint32_t profile_clock_overhead(reds_clock volatile clock)
{
    uint32_t least = UINT32_MAX;
    for (unsigned i = 0; i < OVERHEAD_TRIALS; ++i) {
        hal_clock_start();
        uint32_t before = clock();
        uint32_t after = clock();
        if (after - before < least) {
            least = after - before;
        }
    }
    hal_clock_stop();
    return least;
}

static void give_input(const reds_network *network, const measurement *wanted)
{
    memcpy(reds_input(network), wanted->input, wanted->input_bytes);
}

static uint64_t time_inference(const reds_network *network)
{
    hal_clock_start();
    uint64_t before = hal_clock_ticks();
    reds_invoke(network);
    uint64_t after = hal_clock_ticks();
    hal_clock_stop();
    return after - before;
}

static uint64_t sample_inference(reds_network *network, const measurement *wanted)
{
    (void)reds_select(network, wanted->to_level);
    give_input(network, wanted);
    return time_inference(network);
}

static uint64_t sample_switch(reds_network *network, const measurement *wanted)
{
    (void)reds_select(network, wanted->from_level);
    hal_clock_start();
    uint64_t before = hal_clock_ticks();
    (void)reds_select(network, wanted->to_level);
    uint64_t after = hal_clock_ticks();
    hal_clock_stop();
    return after - before;
}

static uint64_t sample_first_inference(reds_network *network, const measurement *wanted)
{
    (void)reds_select(network, wanted->from_level);
    give_input(network, wanted);
    reds_invoke(network);
    return sample_inference(network, wanted);
}

static uint64_t sample_real_inference(reds_network *network, const measurement *wanted)
{
    (void)reds_select(network, wanted->to_level);
    hal_clock_start();
    uint64_t before = hal_clock_ticks();
    reds_write_real_input(network, (const float *)(const void *)wanted->input);
    reds_invoke(network);
    reds_read_probabilities(network, wanted->probabilities);
    uint64_t after = hal_clock_ticks();
    hal_clock_stop();
    return after - before;
}

static measure_result measure_layers(reds_network *network, const measurement *wanted, uint8_t *overhead, uint8_t *samples)
{
    uint32_t ticks[MOST_LAYERS];
    reds_description description;
    reds_describe(network, &description);
    put_u32(overhead, profile_clock_overhead(profile_clock));
    (void)reds_select(network, wanted->to_level);
    give_input(network, wanted);
    hal_clock_start();
    uint64_t before = hal_clock_ticks();
    reds_profile(network, profile_clock, ticks);
    uint64_t after = hal_clock_ticks();
    hal_clock_stop();
    for (uint32_t layer = 0; layer < description.layer_count; ++layer) {
        put_u32(samples + layer * SAMPLE_BYTES, ticks[layer]);
    }
    return after - before > UINT32_MAX ? MEASURE_TOO_LONG : MEASURED;
}

typedef uint64_t (*sampler)(reds_network *network, const measurement *wanted);

measure_result measure(reds_network *network, const measurement *wanted, uint8_t *overhead, uint8_t *samples)
{
    static const sampler samplers[] = {
        [MEASURE_INFERENCE] = sample_inference,
        [MEASURE_SWITCH] = sample_switch,
        [MEASURE_FIRST_INFERENCE] = sample_first_inference,
        [MEASURE_REAL_INFERENCE] = sample_real_inference,
    };
    if (wanted->what == MEASURE_LAYERS) {
        return measure_layers(network, wanted, overhead, samples);
    }
    if (wanted->what >= sizeof samplers / sizeof samplers[0] || samplers[wanted->what] == NULL) {
        return MEASURE_UNKNOWN;
    }
    put_u32(overhead, clock_overhead());
    for (unsigned i = 0; i < wanted->repeats; ++i) {
        uint64_t ticks = samplers[wanted->what](network, wanted);
        if (ticks > UINT32_MAX) {
            return MEASURE_TOO_LONG;
        }
        put_u32(samples + i * SAMPLE_BYTES, (uint32_t)ticks);
    }
    return MEASURED;
}
