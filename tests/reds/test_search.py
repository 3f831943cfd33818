"""The exact search, against trying everything."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import random_importance

from reds.errors import BudgetError, ConfigError
from reds.permutation import importance_orders, permute
from reds.search import solver as solver_module
from reds.search.chain import admissible_widths, chain_problem
from reds.search.labels import best_labelled_path
from reds.search.models import DIRECTIONS, Settings
from reds.search.nested import search, share, subnets_of
from reds.search.problem import Pair, Problem, Resource, Solution
from reds.search.relaxation import relax
from reds.search.solver import solve
from reds.search.tables import layer_macs, pair_tables
from reds.zoo import mlp, mlp1, mlp3, mlp11


def random_problem(sizes: list[int], resources: int, seed: int, share: float) -> Problem:
    """Values and integer costs at random, some pairs of widths forbidden, limits a share of the most expensive path's cost."""
    generator = np.random.default_rng(seed)
    pairs = [
        Pair(
            np.where(generator.random((a, b)) < 0.9, generator.integers(-3, 20, (a, b)), -np.inf),
            generator.integers(0, 12, (resources, a, b)).astype(float),
        )
        for a, b in itertools.pairwise(sizes)
    ]
    limits = share * np.sum([pair.costs.max(axis=(1, 2)) for pair in pairs], axis=0)
    widths = tuple(np.arange(1, size + 1) for size in sizes)
    names = tuple(f"g{index}" for index in range(len(sizes)))
    return Problem(names, widths, tuple(pairs), tuple(Resource(f"r{i}", limit) for i, limit in enumerate(limits)))


def best_by_trying(problem: Problem) -> float | None:
    """The largest value within the limits, None where there is none."""
    best = None
    for path in itertools.product(*(range(len(widths)) for widths in problem.widths)):
        pairs = list(zip(problem.pairs, path, path[1:], strict=False))
        used = sum(pair.costs[:, a, b] for pair, a, b in pairs)
        value = sum(pair.value[a, b] for pair, a, b in pairs)
        if (used <= problem.limits).all() and value > -np.inf:
            best = value if best is None else max(best, value)
    return best


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=5),
    st.integers(1, 2),
    st.integers(0, 10**6),
    st.sampled_from([0.2, 0.4, 0.6, 1.0]),
)
def test_the_solver_finds_what_trying_everything_finds(sizes: list[int], resources: int, seed: int, share: float) -> None:
    problem = random_problem(sizes, resources, seed, share)
    best = best_by_trying(problem)
    if best is None:
        with pytest.raises(BudgetError):
            solve(problem)
        return
    solution = solve(problem)
    assert (solution.status, solution.gap) == ("optimal", 0.0)
    assert solution.value == pytest.approx(best)
    path = [width - 1 for width in solution.widths]
    assert problem.value(path) == pytest.approx(solution.value)
    assert (problem.costs(path) <= problem.limits).all()
    assert solution.costs == tuple(problem.costs(path))


def test_a_known_solution_is_replaced_by_better_ones_only() -> None:
    """The slack of a cheap path is worth nothing at its end, whatever it was worth on the way."""
    for seed in range(300):
        problem = random_problem([1, 4, 4], 2, seed, 0.6)
        best = best_by_trying(problem)
        if best is not None:
            relaxation = relax(problem)
            for incumbent in (best + 1e-9, best - 1):
                outcome = best_labelled_path(problem, relaxation, incumbent, capacity=100)
                assert (outcome.path is None) == (incumbent > best)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(2, 5), min_size=2, max_size=5), st.integers(1, 2), st.integers(0, 10**6))
def test_the_relaxation_bounds_the_optimum_and_few_labels_still_do(sizes: list[int], resources: int, seed: int) -> None:
    problem = random_problem(sizes, resources, seed, 0.5)
    best = best_by_trying(problem)
    if best is None:
        return
    relaxation = relax(problem)
    assert relaxation.bound(problem.limits) >= best - 1e-9
    outcome = best_labelled_path(problem, relaxation, -1e9, capacity=1)
    found = -np.inf if outcome.path is None else problem.value(outcome.path)
    assert found <= best + 1e-9
    assert max(found, outcome.dropped_bound) >= best - 1e-9


