"""Replays budgets against a device: it answers each request with the subnetwork that a policy chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from harness.boards import Board
from harness.networks import Deployment
from reds.adaptation.budgets import Budgets, budgets_of
from reds.adaptation.costs import MACS, CostTable, Option, no_cheaper_than_smaller_ones, ticks_per_us
from reds.adaptation.generators import DAY_S, Bounds, generate
from reds.adaptation.policies import DEFAULT, Store, policy, statics, store_for
from reds.adaptation.simulation import simulate
from reds.adaptation.trace import Trace
from targets.target import FirstInferenceTime, InferenceTime, SwitchTime

MOST_SHARE = 1.2  # the largest budget, as a share of what the whole network takes
STORE_SHARE = 0.25  # of what the whole network takes in the replay


@dataclass(frozen=True, eq=False)
class Day:
    """Budgets of a day, and for a harvest a store."""

    budgets: Budgets
    store: Store | None


@dataclass(frozen=True, eq=False)
class Taken:
    """What a device took, request by request.

    Attributes:
        ticks: what the change of subnetwork, where there was one, and the inference took, int64 (requests,).
        switch_ticks: the changes alone, int64 (requests,).
    """

    ticks: np.ndarray
    switch_ticks: np.ndarray


def measured_costs(board: Board, deployment: Deployment, inputs: np.ndarray, accuracies: Sequence[float]) -> CostTable:
    """What each level of a loaded network takes on its device: the longest time that any of these inputs took; MACs for energy.

    Args:
        board: with the deployment's image.
        deployment: what is loaded.
        inputs: (n, input_elements) in the image's element type.
        accuracies: of each level.
    """
    names = [subnet.name for subnet in deployment.network.bundle.subnets]
    options: list[Option] = []
    for level, name in enumerate(names):
        longest = max(board.time(InferenceTime(level, each, 1)).samples[0] for each in inputs)
        ram, macs = board.loaded.level_arena_bytes[level], deployment.network.macs(name)
        options.append(Option(name, longest, macs, ram, accuracies[level]))
    switch = max((max(board.time_switch(*pair).samples) for pair in permutations(range(len(names)), 2)), default=0)
    clock, firmware = board.identity.clock, board.identity.firmware_sha256
    rate, kept = ticks_per_us(clock.hz), no_cheaper_than_smaller_ones(options)
    return CostTable(deployment.sha256, board.device.id, firmware, clock.kind, rate, MACS, MACS, max(switch, 0), kept)


def a_day(kind: str, requests: int, table: CostTable, seed: int) -> Day:
    """A day of a family of traces in so many requests, each of which some subnetwork can answer.

    For a harvest there is a store, with another day as the forecast.
    """
    whole, smallest = table.options[0], table.options[-1]
    shares = (
        (smallest.time_ticks + table.switch_ticks) / (whole.time_ticks + table.switch_ticks),
        smallest.ram_bytes / whole.ram_bytes,
    )
    bounds = Bounds(least=max(shares), most=max(*shares, 1.0) * MOST_SHARE)

    def trace(seed: int) -> Trace:
        return generate(kind, DAY_S, DAY_S / requests, seed, bounds)

    budgets = budgets_of(trace(seed), table)
    if not budgets.stored:
        return Day(budgets, None)
    capacity = int(table.options[0].energy * requests * STORE_SHARE)
    return Day(budgets, store_for(capacity, capacity // 2, budgets_of(trace(seed + 1), table).harvest))


def play(board: Board, table: CostTable, levels: np.ndarray, inputs: np.ndarray) -> Taken:
    """Let the device answer requests, each with its level, and measure what each takes.

    Args:
        board: with the network that the table is of.
        table: what the levels were chosen by.
        levels: int (requests,).
        inputs: (requests, input_elements) in the image's element type.

    Raises:
        ConfigError: the table is of another device or firmware.
    """
    table.check_of(board.device.id, board.identity.firmware_sha256)
    ticks, switching = np.empty(len(levels), np.int64), np.zeros(len(levels), np.int64)
    before = int(levels[0])
    for request, (level, sample) in enumerate(zip(levels.tolist(), inputs, strict=True)):
        if level == before:
            inference = board.time(InferenceTime(level, sample, 1))
        else:
            switching[request] = board.time(SwitchTime(before, level, 1)).samples[0]
            inference = board.time(FirstInferenceTime(before, level, sample, 1))
        ticks[request] = inference.samples[0] + switching[request]
        before = level
    return Taken(ticks, switching)


@dataclass(frozen=True)
class PlayedDay:
    """What came of a day of requests on a device; a request without an answer in time counts as wrong.

    Attributes:
        policy: what chose the subnetworks.
        accuracy: over all requests.
        misses: requests without an answer in time.
        infeasible: requests that no subnetwork can answer within its budgets.
        switches: requests with another subnetwork than the one before.
        switch_share: ticks of these changes, as a share of all ticks.
        static_accuracy: the same accuracy with one subnetwork for all requests, by name; times are those of the table.
    """

    policy: str
    accuracy: float
    misses: int
    infeasible: int
    switches: int
    switch_share: float
    static_accuracy: Mapping[str, float]


def played(board: Board, table: CostTable, day: Day, inputs: np.ndarray, classes: np.ndarray) -> PlayedDay:
    """Let a device answer a day's requests with the default policy.

    What is answered does not depend on what was selected before (`suites/test_switching.py`), so answers are inferred together.

    Args:
        board: with the network that the table is of.
        table: its costs on this device.
        day: the budgets.
        inputs: (requests, input_elements) in the image's element type.
        classes: int (requests,), what is right.

    Raises:
        ConfigError: the table is of another device or firmware.
    """
    planned = simulate(policy(DEFAULT), day.budgets, table, day.store)
    taken = play(board, table, planned.levels, inputs)
    missed = planned.missed | (taken.ticks > day.budgets.time_ticks)
    right = np.stack([board.infer(level, inputs).argmax(axis=1) == classes for level in range(len(table.options))])
    alternatives = {
        option.name: _share(right[level] & ~simulate(static, day.budgets, table, day.store).missed)
        for level, (option, static) in enumerate(zip(table.options, statics(table), strict=True))
    }
    return PlayedDay(
        planned.policy,
        _share(right[planned.levels, np.arange(len(classes))] & ~missed),
        int(missed.sum()),
        int(planned.infeasible.sum()),
        planned.switches,
        float(taken.switch_ticks.sum() / taken.ticks.sum()),
        alternatives,
    )


def _share(right: np.ndarray) -> float:
    return float(np.mean(right))
