"""The published formulation as it was published, one binary variable for each unit, for solvers of OR-Tools.

The chains of `reds.search.published` have the same optimum and are solved in a fraction of the time; this is what they are
compared with. OR-Tools is imported here and nowhere else, and only in a process of its own (`reds.search.solver_process`):
together with TensorFlow in one process, its SCIP has crashed.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from reds.child_process import reply
from reds.errors import BudgetError, MissingError
from reds.search.problem import PROOF

BACKENDS: Mapping[str, str] = {"cp-sat": "SAT", "scip": "SCIP", "gurobi": "GUROBI"}

Request = Mapping[str, Any]
"""What is asked, JSON-ready: "solver", "limit" (MACs), "time_limit_s" (or None), "floor", "ceiling", "least" and "full" (widths),
"units" (for each group, layers with "scores" and "cost"), "kernels" (for each group None, or "scores" and "cost")."""


def answer() -> None:
    """What the process of a solver does."""
    reply(solved)


def solved(request: Request) -> dict[str, Any]:
    """The best units: "status", "widths" (the numbers of units chosen), "value" and "bound" (of integer scores), "seconds".

    Raises:
        MissingError: OR-Tools is not installed, or this solver is not.
        BudgetError: there is no solution, or none was found in the time allowed.
    """
    started = time.perf_counter()
    solver, limit, time_limit_s = request["solver"], request["limit"], request["time_limit_s"]
    library = _library(solver)
    backend = library.Solver.CreateSolver(BACKENDS[solver])
    if backend is None:
        do = "install it with its licence, or take --solver exact"
        raise MissingError(f"the solver {solver!r} is not installed", seen="OR-Tools cannot load it", do=do)
    variables = _Variables(backend, request)
    backend.Add(backend.Sum(variables.costs) <= math.floor(limit))
    backend.Maximize(backend.Sum(variables.values))
    if time_limit_s is not None:
        backend.SetTimeLimit(max(1, round(1000 * time_limit_s)))
    backend.SetNumThreads(os.cpu_count() or 1)
    parameters = library.MPSolverParameters()
    parameters.SetDoubleParam(library.MPSolverParameters.RELATIVE_MIP_GAP, 0.0)
    status = backend.Solve(parameters)
    if status not in (backend.OPTIMAL, backend.FEASIBLE):
        raise _nothing(solver, limit, status == backend.INFEASIBLE, time_limit_s)
    value, bound = backend.Objective().Value(), backend.Objective().BestBound()
    proved = status == backend.OPTIMAL and bound <= value * (1 + PROOF)
    return {
        "status": "optimal" if proved else "feasible",
        "widths": [round(width.solution_value()) for width in variables.widths],
        "value": value,
        "bound": value if proved else bound,
        "seconds": time.perf_counter() - started,
    }


def _library(solver: str) -> Any:
    try:
        from ortools.linear_solver import pywraplp  # noqa: PLC0415 - optional
    except ImportError as error:
        do = 'pip install "reds-bench[search]", or take --solver exact'
        raise MissingError(f"the solver {solver!r} needs OR-Tools", seen=str(error), do=do) from error
    return pywraplp


@dataclass
class _Variables:
    """The variables and constraints, row by row; `values` and `costs` are what their sums are made of."""

    backend: Any
    request: Request

    def __post_init__(self) -> None:
        self.values: list[Any] = []
        self.costs: list[Any] = []
        bounds = zip(self.request["least"], self.request["floor"], self.request["ceiling"], strict=True)
        self.widths = [self.backend.IntVar(max(least, low), high, f"x{g}") for g, (least, low, high) in enumerate(bounds)]
        for group, layers in enumerate(self.request["units"]):
            for layer in layers:
                self._choose_units(group, layer["scores"], layer["cost"])
        for group, kernels in enumerate(self.request["kernels"]):
            if kernels is not None:
                self._choose_kernels(group, kernels["scores"], kernels["cost"])

    def _chosen(self, group: int) -> list[Any]:
        """One binary variable for each channel of a group; what nests is fixed."""
        low, high, size = (self.request[key][group] for key in ("floor", "ceiling", "full"))
        return [self.backend.IntVar(int(unit < low), int(unit < high), "") for unit in range(size)]

    def _choose_units(self, group: int, scores: list[int], cost: int) -> None:
        chosen = self._chosen(group)
        self.backend.Add(self.backend.Sum(chosen) == self.widths[group])
        self.values += [score * unit for score, unit in zip(scores, chosen, strict=True)]
        self.costs.append(cost * self.widths[group])

    def _choose_kernels(self, group: int, scores: list[list[int]], cost: int) -> None:
        """Filters in stored order, each with as many kernels as its inputs are wide, whichever it likes best."""
        backend, inputs, most = self.backend, self.widths[group - 1], self.request["full"][group - 1]
        filters = self._chosen(group)
        backend.Add(backend.Sum(filters) == self.widths[group])
        for before, after in pairwise(filters):
            backend.Add(before >= after)
        for kept, row in zip(filters, scores, strict=True):
            kernels = [backend.BoolVar("") for _ in row]
            for kernel in kernels:
                backend.Add(kernel <= kept)
            count = backend.Sum(kernels)
            backend.Add(kept <= count)
            backend.Add(count <= inputs)
            backend.Add(count >= inputs - most * (1 - kept))
            self.values += [score * kernel for score, kernel in zip(row, kernels, strict=True)]
            self.costs.append(cost * count)


def _nothing(solver: str, limit: float, infeasible: bool, time_limit_s: float | None) -> BudgetError:
    if infeasible:
        return BudgetError(f"the limit of {limit:g} macs cannot be met", seen=f"{solver}: there are no such units")
    if time_limit_s is None:
        return BudgetError(f"{solver} gave up before it found units that keep to {limit:g} macs", do="take --solver exact")
    return BudgetError(
        f"{solver} found no units within {time_limit_s:g} s that keep to {limit:g} macs",
        do="allow more time, or take --solver exact",
    )
