"""The published formulation: solved over widths, it has the optimum that solvers find unit by unit."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import random_importance

from reds.architecture import Architecture
from reds.errors import BudgetError, ConfigError, MissingError
from reds.importance import Importance, random
from reds.permutation import importance_orders, permute
from reds.search import models, per_unit, solver_process
from reds.search.limits import Limits
from reds.search.models import Settings
from reds.search.nested import search
from reds.search.problem import Solution
from reds.search.published import UnitModel, as_chain, unit_model
from reds.search.solver import Effort, solve
from reds.search.solver_process import request_for, solve_units
from reds.zoo import architecture, mlp
from reds.zoo.convolutions import cnn
from reds.zoo.separable import ds_cnn


def scored(network: Architecture, seed: int) -> Importance:
    """Random importance, channels sorted by it."""
    importance = random_importance(network, seed)
    return permute(network, importance, importance_orders(network, importance))


def solved(model: UnitModel, solver: str, limit: float, time_limit_s: float | None = None):
    return solve_units(model, solver, limit, floor=model.least, ceiling=model.full, time_limit_s=time_limit_s)


NETWORKS = st.one_of(
    st.lists(st.integers(2, 7), min_size=1, max_size=3).map(lambda hidden: mlp("net", 5, tuple(hidden), 3)),
    st.tuples(st.integers(2, 5), st.integers(2, 5)).map(lambda filters: cnn("net", filters, 4)),
    st.tuples(st.integers(2, 5), st.integers(1, 3)).map(lambda size: ds_cnn("net", *size, (2, 2), (1, 1))),
)


@settings(max_examples=40, deadline=None)
@given(NETWORKS, st.integers(0, 10**6), st.sampled_from([0.3, 0.5, 0.8]), st.sampled_from(["cp-sat", "scip"]))
def test_the_chain_has_the_optimum_that_solvers_prove(network: Architecture, seed: int, share: float, solver: str) -> None:
    pytest.importorskip("ortools", reason="compares with the solvers of OR-Tools")
    model = unit_model(network, scored(network, seed), minimum_width=1)
    limit = float(int(share * model.limit))
    try:
        exact = solve(as_chain(model).limited([limit]))
    except BudgetError:
        with pytest.raises(BudgetError):
            solved(model, solver, limit)
        return
    unit_by_unit = solved(model, solver, limit)
    assert (exact.status, unit_by_unit.status) == ("optimal", "optimal")
    assert exact.value == round(unit_by_unit.value * model.scale)
    assert model.value(unit_by_unit.widths) == pytest.approx(unit_by_unit.value)
    assert model.value(exact.widths) * model.scale == pytest.approx(exact.value)


def test_the_published_problem_of_ds_cnn_is_solved_to_the_optimum() -> None:
    """The published limits: a quarter of the convolutions' MACs, 60 channels in the last layer."""
    network = architecture("ds_cnn_s")
    model = unit_model(network, scored(network, 0), minimum_width=1, last_minimum=60)
    found = solve(as_chain(model).limited([664_000.0]))
    assert (found.status, found.gap) == ("optimal", 0)
    for widths in ((1, 19, 27, 55, 13, 62, 12), (1, 28, 59, 10, 13, 63, 12), (1, 49, 21, 24, 10, 64, 12)):  # others' solutions
        assert network.cost(widths).macs - 12 * widths[-2] <= 664_000
        assert found.value >= model.value(widths) * model.scale


def test_costs_are_those_of_full_fan_in_for_dense_layers_and_true_for_separable_ones() -> None:
    dense = architecture("dnn_s")
    chain = as_chain(unit_model(dense, scored(dense, 0), minimum_width=2))
    assert chain.resources[0].limit == 77_472
    assert chain.costs([0, 13, 56, 38, 0])[0] == 15 * 250 * 1 + 58 * 144 + 40 * 144
    separable = architecture("ds_cnn_s")
    model = unit_model(separable, scored(separable, 0), minimum_width=1, last_minimum=60)
    assert model.least == (1, 1, 1, 1, 1, 60, 12)
    widths = (1, 19, 27, 55, 13, 62, 12)
    path = [width - least for width, least in zip(widths, model.least, strict=True)]
    assert as_chain(model).costs(path)[0] == separable.cost(widths).macs


def test_every_filter_keeps_its_own_best_kernels() -> None:
    network = ds_cnn("net", 2, 1, (2, 2), (1, 1))
    importance = {name: np.zeros_like(array) for name, array in random_importance(network, 0).items()}
    importance["pointwise1/kernel"][0, 0] = [[1, 8], [4, 2]]  # inputs, outputs
    model = unit_model(network, importance, minimum_width=1)
    assert model.value((1, 1, 2, 12)) == pytest.approx(4 + 8)
    assert model.value((1, 2, 1, 12)) == pytest.approx(4 + 1)


