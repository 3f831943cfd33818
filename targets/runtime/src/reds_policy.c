#include "reds_policy.h"

#define FULL_SHIFT 4    /* a store is full when less than a sixteenth is free: what flows in then would be lost */
#define RESERVE_SHIFT 5 /* a thirty-second is kept for what the forecast does not know */

static inline uint32_t least_of(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* As many as 32 bits hold. */
static inline uint32_t saturated(uint64_t value)
{
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

uint32_t reds_largest_within(const reds_cost *costs, uint32_t levels, const reds_cost *budget)
{
    const uint32_t smallest = levels - 1;
    uint32_t level = 0;
    while (level < smallest && (costs[level].time_ticks > budget->time_ticks || costs[level].energy > budget->energy ||
                                costs[level].ram_bytes > budget->ram_bytes))
        level++;
    return level;
}

void reds_hysteresis_begin(reds_hysteresis *state, const reds_cost *costs, uint32_t levels, uint32_t patience)
{
    const reds_hysteresis begun = {costs, levels, patience, levels - 1, 0};
    *state = begun;
}

uint32_t reds_hysteresis_choose(reds_hysteresis *state, const reds_cost *budget)
{
    const uint32_t fitting = reds_largest_within(state->costs, state->levels, budget);
    state->waited = fitting < state->level ? state->waited + 1 : 0;
    if (fitting >= state->level || state->waited >= state->patience) {
        state->level = fitting;
        state->waited = 0;
    }
    return state->level;
}

static void begin_slot(reds_energy_neutral *state, uint64_t stored)
{
    const uint64_t free = stored > state->reserve ? stored - state->reserve : 0;
    state->left = state->slot_requests;
    state->harvested = 0;
    state->looked_at = 0;
    state->requests_ahead = 0;
    state->coming = saturated(free >> state->shift);
    state->least = UINT32_MAX;
}

static void end_slot(reds_energy_neutral *state)
{
    const uint32_t flowed = saturated(state->harvested >> state->shift);
    uint32_t *const forecast = &state->forecast[state->slot];
    *forecast = (uint32_t)(((uint64_t)*forecast + flowed) >> 1);
    state->slot = state->slot + 1 == state->slots ? 0 : state->slot + 1;
}

/* What all inferences until the end of one more slot can have each. */
static void look_ahead(reds_energy_neutral *state)
{
    const uint32_t at = state->slot + state->looked_at;
    state->coming = saturated((uint64_t)state->coming + state->forecast[at < state->slots ? at : at - state->slots]);
    state->looked_at++;
    state->requests_ahead += state->slot_requests;
    state->least = least_of(state->least, state->coming / state->requests_ahead);
    if (state->looked_at == state->slots)
        state->allowance = least_of(saturated((uint64_t)state->least << state->shift), state->costs[0].energy);
}

void reds_energy_neutral_begin(reds_energy_neutral *state, const reds_cost *costs, uint32_t levels, const reds_store *store,
                               uint64_t start)
{
    uint64_t most = store->capacity;
    for (uint32_t slot = 0; slot < store->slots; slot++)
        most += store->forecast[slot];
    state->costs = costs;
    state->levels = levels;
    state->slots = store->slots;
    state->slot_requests = store->slot_requests;
    state->shift = 0;
    while ((2 * most) >> state->shift > UINT32_MAX) /* twice what is stored and expected at most has 32 bits */
        state->shift++;
    state->full = store->capacity - (store->capacity >> FULL_SHIFT);
    state->reserve = store->capacity >> RESERVE_SHIFT;
    for (uint32_t slot = 0; slot < store->slots; slot++)
        state->forecast[slot] = (uint32_t)(store->forecast[slot] >> state->shift);
    state->slot = 0;
    state->allowance = 0;
    state->credit = 0;
    begin_slot(state, start);
}

uint32_t reds_energy_neutral_choose(reds_energy_neutral *state, const reds_cost *budget, uint64_t stored, uint32_t harvested)
{
    if (state->left == 0) {
        end_slot(state);
        begin_slot(state, stored);
    } else if (state->looked_at < state->slots) {
        look_ahead(state);
    }
    state->left--;
    state->harvested += harvested;
    state->credit = least_of(state->credit, state->costs[0].energy) + state->allowance;
    reds_cost may = *budget;
    may.energy = least_of(may.energy, saturated(stored));
    if (stored < state->full)
        may.energy = least_of(may.energy, state->credit);
    const uint32_t level = reds_largest_within(state->costs, state->levels, &may);
    const uint32_t spent = state->costs[level].energy;
    state->credit = state->credit > spent ? state->credit - spent : 0;
    return level;
}
