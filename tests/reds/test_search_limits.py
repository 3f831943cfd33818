"""What a search counts, against the costs of the architecture, and the limits that it keeps to."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.architecture import Architecture
from reds.errors import BudgetError, ConfigError
from reds.importance import random
from reds.permutation import importance_orders, permute
from reds.search import solver as solver_module
from reds.search.activations import DEFINITIONS, masks
from reds.search.chain import admissible_widths, chain_problem
from reds.search.limits import Limits, limits_from_dict
from reds.search.models import Settings
from reds.search.nested import Found, search
from reds.search.problem import Problem
from reds.search.solver import Effort, solve
from reds.search.tables import LayerCosts, layer_flash_bytes, layer_macs, pair_tables, total
from reds.subnets import Subnets
from reds.zoo import ZOO, architecture, mlp
from tests.reds.random_networks import convolutional, nested

LARGE = ("mobilenet_v1_1_96",)


def searched(network: Architecture, budgets: tuple[float, ...] = (1, 0.75, 0.5, 0.25), **changed) -> tuple[Found, ...]:
    """The subnetworks of a network whose channels are sorted by random importance."""
    importance = random(network, 0)
    return search(network, permute(network, importance, importance_orders(network, importance)), budgets, Settings(**changed))


def at(network: Architecture, widths: tuple[int, ...], costs: LayerCosts) -> float:
    tables = pair_tables(network, tuple(np.array([width]) for width in widths), costs)
    return sum(float(table[0, 0]) for table in tables)


@given(network=convolutional(), data=st.data())
@settings(max_examples=60, deadline=None)
def test_tables_add_up_to_what_the_architecture_says(network: Architecture, data: st.DataObject) -> None:
    for subnet in data.draw(nested(network)):
        cost = network.cost(subnet.widths)
        assert at(network, subnet.widths, layer_macs) == cost.macs == total(network, subnet.widths, layer_macs)
        assert at(network, subnet.widths, layer_flash_bytes(4)) == 4 * cost.parameters
        kernels = sum(math.prod(w.shape(subnet.widths)) for w in network.weights.values() if not w.is_vector)
        assert total(network, subnet.widths, layer_flash_bytes(1)) == 4 * cost.parameters - 3 * kernels
    every = admissible_widths(network, 1, 1)
    tables = pair_tables(network, every, layer_macs)
    path = [data.draw(st.integers(0, len(widths) - 1)) for widths in every]
    chosen = tuple(int(widths[index]) for widths, index in zip(every, path, strict=True))
    pairs = zip(tables, path, path[1:], strict=False)
    assert sum(table[a, b] for table, a, b in pairs) == network.cost(chosen).macs


@given(network=convolutional(), data=st.data(), definition=st.sampled_from(sorted(DEFINITIONS)))
@settings(max_examples=60, deadline=None)
def test_widths_may_stand_side_by_side_where_the_peak_allows(network: Architecture, data: st.DataObject, definition: str) -> None:
    subnets: Subnets = data.draw(nested(network))
    cost = network.cost(subnets[-1].widths)
    peak = DEFINITIONS[definition].elements(cost)
    expected = {
        "largest-map": max(math.prod(layer.output_shape) for layer in cost.layers),
        "input-output": max(math.prod(layer.input_shape) + math.prod(layer.output_shape) for layer in cost.layers if layer.macs),
    }
    assert peak == expected[definition]
    widths = tuple(np.array([width]) for width in subnets[-1].widths)
    for elements, allowed in ((peak, True), (peak - 1, False)):
        assert all(mask[0, 0] for mask in masks(network, widths, definition, elements)) == allowed


@pytest.mark.parametrize("definition", sorted(DEFINITIONS))
@pytest.mark.parametrize(("element", "element_bytes"), [("float32", 4), ("int8", 1)])
@pytest.mark.parametrize("direction", ["bottom-up", "top-down"])
def test_every_limit_holds_in_every_subnetwork(definition: str, element: str, element_bytes: int, direction: str) -> None:
    network = architecture("ds_cnn_s")
    limits = Limits(element_bytes * 6_000, definition, 40_000 if element == "float32" else 14_000, element)
    found = searched(network, direction=direction, limits=limits, align=4)
    for item in found[1:]:
        widths, cost = item.subnet.widths, network.cost(item.subnet.widths)
        assert element_bytes * DEFINITIONS[definition].elements(cost) == limits.peak_bytes(cost) <= 6_000 * element_bytes
        assert limits.weight_bytes(network, widths) <= (limits.flash_bytes or 0)
        assert item.macs <= item.limit
        assert all(width % 4 == 0 or width == group.size for width, group in zip(widths, network.groups, strict=True))
        assert item.solution.gap <= 1e-3
    assert limits.peak_bytes(network.cost(network.full_widths)) > 6_000 * element_bytes
    assert math.isfinite(found[0].solution.value)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(100), r"100 peak activation bytes \(input-output, float32\) cannot be met by ds_cnn_s(.|\n)*need 2960"),
        (Limits(100, "largest-map", element="int8"), r"100 peak activation bytes \(largest-map, int8\) cannot be met"),
        (Limits(flash_bytes=1000), r"1000 flash bytes \(float32\) cannot be met"),
    ],
)
def test_a_limit_that_no_widths_keep_to_is_named(limits: Limits, message: str) -> None:
    with pytest.raises(BudgetError, match=message):
        searched(architecture("ds_cnn_s"), limits=limits)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"peak_definition": "largest_map"}, "did you mean largest-map"),
        ({"element": "float"}, "did you mean float32"),
        ({"flash_bytes": 0}, "flash_bytes is a whole number, at least 1"),
        ({"peak_activation_bytes": 1.5}, "peak_activation_bytes is a whole number"),
        ({"flash": 1}, "did you mean flash_bytes"),
    ],
)
def test_limits_are_read_strictly(changed: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        limits_from_dict(changed)
    assert limits_from_dict(Limits(7, "largest-map", 9, "int8").to_dict()) == Limits(7, "largest-map", 9, "int8")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"direction": "up"}, "bottom-up"),
        ({"solver": "cpsat"}, "did you mean cp-sat"),
        ({"align": 0}, "align is a whole number"),
        ({"minimum_width": True}, "minimum_width is a whole number"),
    ],
)
def test_settings_are_checked(changed: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Settings(**changed)


def test_efforts_are_checked() -> None:
    for wrong in ({"gap": -0.1}, {"gap": float("nan")}, {"time_limit_s": 0}, {"time_limit_s": float("nan")}):
        with pytest.raises(ConfigError, match=r"above 0|at least 0"):
            Effort(**wrong)


def test_admissible_widths_are_aligned_or_all() -> None:
    network = mlp("net", 5, (10, 3), 2)
    assert [widths.tolist() for widths in admissible_widths(network, 2, 4)] == [[5], [4, 8, 10], [3], [2]]
    assert [widths.tolist() for widths in admissible_widths(network, 4, 1)] == [[5], list(range(4, 11)), [3], [2]]


def test_sixteen_subnetworks_nest_both_ways() -> None:
    network = architecture("ds_cnn_s")
    budgets = (1.0, *(percent / 100 for percent in range(90, 15, -5)))
    for direction in ("bottom-up", "top-down"):
        found = searched(network, budgets, direction=direction)
        assert len(found) == 16
        for larger, smaller in itertools.pairwise(found):
            assert all(a >= b for a, b in zip(larger.subnet.widths, smaller.subnet.widths, strict=True))


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE)) for name in ZOO])
def test_every_architecture_fills_its_budgets_with_a_certified_gap(name: str) -> None:
    """At least 97 % of the MACs are used, or no group can be widened by one channel; never more than all of them."""
    network = architecture(name)
    found = searched(network)
    ceilings = [item.subnet.widths for item in found]
    for index, item in enumerate(found[1:], start=1):
        widths = item.subnet.widths
        assert item.macs == network.cost(widths).macs <= item.limit
        assert 0 <= item.solution.gap <= 1e-3
        wider = [(*widths[:g], widths[g] + 1, *widths[g + 1 :]) for g in range(len(widths)) if widths[g] < ceilings[0][g]]
        full = item.macs >= 0.97 * item.limit or all(network.cost(each).macs > item.limit for each in wider)
        assert full, f"{name} {item.subnet.name} uses {item.macs / item.limit:.3f}"
        assert all(a >= b for a, b in zip(ceilings[index - 1], widths, strict=True))


def _wide_problem() -> Problem:
    """A search that is not proved at its root."""
    network = architecture("dnn_s")
    importance = random(network, 0)
    problem = chain_problem(network, importance, admissible_widths(network, 2, 1))
    return problem.limited([0.3 * problem.limits[0]])


def test_a_large_gap_that_is_wanted_ends_the_search_early_and_a_small_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver_module, "WORK", 0)
    problem = _wide_problem()
    early, late = solve(problem, Effort(gap=0.5)), solve(problem, Effort(gap=0.0))
    assert (early.status, late.status) == ("feasible", "optimal")
    assert 0 < early.gap <= 0.5
    assert early.value <= late.value <= early.bound


def test_a_search_out_of_time_returns_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr(solver_module.time, "perf_counter", lambda: float(next(clock)))
    solution = solve(_wide_problem(), Effort(time_limit_s=0.5))
    assert solution.status == "feasible"
    assert solution.gap > 0


def test_a_search_out_of_time_that_has_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr(solver_module.time, "perf_counter", lambda: float(next(clock)))
    relax = solver_module.relax
    monkeypatch.setattr(solver_module, "relax", lambda problem: replace(relax(problem), paths=()))
    with pytest.raises(BudgetError, match=r"no widths were found within 0\.5 s"):
        solve(_wide_problem(), Effort(time_limit_s=0.5))
