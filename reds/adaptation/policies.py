"""Policies: which subnetwork the next inference uses, given what it may take.

Whole numbers only, as in `targets/runtime/src/reds_policy.c`, which decides alike. Levels count from 0, the largest subnetwork.
Where not even the smallest fits, every policy falls back on the smallest: it misses by least.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reds.adaptation.budgets import UNLIMITED
from reds.adaptation.costs import CostTable
from reds.errors import ConfigError, unknown_name


@dataclass(frozen=True)
class Costs:
    """What a policy knows of a level; `time_ticks` holds the change to it."""

    time_ticks: int
    energy: int
    ram_bytes: int


def costs_of(table: CostTable) -> tuple[Costs, ...]:
    """What a policy knows of each level of a table."""
    return tuple(Costs(option.time_ticks + table.switch_ticks, option.energy, option.ram_bytes) for option in table.options)


@dataclass(frozen=True)
class Store:
    """A store of energy, in the unit of the cost table, and what is known of how it is fed.

    Attributes:
        capacity: what it holds at most; what flows in beyond that is lost.
        start: what it holds before the first request.
        slot_requests: requests of a slot: a period, such as a day, is divided into slots. There are more of them than slots,
            as a policy looks at one slot with each request.
        forecast: what is expected to flow in during each slot of the first period.
    """

    capacity: int
    start: int
    slot_requests: int
    forecast: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 0 < self.capacity < MOST_STORED or not 0 <= self.start <= self.capacity:
            seen = f"capacity {self.capacity}, start {self.start}"
            raise ConfigError(f"a store has a capacity below {MOST_STORED}, and starts with no more than that", seen=seen)
        if not 0 < len(self.forecast) <= MOST_SLOTS or not len(self.forecast) < self.slot_requests < MOST_REQUESTS:
            seen = f"{len(self.forecast)} slots of {self.slot_requests} requests"
            what = (
                f"a period has 1 to {MOST_SLOTS} slots, each of more requests than there are slots and fewer than {MOST_REQUESTS}"
            )
            raise ConfigError(what, seen=seen)
        if any(not 0 <= energy < MOST_STORED for energy in self.forecast):
            raise ConfigError(f"what flows in during a slot is from 0 to {MOST_STORED - 1}", seen=str(self.forecast)[:200])


MOST_STORED = 2**56
MOST_REQUESTS, MOST_SLOTS = 2**24, 96
"""A slot's number of requests times the number of slots stays within 32 bits."""


SLOTS = 48


def store_for(capacity: int, start: int, expected: np.ndarray) -> Store:
    """A store with a period in 48 slots, or as many as the period has requests for.

    Args:
        capacity: what it holds at most.
        start: what it holds before the first request.
        expected: int (requests,), what is expected to flow in before each request of a period.

    Raises:
        ConfigError: the period has fewer than two requests.
    """
    slots = min(SLOTS, max(math.isqrt(len(expected)) - 1, 1))
    requests = len(expected) // slots
    by_slot = expected[: slots * requests].reshape(slots, requests).sum(axis=1)
    return Store(capacity, start, requests, tuple(map(int, by_slot)))


class Follower(Protocol):
    """A policy at work: it may remember."""

    def choose(self, time_ticks: int, energy: int, ram_bytes: int, stored: int, harvested: int) -> int:
        """The level of the next inference.

        Args:
            time_ticks: it may take.
            energy: it may take.
            ram_bytes: that are free.
            stored: energy in the store, `UNLIMITED` without one.
            harvested: energy that flowed into the store since the last request.
        """
        ...


class Policy(Protocol):
    """A rule, before it is put to work."""

    @property
    def name(self) -> str: ...

    def follower(self, costs: Sequence[Costs], store: Store | None) -> Follower:
        """The policy at work on a device with these costs and this store."""
        ...


def largest_within(costs: Sequence[Costs], time_ticks: int, energy: int, ram_bytes: int) -> int:
    """The largest level that fits, else the smallest."""
    for level, cost in enumerate(costs):
        if cost.time_ticks <= time_ticks and cost.energy <= energy and cost.ram_bytes <= ram_bytes:
            return level
    return len(costs) - 1


@dataclass(frozen=True)
class Static:
    """Always one subnetwork, as a system without nested networks has it."""

    level: int
    subnet: str

    @property
    def name(self) -> str:
        return f"always {self.subnet}"

    def follower(self, costs: Sequence[Costs], store: Store | None) -> Follower:
        return self

    def choose(self, time_ticks: int, energy: int, ram_bytes: int, stored: int, harvested: int) -> int:
        return self.level


@dataclass(frozen=True)
class LargestFit:
    """The largest subnetwork that fits, and nothing is saved for later."""

    name: str = "largest-fit"

    def follower(self, costs: Sequence[Costs], store: Store | None) -> Follower:
        return _LargestFit(tuple(costs))


@dataclass(frozen=True)
class _LargestFit:
    costs: tuple[Costs, ...]

    def choose(self, time_ticks: int, energy: int, ram_bytes: int, stored: int, harvested: int) -> int:
        return largest_within(self.costs, time_ticks, min(energy, stored), ram_bytes)


