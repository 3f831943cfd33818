/* Policies: which level of a network the next inference uses, given what it may take.
 *
 * Contract
 *   - C99, whole numbers only, no allocation, no global state. reds/adaptation/policies.py decides alike.
 *   - Levels are numbered from 0, the largest. `costs` has one record for each level, none larger in anything than the one before;
 *     it stays the caller's and must stay as it is. Time counts a change to the level, energies are in one unit, and both are at most
 *     REDS_MOST_COST.
 *   - Where not even the smallest level fits, the smallest is chosen: it misses by least.
 *   - A decision takes a loop over the levels and, for the energy-neutral policy, at most one division.
 */
#ifndef REDS_POLICY_H
#define REDS_POLICY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REDS_UNLIMITED UINT32_MAX
#define REDS_MOST_COST ((UINT32_C(1) << 30) - 1)
#define REDS_MOST_STORED (UINT64_C(1) << 56)        /* capacity, and what flows in during a slot, are below it */
#define REDS_MOST_SLOTS 96u                         /* of a period */
#define REDS_MOST_SLOT_REQUESTS (UINT32_C(1) << 24) /* a slot has fewer, and more than a period has slots */

/* What an inference of a level takes; also what the next inference may take. */
typedef struct {
    uint32_t time_ticks, energy, ram_bytes;
} reds_cost;

/* The largest level within the budget. */
uint32_t reds_largest_within(const reds_cost *costs, uint32_t levels, const reds_cost *budget);

/* As reds_largest_within, but a larger level must fit `patience` times in turn before it is taken. */
typedef struct {
    const reds_cost *costs;
    uint32_t levels, patience, level, waited;
} reds_hysteresis;

void reds_hysteresis_begin(reds_hysteresis *state, const reds_cost *costs, uint32_t levels, uint32_t patience);
uint32_t reds_hysteresis_choose(reds_hysteresis *state, const reds_cost *budget);

/* A store of energy and how it is fed: a period, such as a day, has slots of so many requests. */
typedef struct {
    uint64_t capacity;
    const uint64_t *forecast; /* [slots]: what is expected to flow in during each slot of the first period */
    uint32_t slots, slot_requests;
} reds_store;

/* Spends evenly what is stored and what is expected to flow in (see EnergyNeutral in policies.py). The fields are its own. */
typedef struct {
    const reds_cost *costs;
    uint32_t levels;
    uint32_t slots, slot_requests, shift;
    uint64_t full, reserve, harvested;
    uint32_t slot, left, looked_at, requests_ahead;
    uint32_t coming, least, allowance, credit;
    uint32_t forecast[REDS_MOST_SLOTS]; /* energies shortened by `shift` bits */
} reds_energy_neutral;

/* `start` is what the store holds. The store's record and forecast are read here only. */
void reds_energy_neutral_begin(reds_energy_neutral *state, const reds_cost *costs, uint32_t levels, const reds_store *store,
                               uint64_t start);

/* `stored` is what the store holds now, `harvested` what flowed in since the last decision. */
uint32_t reds_energy_neutral_choose(reds_energy_neutral *state, const reds_cost *budget, uint64_t stored, uint32_t harvested);

#ifdef __cplusplus
}
#endif
#endif
