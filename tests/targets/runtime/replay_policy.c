/* Replays requests with a policy and writes the level of each as a byte: the same program for an emulated core and for a host.
 *
 *   replay_policy REQUESTS LEVELS
 *
 * REQUESTS: u32 policy, levels, patience, slots, slot requests, unused; u64 capacity, start; the costs; u64 forecast[slots];
 * then requests until the end of the file: the budget, u32 harvested, u64 stored.
 */
#include <stdint.h>
#include <stdio.h>

#include "reds_policy.h"

enum { LARGEST, PATIENT, NEUTRAL };

#define MOST_LEVELS 16u

typedef struct {
    uint32_t policy, levels, patience, slots, slot_requests, unused;
    uint64_t capacity, start;
} header;

typedef struct {
    reds_cost budget;
    uint32_t harvested;
    uint64_t stored;
} request;

static reds_cost costs[MOST_LEVELS];
static uint64_t forecast[REDS_MOST_SLOTS];
static reds_hysteresis hysteresis;
static reds_energy_neutral energy_neutral;

static int read_records(void *records, size_t size, size_t count, FILE *file)
{
    return fread(records, size, count, file) == count;
}

static uint32_t decide(uint32_t policy, uint32_t levels, const request *next)
{
    reds_cost budget = next->budget;
    if (policy == NEUTRAL)
        return reds_energy_neutral_choose(&energy_neutral, &budget, next->stored, next->harvested);
    if (budget.energy > next->stored)
        budget.energy = (uint32_t)next->stored;
    return policy == PATIENT ? reds_hysteresis_choose(&hysteresis, &budget) : reds_largest_within(costs, levels, &budget);
}

int main(int count, char **arguments)
{
    header begin;
    request next;
    FILE *const requests = count == 3 ? fopen(arguments[1], "rb") : NULL, *const levels = count == 3 ? fopen(arguments[2], "wb") : NULL;
    if (!requests || !levels || !read_records(&begin, sizeof begin, 1, requests) || begin.levels > MOST_LEVELS ||
        begin.slots > REDS_MOST_SLOTS || !read_records(costs, sizeof *costs, begin.levels, requests) ||
        !read_records(forecast, sizeof *forecast, begin.slots, requests))
        return 1;
    const reds_store store = {begin.capacity, forecast, begin.slots, begin.slot_requests};
    if (begin.policy == PATIENT)
        reds_hysteresis_begin(&hysteresis, costs, begin.levels, begin.patience);
    if (begin.policy == NEUTRAL)
        reds_energy_neutral_begin(&energy_neutral, costs, begin.levels, &store, begin.start);
    while (read_records(&next, sizeof next, 1, requests))
        if (fputc((int)decide(begin.policy, begin.levels, &next), levels) == EOF)
            return 1;
    return fclose(levels) == 0 ? 0 : 1;
}