@dataclass(frozen=True)
class Hysteresis:
    """As `LargestFit`, but a larger subnetwork must fit for some requests in turn before it is taken: fewer changes.

    Attributes:
        patience: how many.
    """

    patience: int = 8
    name: str = "hysteresis"

    def follower(self, costs: Sequence[Costs], store: Store | None) -> Follower:
        return _Hysteresis(tuple(costs), self.patience)


class _Hysteresis:
    def __init__(self, costs: tuple[Costs, ...], patience: int) -> None:
        self._costs, self._patience = costs, patience
        self._level, self._waited = len(costs) - 1, 0

    def choose(self, time_ticks: int, energy: int, ram_bytes: int, stored: int, harvested: int) -> int:
        fitting = largest_within(self._costs, time_ticks, min(energy, stored), ram_bytes)
        self._waited = self._waited + 1 if fitting < self._level else 0
        if fitting >= self._level or self._waited >= self._patience:
            self._level, self._waited = fitting, 0
        return self._level


FULL_SHIFT = 4  # a store is full when less than a sixteenth is free: what flows in then would be lost
RESERVE_SHIFT = 5  # a thirty-second is kept for what the forecast does not know


@dataclass(frozen=True)
class EnergyNeutral:
    """Spends evenly what is stored and what is expected to flow in; without a store as `LargestFit`.

    At the beginning of a slot the policy allows each inference the most energy that it can allow all of them until the end of any
    slot of one period to come. What one inference leaves of its allowance is the next one's: the policy alternates between two
    subnetworks. What flows in during a slot is expected to be the mean of what was expected and what flowed in a period before,
    as in A. Kansal et al., Power management in energy harvesting sensor networks, ACM TECS 6 (2007).
    """

    name: str = "energy-neutral"

    def follower(self, costs: Sequence[Costs], store: Store | None) -> Follower:
        return _LargestFit(tuple(costs)) if store is None else _EnergyNeutral(tuple(costs), store)


class _EnergyNeutral:
    """One slot to come is looked at with each request, so that no decision takes long."""

    def __init__(self, costs: tuple[Costs, ...], store: Store) -> None:
        self._costs, self._slot_requests = costs, store.slot_requests
        self._full, self._reserve = store.capacity - (store.capacity >> FULL_SHIFT), store.capacity >> RESERVE_SHIFT
        self._shift = _shift(store)
        self._forecast = [energy >> self._shift for energy in store.forecast]
        self._slot = self._allowance = self._credit = 0
        self._begin_slot(store.start)

    def choose(self, time_ticks: int, energy: int, ram_bytes: int, stored: int, harvested: int) -> int:
        if self._left == 0:
            self._end_slot()
            self._begin_slot(stored)
        elif self._looked_at < len(self._forecast):
            self._look_ahead()
        self._left -= 1
        self._harvested += harvested
        self._credit = min(self._credit, self._costs[0].energy) + self._allowance
        may = min(energy, stored) if stored >= self._full else min(energy, stored, self._credit)
        level = largest_within(self._costs, time_ticks, may, ram_bytes)
        self._credit = max(self._credit - self._costs[level].energy, 0)
        return level

    def _begin_slot(self, stored: int) -> None:
        self._left, self._harvested = self._slot_requests, 0
        free = max(stored - self._reserve, 0)
        self._looked_at, self._coming, self._least = 0, min(free >> self._shift, UNLIMITED), UNLIMITED

    def _end_slot(self) -> None:
        flowed = min(self._harvested >> self._shift, UNLIMITED)
        self._forecast[self._slot] = (self._forecast[self._slot] + flowed) >> 1
        self._slot = (self._slot + 1) % len(self._forecast)

    def _look_ahead(self) -> None:
        """What all inferences until the end of one more slot can have each."""
        at = self._slot + self._looked_at
        self._coming = min(self._coming + self._forecast[at % len(self._forecast)], UNLIMITED)
        self._looked_at += 1
        self._least = min(self._least, self._coming // (self._looked_at * self._slot_requests))
        if self._looked_at == len(self._forecast):
            self._allowance = min(self._least << self._shift, self._costs[0].energy)


def _shift(store: Store) -> int:
    """By how many bits the energies of slots are shortened: twice what is stored and expected at most has 32."""
    return max((2 * (store.capacity + sum(store.forecast))).bit_length() - 32, 0)


POLICIES: Mapping[str, Policy] = {policy.name: policy for policy in (EnergyNeutral(), LargestFit(), Hysteresis())}
"""The policies by name; the first is the default."""
DEFAULT = next(iter(POLICIES))


def policy(name: str) -> Policy:
    """The policy `name`.

    Raises:
        ConfigError: there is none.
    """
    if name not in POLICIES:
        raise unknown_name("policy", name, POLICIES)
    return POLICIES[name]


def statics(table: CostTable) -> tuple[Static, ...]:
    """A policy for each subnetwork that is never left."""
    return tuple(Static(level, option.name) for level, option in enumerate(table.options))
