"""A trace replayed without a device: which subnetworks a policy chooses and what that achieves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reds.adaptation.budgets import UNLIMITED, Budgets
from reds.adaptation.costs import CostTable
from reds.adaptation.policies import Policy, Store, costs_of


@dataclass(frozen=True, eq=False)
class Replay:
    """What a policy did, request by request.

    Attributes:
        policy: its name.
        levels: chosen, int8 (requests,).
        missed: whether the inference took more than it might, or did not take place for want of energy, bool (requests,).
        infeasible: whether no subnetwork fits the budgets, bool (requests,).
        stored: energy in the store after each request, int64 (requests,); `UNLIMITED` without a store.
        utility: mean over all requests of the accuracy of the subnetwork that answered; a miss counts as wrong.
        switches: how often a request had another subnetwork than the one before.
        switch_share: ticks of these changes, as a share of all ticks.
    """

    policy: str
    levels: np.ndarray
    missed: np.ndarray
    infeasible: np.ndarray
    stored: np.ndarray
    utility: float
    switches: int
    switch_share: float


def simulate(policy: Policy, budgets: Budgets, table: CostTable, store: Store | None = None) -> Replay:
    """Replay the budgets with costs as in the table, one inference at each row.

    An inference that misses its deadline or its energy budget takes its energy all the same. One that needs more RAM than is
    free, or more energy than is stored, does not take place.
    """
    costs = costs_of(table)
    follower = policy.follower(costs, store)
    levels, dry = np.empty(len(budgets), np.int8), np.zeros(len(budgets), np.bool_)
    held = np.full(len(budgets), UNLIMITED, np.int64)
    rows = zip(
        budgets.time_ticks.tolist(), budgets.energy.tolist(), budgets.ram_bytes.tolist(), budgets.harvest.tolist(), strict=True
    )
    stored = UNLIMITED if store is None else store.start
    for row, (time_ticks, energy, ram_bytes, harvest) in enumerate(rows):
        if store is not None:
            stored = min(stored + harvest, store.capacity)
        level = follower.choose(time_ticks, energy, ram_bytes, stored, harvest)
        levels[row] = level
        if store is not None:
            cost = costs[level]
            dry[row] = cost.energy > stored
            if not dry[row] and cost.ram_bytes <= ram_bytes:
                stored -= cost.energy
            held[row] = stored
    return _replayed(policy.name, budgets, table, levels=levels, dry=dry, stored=held)


def _replayed(
    name: str, budgets: Budgets, table: CostTable, *, levels: np.ndarray, dry: np.ndarray, stored: np.ndarray
) -> Replay:
    """What these choices achieve with the costs of the table; `dry` are the requests for which the store held too little."""
    fits = fitting(budgets, table)
    missed = ~fits[levels, np.arange(len(levels))] | dry
    accuracy = np.array([option.accuracy for option in table.options])
    switches = int(np.count_nonzero(np.diff(levels)))
    ticks = int(np.array([option.time_ticks for option in table.options])[levels].sum()) + switches * table.switch_ticks
    return Replay(
        name,
        levels,
        missed,
        np.logical_not(fits.any(axis=0)),
        stored,
        float(np.where(missed, 0.0, accuracy[levels]).mean()),
        switches,
        switches * table.switch_ticks / ticks,
    )


def fitting(budgets: Budgets, table: CostTable) -> np.ndarray:
    """Whether a level fits a request's budgets, bool (levels, requests)."""
    rows = [
        (cost.time_ticks <= budgets.time_ticks) & (cost.energy <= budgets.energy) & (cost.ram_bytes <= budgets.ram_bytes)
        for cost in costs_of(table)
    ]
    return np.stack(rows)
