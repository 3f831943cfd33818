"""Policies, their simulation, and the bound that no policy exceeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from adaptation_examples import ACCURACIES, NAMES, WHOLE_TICKS, cost_table, day, unlimited
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.adaptation.budgets import UNLIMITED, Budgets
from reds.adaptation.generators import KINDS
from reds.adaptation.look_ahead import look_ahead_bound
from reds.adaptation.policies import DEFAULT, POLICIES, Costs, Hysteresis, LargestFit, Static, Store, policy, statics
from reds.adaptation.simulation import simulate
from reds.errors import ConfigError

pytest.importorskip("scipy")

OF_BOUND = 0.97


def timed(*shares: float) -> Budgets:
    """Budgets of time alone."""
    table = cost_table()
    ticks = np.array([int(share * (WHOLE_TICKS + table.switch_ticks)) for share in shares], np.int64)
    rest = unlimited(len(shares))
    return Budgets(ticks, rest, rest, np.zeros(len(shares), np.int64), stored=False)


def fed(harvest: list[int]) -> Budgets:
    rest = unlimited(len(harvest))
    return Budgets(rest, rest, rest, np.array(harvest, np.int64), stored=True)


@pytest.mark.parametrize("accuracies", ACCURACIES.values(), ids=ACCURACIES)
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_the_default_policy_comes_close_to_the_bound_and_beats_every_static_network(
    kind: str, seed: int, accuracies: tuple[float, ...]
) -> None:
    table = cost_table(accuracies)
    budgets, store = day(kind, table, seed)
    bound = look_ahead_bound(budgets, table, store)
    adaptive = simulate(policy(DEFAULT), budgets, table, store)
    others = [simulate(each, budgets, table, store).utility for each in statics(table)]
    assert OF_BOUND * bound <= adaptive.utility <= bound + 1e-9
    assert adaptive.utility > max(others)
    assert not adaptive.infeasible.any()
    if store is None:
        assert not adaptive.missed.any()
    else:
        assert adaptive.missed.mean() < 0.005


def test_the_largest_that_fits_is_chosen_and_a_change_counts_for_the_time() -> None:
    replay = simulate(LargestFit(), timed(2.0, 1.0, 0.999, 0.5, 0.4, 0.2), cost_table())
    assert [NAMES[level] for level in replay.levels] == ["100", "100", "75", "25", "25", "25"]
    assert replay.missed.tolist() == replay.infeasible.tolist() == [False] * 5 + [True]
    accuracies = ACCURACIES["cifar10"]
    assert replay.utility == pytest.approx((2 * accuracies[0] + accuracies[1] + 2 * accuracies[3]) / 6)
    assert replay.switches == 2
    assert 0 < replay.switch_share < 1e-4


def test_a_larger_network_must_fit_for_a_while() -> None:
    replay = simulate(Hysteresis(patience=3), timed(0.6, 0.6, 0.6, 0.6, 1, 1, 0.6, 1, 1, 1, 0.3), cost_table())
    assert [NAMES[level] for level in replay.levels] == ["25"] * 2 + ["50"] * 7 + ["100", "25"]
    assert not replay.missed.any()


def test_a_static_network_misses_what_it_does_not_fit() -> None:
    table = cost_table()
    assert [each.name for each in statics(table)] == ["always 100", "always 75", "always 50", "always 25"]
    replay = simulate(Static(1, "75"), timed(1.0, 0.5), table)
    assert replay.missed.tolist() == [False, True]
    assert replay.utility == pytest.approx(table.options[1].accuracy / 2)


def test_an_empty_store_gives_no_answer_and_a_full_one_overflows() -> None:
    table = cost_table()
    store = Store(WHOLE_TICKS, WHOLE_TICKS, 2, (0,))
    replay = simulate(Static(0, "100"), fed([WHOLE_TICKS, 0, WHOLE_TICKS // 2, WHOLE_TICKS]), table, store)
    assert replay.missed.tolist() == [False, True, True, False]
    assert replay.stored.tolist() == [0, 0, WHOLE_TICKS // 2, 0]


def test_what_does_not_fit_in_ram_takes_no_energy() -> None:
    table = cost_table()
    budgets = replace(fed([0, 0]), ram_bytes=np.array([1, UNLIMITED], np.int64))
    replay = simulate(Static(0, "100"), budgets, table, Store(WHOLE_TICKS, WHOLE_TICKS, 2, (0,)))
    assert replay.missed.tolist() == [True, False]
    assert replay.stored.tolist() == [WHOLE_TICKS, 0]


def test_a_store_without_harvest_is_made_to_last() -> None:
    """Half of what the whole network needs: the policy neither runs dry nor keeps much."""
    table, requests = cost_table(), 4800
    store = Store(WHOLE_TICKS * requests // 2, WHOLE_TICKS * requests // 2, requests // 48, (0,) * 48)
    replay = simulate(policy(DEFAULT), fed([0] * requests), table, store)
    greedy = simulate(LargestFit(), fed([0] * requests), table, store)
    assert not replay.missed.any()
    assert greedy.missed.mean() > 0.4


@st.composite
def small_problems(draw: st.DrawFn) -> tuple[Budgets, Store | None]:
    count = draw(st.integers(2, 6))
    shares = st.lists(st.sampled_from([0.1, 0.3, 0.6, 0.8, 1.1]), min_size=count, max_size=count)
    budgets = timed(*draw(shares))
    if draw(st.booleans()):
        return budgets, None
    harvest = draw(st.lists(st.integers(0, 2 * WHOLE_TICKS), min_size=count, max_size=count))
    capacity = draw(st.integers(1, 3 * WHOLE_TICKS))
    budgets = replace(budgets, harvest=np.array(harvest, np.int64), stored=True)
    return budgets, Store(capacity, draw(st.integers(0, capacity)), draw(st.integers(3, 5)), (WHOLE_TICKS, 0))


class _Fixed:
    """Plays a list of levels."""

    name = "fixed"

    def __init__(self, levels: tuple[int, ...]) -> None:
        self._levels = list(levels)

    def follower(self, costs: Sequence[Costs], store: Store | None) -> _Fixed:
        return self

    def choose(self, time_ticks: int, energy: int, ram_bytes: int, stored: int, harvested: int) -> int:
        return self._levels.pop(0)


@settings(deadline=None, max_examples=40)
@given(problem=small_problems())
def test_no_sequence_of_choices_exceeds_the_bound(problem: tuple[Budgets, Store | None]) -> None:
    budgets, store = problem
    table = cost_table()
    bound = look_ahead_bound(budgets, table, store)
    sequences = product(range(4), repeat=len(budgets)) if len(budgets) <= 4 else [(level,) * len(budgets) for level in range(4)]
    best = max(simulate(_Fixed(levels), budgets, table, store).utility for levels in sequences)
    for each in POLICIES.values():
        best = max(best, simulate(each, budgets, table, store).utility)
    assert best <= bound + 1e-9
    if store is None and len(budgets) <= 4:
        assert best == pytest.approx(bound)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 0, 2, (0,)), "has a capacity"),
        ((10, 11, 2, (0,)), "no more than that"),
        ((2**56, 0, 2, (0,)), "has a capacity"),
        ((10, 5, 0, (0,)), "slots of 0 requests"),
        ((10, 5, 2**24, (0,)), "slots of"),
        ((10, 5, 1, ()), "0 slots"),
        ((10, 5, 98, (0,) * 97), "97 slots"),
        ((10, 5, 3, (0,) * 3), "3 slots of 3 requests"),
        ((10, 5, 2, (-1,)), "flows in during a slot"),
    ],
)
def test_an_impossible_store_is_refused(arguments: tuple, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Store(*arguments)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown policy 'largest'(?s:.*)largest-fit"):
        policy("largest")
