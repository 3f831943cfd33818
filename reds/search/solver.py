"""The exact solver: a Lagrangian bound, then labels that the bound and dominance prune."""

from __future__ import annotations

import time

import numpy as np

from reds.errors import BudgetError
from reds.search.labels import best_labelled_path
from reds.search.problem import Problem, Solution
from reds.search.relaxation import Path, cheapest_path, least_costs, relax

SOLVER = "lagrangian-labels"
CAPACITIES = (200, 2_000, 20_000)  # labels per group: a small pass finds a good solution, a large one proves it
PROOF = 1e-9  # relative gap that counts as none: the error of summing float64 importances


def solve(problem: Problem) -> Solution:
    """The most valuable widths within the limits.

    Raises:
        BudgetError: no admissible widths keep within the limits; the message names the limit and the least that is possible.
    """
    started = time.perf_counter()
    check_feasible(problem)
    limits = problem.limits
    relaxation = relax(problem)
    bound = relaxation.bound(limits)
    feasible = [path for path in relaxation.paths if (problem.costs(path) <= limits).all()]
    best: Path | None = max(feasible, key=problem.value, default=None)
    for capacity in CAPACITIES:
        value = -np.inf if best is None else problem.value(best)
        if bound <= value + PROOF * abs(value):
            break
        outcome = best_labelled_path(problem, relaxation, value if best else -np.finfo(float).max, capacity)
        if outcome.path is not None:
            best, value = outcome.path, problem.value(outcome.path)
        bound = min(bound, max(value, outcome.dropped_bound))
    if best is None:
        raise _no_solution(problem)
    value = problem.value(best)
    proved = bound <= value + PROOF * abs(value)
    return Solution(
        solver=SOLVER,
        status="optimal" if proved else "feasible",
        widths=problem.chosen_widths(best),
        value=value,
        bound=value if proved else bound,
        seconds=time.perf_counter() - started,
        costs=tuple(float(cost) for cost in problem.costs(best)),
    )


def check_feasible(problem: Problem) -> None:
    """Raise BudgetError where one limit alone cannot be met, or no pair of widths is allowed at all."""
    least = least_costs(problem)[0].min(axis=1)
    for index, resource in enumerate(problem.resources):
        if not np.isfinite(least[index]):
            raise BudgetError("no widths are allowed", seen="every chain of widths breaks a pairwise limit")
        if least[index] > resource.limit:
            widths = problem.chosen_widths(cheapest_path(problem, index))
            raise BudgetError(
                f"the limit of {resource.limit:g} {resource.name} cannot be met",
                seen=f"the cheapest admissible widths {widths} use {least[index]:g} {resource.name}",
                do="raise the budget, lower the minimum width, or drop the subnetwork that the widths must nest with",
            )


def _no_solution(problem: Problem) -> BudgetError:
    limits = ", ".join(f"{resource.limit:g} {resource.name}" for resource in problem.resources)
    return BudgetError(
        "no widths meet all limits together",
        seen=f"limits {limits}; each alone can be met, or the search ran out of room before it found widths that meet all",
        do="raise one of the limits",
    )