@pytest.mark.parametrize("direction", ["bottom-up", "top-down"])
@pytest.mark.parametrize("network", [mlp("net", 6, (9, 7), 4), cnn("net", (5, 6), 4), ds_cnn("net", 4, 2, (2, 2), (1, 1))])
def test_solutions_unit_by_unit_nest_and_keep_their_true_budgets(network: Architecture, direction: str) -> None:
    pytest.importorskip("ortools", reason="the solvers are OR-Tools'")
    found = search(network, scored(network, 3), (1.0, 0.75, 0.5), Settings(direction, 1, solver="scip"))
    for larger, smaller in pairwise(found):
        assert all(a >= b for a, b in zip(larger.subnet.widths, smaller.subnet.widths, strict=True))
    for item in found[1:]:
        assert item.macs == network.cost(item.subnet.widths).macs <= item.limit
        assert (item.solution.solver, item.solution.status) == ("scip", "optimal")


UNCUT = mlp("net", 6, (9, 7), 40)
"""Its last layer costs the published formulation nothing, and takes most of the MACs."""


def test_what_is_proved_of_less_than_the_budget_is_not_said_of_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ortools", reason="the solvers are OR-Tools'")
    rounds: list[Solution] = []
    monkeypatch.setattr(models, "solve_units", lambda *a, **k: rounds.append(solve_units(*a, **k)) or rounds[-1])
    _, found = search(UNCUT, scored(UNCUT, 3), (1.0, 0.5), Settings(solver="scip", minimum_width=1))
    first, last = rounds
    assert (first.status, last.status, found.solution.status) == ("optimal", "optimal", "feasible")
    assert found.solution.bound == first.bound > last.value == found.solution.value
    assert found.solution.seconds == first.seconds + last.seconds
    assert found.macs <= found.limit < first.costs[0]


def test_the_rounds_share_the_time_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 0.25 s here; the true MACs, 200 in the first, fall by 1 from round to round."""
    allowed: list[float | None] = []

    def slow(model: UnitModel, *_, time_limit_s: float | None, **__) -> Solution:
        allowed.append(time_limit_s)
        return Solution("scip", "optimal", model.least, 10.0, 10.0, 0.25, (201.0 - len(allowed),))

    monkeypatch.setattr(models, "solve_units", slow)
    model = models.model_of(UNCUT, scored(UNCUT, 3), Settings(solver="scip", effort=Effort(time_limit_s=1.0)))
    solution = model.solve(198, model.least, UNCUT.full_widths)
    assert allowed == [1.0, 0.75, 0.5]
    assert solution == replace(slow(model.model, time_limit_s=None), seconds=0.75, costs=(198.0,))  # pyright: ignore[reportAttributeAccessIssue]
    allowed.clear()
    with pytest.raises(BudgetError, match=r"(?s)no units within 1 s whose true MACs keep to 190.*197 after 4 rounds"):
        model.solve(190, model.least, UNCUT.full_widths)


def test_a_solver_that_runs_out_of_time_says_so() -> None:
    pytest.importorskip("ortools", reason="the solvers are OR-Tools'")
    network = architecture("ds_cnn_s")
    model = unit_model(network, random(network, 0), minimum_width=1)
    with pytest.raises(BudgetError, match=r"found no units within 0\.001 s"):
        solved(model, "scip", 0.25 * model.limit, time_limit_s=0.001)


def test_a_budget_that_no_units_keep_to_is_an_error() -> None:
    pytest.importorskip("ortools", reason="the solvers are OR-Tools'")
    network = mlp("net", 6, (9, 7), 4)
    with pytest.raises(BudgetError, match=r"'5' of net: the limit of .* macs cannot be met"):
        search(network, scored(network, 0), (1.0, 0.05), Settings(solver="scip", minimum_width=4))


def small_request(solver: str) -> per_unit.Request:
    network = mlp("net", 6, (9, 7), 4)
    model = unit_model(network, scored(network, 0), minimum_width=1)
    return request_for(model, solver, 10, floor=model.least, ceiling=model.full)


def test_missing_solvers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ortools.linear_solver", None)
    with pytest.raises(MissingError, match=r"needs OR-Tools(.|\n)*reds-bench\[search\]"):
        per_unit.solved(small_request("cp-sat"))


def test_a_solver_that_ortools_cannot_load_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = SimpleNamespace(Solver=SimpleNamespace(CreateSolver=lambda _name: None))
    monkeypatch.setattr(per_unit, "_library", lambda _solver: nothing)
    with pytest.raises(MissingError, match="'gurobi' is not installed"):
        per_unit.solved(small_request("gurobi"))


def test_a_solver_that_crashes_ends_its_own_process_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver_process, "COMMAND", (sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"))
    network = mlp("net", 6, (9, 7), 4)
    with pytest.raises(BudgetError, match=r"(?s)'scip' crashed.*its process ended with Segmentation fault.*--solver exact"):
        solved(unit_model(network, scored(network, 0), minimum_width=1), "scip", 10)


@pytest.mark.parametrize("changed", [{"align": 4}, {"limits": Limits(flash_bytes=1)}])
def test_what_the_published_formulation_does_not_know_is_refused(changed: dict) -> None:
    network = mlp("net", 6, (9, 7), 4)
    with pytest.raises(ConfigError, match="take --solver exact"):
        search(network, scored(network, 0), (1.0, 0.5), Settings(solver="cp-sat", **changed))


def test_a_network_without_hidden_layers_has_nothing_to_cut() -> None:
    network = mlp("net", 6, (), 4)
    with pytest.raises(ConfigError, match="no layer that the published formulation cuts"):
        unit_model(network, random(network, 0), minimum_width=1)