def test_a_search_that_runs_out_of_room_states_its_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver_module, "CAPACITIES", (1,))
    gaps = []
    for seed in range(40):
        problem = random_problem([5, 5, 5, 5], 1, seed, 0.4)
        best = best_by_trying(problem)
        assert best is not None
        solution = solve(problem)
        assert solution.value <= best + 1e-9 <= solution.bound + 2e-9
        assert (solution.status == "optimal") == (solution.gap <= 1e-9)
        gaps.append(solution.gap)
    assert max(gaps) > 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    st.integers(0, 10**6),
    st.sampled_from(sorted(DIRECTIONS)),
    st.integers(1, 2),
)
def test_nested_searches_are_each_optimal_given_the_one_before(
    hidden: list[int], seed: int, direction: str, minimum_width: int
) -> None:
    network = mlp("net", 3, tuple(hidden), 2)
    importance = random_importance(network, seed)
    importance = permute(network, importance, importance_orders(network, importance))
    try:
        settings_ = Settings(direction, minimum_width)
        found = search(network, importance, (1.0, 0.7, 0.45), settings_)
    except (BudgetError, ConfigError):
        return  # what the message says is tested below
    problem = chain_problem(network, importance, admissible_widths(network, minimum_width, align=1))
    least = tuple(int(widths[0]) for widths in problem.widths)
    whole, large, small = found
    bounds = {"bottom-up": (small.subnet.widths, network.full_widths), "top-down": (least, network.full_widths)}
    below = {"bottom-up": (least, network.full_widths), "top-down": (least, large.subnet.widths)}
    for item, (floor, ceiling) in ((large, bounds[direction]), (small, below[direction])):
        assert network.cost(item.subnet.widths).macs == item.solution.costs[0] <= item.limit
        assert item.solution.value == pytest.approx(best_by_trying(problem.within(floor, ceiling).limited([item.limit])))
    assert whole.subnet.widths == network.full_widths
    subnets_of(found)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=4), st.data())
def test_the_macs_of_the_tables_are_the_macs_of_the_network(hidden: list[int], data: st.DataObject) -> None:
    network = mlp("net", 4, tuple(hidden), 3)
    widths = (4, *(data.draw(st.integers(1, size)) for size in hidden), 3)
    tables = pair_tables(network, tuple(np.array([width]) for width in widths), layer_macs)
    assert sum(int(table[0, 0]) for table in tables) == network.cost(widths).macs


@pytest.mark.parametrize("direction", sorted(DIRECTIONS))
@pytest.mark.parametrize("network", [mlp1(), mlp3(), mlp11()], ids=lambda network: network.name)
def test_the_posters_networks_are_solved_to_proved_optimality(network, direction: str) -> None:
    importance = random_importance(network, 1)
    importance = permute(network, importance, importance_orders(network, importance))
    for item in search(network, importance, (1.0, 0.75, 0.5, 0.25, 0.1), Settings(direction)):
        assert (item.solution.status, item.solution.gap) == ("optimal", 0.0)
        assert item.solution.costs[0] <= item.limit
        assert item.to_dict()["macs"] == network.cost(item.subnet.widths).macs


def test_a_budget_that_cannot_be_met_is_named_with_the_least_possible() -> None:
    network = mlp1()
    with pytest.raises(BudgetError) as caught:
        search(network, random_importance(network, 0), (1.0, 0.01))
    assert "'1' of mlp1" in caught.value.what
    assert "29 macs" in caught.value.what
    assert "148 macs" in (caught.value.seen or "")


def test_limits_that_only_together_cannot_be_met_are_named() -> None:
    costs = np.array([[[0.0, 4.0]], [[4.0, 0.0]]])
    pair = Pair(np.zeros((1, 2)), costs)
    problem = Problem(("a", "b"), (np.array([1]), np.array([1, 2])), (pair,), (Resource("macs", 1), Resource("bytes", 1)))
    with pytest.raises(BudgetError, match="together"):
        solve(problem)


def test_forbidding_every_pair_is_an_error() -> None:
    pair = Pair(np.full((1, 2), -np.inf), np.zeros((1, 1, 2)))
    with pytest.raises(BudgetError, match="no widths are allowed"):
        solve(Problem(("a", "b"), (np.array([1]), np.array([1, 2])), (pair,), (Resource("macs", 1),)))


def test_tables_that_do_not_fit_are_refused() -> None:
    widths = (np.array([1]), np.array([1, 2]))
    good = Pair(np.zeros((1, 2)), np.zeros((1, 1, 2)))
    limit = (Resource("macs", 1),)
    with pytest.raises(ConfigError, match="not of shape"):
        Problem(("a", "b"), (widths[1], widths[0]), (good,), limit)
    with pytest.raises(ConfigError, match="each two neighbouring"):
        Problem(("a",), (widths[0],), (), limit)
    for wrong in (-1.0, np.nan, np.inf):
        with pytest.raises(ConfigError, match="a cost that is negative or no number"):
            Problem(("a", "b"), widths, (Pair(good.value, good.costs + wrong),), limit)
    for wrong in (np.nan, np.inf):
        with pytest.raises(ConfigError, match="a value that is no number"):
            Problem(("a", "b"), widths, (Pair(good.value + wrong, good.costs),), limit)
    many = np.arange(1, 2**16 + 2)
    with pytest.raises(ConfigError, match="alignment"):
        Problem(("a", "b"), (widths[0], many), (Pair(np.zeros((1, len(many))), np.zeros((1, 1, len(many)))),), limit)
    with pytest.raises(ConfigError, match="no admissible width"):
        Problem(("a", "b"), widths, (good,), limit).within((1, 3), (1, 9))


def test_budgets_round_down() -> None:
    assert [share(17360, fraction) for fraction in (1.0, 0.25, 0.333)] == [17360, 4340, 5780]
    assert share(20, 0.35) == 7
    assert share(0.5, 0.25) == 0.125


def test_the_gap_is_a_share_of_the_bound() -> None:
    assert Solution("s", "feasible", (1,), 9.0, 10.0, 0.0, ()).gap == pytest.approx(0.1)
