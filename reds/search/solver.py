"""The exact solver: a Lagrangian bound, then labels that the bound and dominance prune."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from reds.errors import BudgetError, ConfigError
from reds.search.labels import Abandoned, best_labelled_path
from reds.search.problem import PROOF, Problem, Solution
from reds.search.relaxation import Path, Relaxation, cheapest_path, least_costs, relax

SOLVER = "exact"
CAPACITIES = (100, 2_000, 20_000, 200_000)  # labels per group: a small pass finds a good solution, a large one proves it
TOLERANCE = 1e-12  # relative; a path must be worth more than the incumbent by this to be pursued
GAP = 1e-3
WORK = 1_000_000  # extensions of labels spent on a gap that is small enough already: some tenths of a second


@dataclass(frozen=True)
class Effort:
    """When a search may stop before its solution is proved optimal.

    Attributes:
        gap: a certified relative gap that is small enough. What proves more at little cost is still done; how much that is does
            not depend on a clock.
        time_limit_s: seconds for each subnetwork, None for no limit.

    Raises:
        ConfigError: a number is out of range.
    """

    gap: float = GAP
    time_limit_s: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.gap < 1:
            raise ConfigError("gap is a share of the bound, at least 0 and below 1", seen=repr(self.gap))
        if self.time_limit_s is not None and not 0 < self.time_limit_s < float("inf"):
            raise ConfigError("the time limit is a number of seconds above 0", seen=repr(self.time_limit_s))


def solve(problem: Problem, effort: Effort | None = None) -> Solution:
    """The most valuable widths within the limits.

    Raises:
        BudgetError: no admissible widths keep within the limits; the message names the limit and the least that is possible.
            Or none were found in the time allowed.
    """
    run = _Run(problem, effort or Effort())
    for capacity in CAPACITIES:
        if run.gap <= PROOF or not run.improve(capacity):
            break
    return run.solution()


class _Run:
    """A search on its way: the best path so far, and what none exceeds."""

    def __init__(self, problem: Problem, effort: Effort) -> None:
        self.started = time.perf_counter()
        check_feasible(problem)
        self.problem, self.effort = problem, effort
        self.relaxation: Relaxation = relax(problem)
        self.bound = self.relaxation.bound(problem.limits)
        feasible = [path for path in self.relaxation.paths if (problem.costs(path) <= problem.limits).all()]
        self.best: Path | None = max(feasible, key=problem.value, default=None)
        self.work = 0
        self.late = False

    @property
    def value(self) -> float:
        """Of the best path, -inf where there is none."""
        return -np.inf if self.best is None else self.problem.value(self.best)

    @property
    def gap(self) -> float:
        """Share of the bound that the best path may miss."""
        if self.best is None:
            return np.inf
        return max(0.0, self.bound - self.value) / max(abs(self.bound), np.finfo(float).tiny)

    def improve(self, capacity: int) -> bool:
        """Search once with this many labels; False where the effort is spent."""
        threshold = self.value + TOLERANCE * abs(self.value) if self.best else -np.finfo(float).max
        kept = self.relaxation.reaching(self.problem, threshold)
        if not all(map(len, kept)):
            self.bound = self.value
            return True
        try:
            outcome = best_labelled_path(
                self.problem.select(kept), self.relaxation.select(kept), threshold, capacity, self._spend
            )
        except Abandoned:
            return False
        if outcome.path is not None:
            found = tuple(int(indices[position]) for indices, position in zip(kept, outcome.path, strict=True))
            self.best = widened(self.problem, found)
        self.bound = min(self.bound, max(self.value, outcome.dropped_bound))
        return True

    def _spend(self, extensions: int) -> None:
        limit = self.effort.time_limit_s
        self.late = limit is not None and time.perf_counter() - self.started > limit
        self.work += extensions
        if self.late or (self.gap <= self.effort.gap and self.work > WORK):
            raise Abandoned

    def solution(self) -> Solution:
        """What was found.

        Raises:
            BudgetError: nothing was.
        """
        if self.best is None:
            raise _no_solution(self.problem, self.effort.time_limit_s if self.late else None)
        proved = self.gap <= PROOF
        return Solution(
            solver=SOLVER,
            status="optimal" if proved else "feasible",
            widths=self.problem.chosen_widths(self.best),
            value=self.value,
            bound=self.value if proved else self.bound,
            seconds=time.perf_counter() - self.started,
            costs=tuple(float(cost) for cost in self.problem.costs(self.best)),
        )


def widened(problem: Problem, path: Path) -> Path:
    """The path with widths raised one after another, best gain first, as long as the limits and the value allow."""
    while True:
        wider = [(*path[:g], path[g] + 1, *path[g + 1 :]) for g in range(len(path)) if path[g] + 1 < len(problem.widths[g])]
        fitting = [each for each in wider if (problem.costs(each) <= problem.limits).all()]
        best = max(fitting, key=problem.value, default=None)
        if best is None or problem.value(best) < problem.value(path):
            return path
        path = best


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
                do="raise the budget, lower the minimum width or the alignment, or drop the subnetwork that it must nest with",
            )


def _no_solution(problem: Problem, time_limit_s: float | None) -> BudgetError:
    limits = ", ".join(f"{resource.limit:g} {resource.name}" for resource in problem.resources)
    if time_limit_s is not None:
        return BudgetError(f"no widths were found within {time_limit_s:g} s", seen=f"limits {limits}", do="allow more time")
    return BudgetError(
        "no widths meet all limits together",
        seen=f"limits {limits}; each alone can be met, or the search ran out of room before it found widths that meet all",
        do="raise one of the limits",
    )
