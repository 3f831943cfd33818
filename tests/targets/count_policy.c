/* Measures decisions of each policy in the board's clock and writes the most that one took, as a u64 each: nothing at all, the largest
 * that fits, hysteresis, and energy-neutral with a store that is fed by day. */
#include "../../targets/firmware/src/hal.h"
#include "reds_policy.h"

#define LEVELS 4u
#define SLOTS 96u
#define SLOT_REQUESTS 100u
#define PERIODS 3u
#define WHOLE 2000000u

static const reds_cost costs[LEVELS] = {
    {WHOLE, WHOLE, 20000}, {WHOLE / 4 * 3, WHOLE / 4 * 3, 15000}, {WHOLE / 2, WHOLE / 2, 10000}, {WHOLE / 4, WHOLE / 4, 5000}};
static uint64_t forecast[SLOTS];
static reds_hysteresis hysteresis;
static reds_energy_neutral energy_neutral;
static uint64_t stored;
static uint32_t harvested;
static volatile uint32_t chosen;

static uint32_t nothing(const reds_cost *budget)
{
    return budget->ram_bytes;
}

static uint32_t largest(const reds_cost *budget)
{
    return reds_largest_within(costs, LEVELS, budget);
}

static uint32_t patient(const reds_cost *budget)
{
    return reds_hysteresis_choose(&hysteresis, budget);
}

static uint32_t neutral(const reds_cost *budget)
{
    return reds_energy_neutral_choose(&energy_neutral, budget, stored, harvested);
}

static uint32_t pseudo_random(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u; /* Numerical Recipes */
    return state >> 8;
}

static void run(uint32_t (*choose)(const reds_cost *), const reds_store *store)
{
    uint64_t most = 0;
    stored = store->capacity / 2;
    for (uint32_t request = 0; request < PERIODS * SLOTS * SLOT_REQUESTS; request++) {
        const reds_cost budget = {WHOLE / 4 + pseudo_random() % WHOLE, REDS_UNLIMITED, REDS_UNLIMITED};
        harvested = request / SLOT_REQUESTS % SLOTS < SLOTS / 2 ? pseudo_random() % (2 * WHOLE) : 0;
        stored = stored + harvested > store->capacity ? store->capacity : stored + harvested;
        hal_clock_start();
        const uint64_t before = hal_clock_ticks();
        chosen = choose(&budget);
        const uint64_t after = hal_clock_ticks();
        hal_clock_stop();
        most = after - before > most ? after - before : most;
        if (costs[chosen % LEVELS].energy <= stored)
            stored -= costs[chosen % LEVELS].energy;
    }
    hal_write((const uint8_t *)&most, sizeof most);
}

void firmware_run(void)
{
    const reds_store store = {(uint64_t)WHOLE * 2000, forecast, SLOTS, SLOT_REQUESTS};
    for (uint32_t slot = 0; slot < SLOTS / 2; slot++)
        forecast[slot] = (uint64_t)WHOLE * SLOT_REQUESTS;
    reds_hysteresis_begin(&hysteresis, costs, LEVELS, 8);
    reds_energy_neutral_begin(&energy_neutral, costs, LEVELS, &store, store.capacity / 2);
    run(nothing, &store);
    run(largest, &store);
    run(patient, &store);
    run(neutral, &store);
}
