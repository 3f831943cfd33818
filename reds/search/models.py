"""What a search solves: a network, as one of the solvers sees it, for one budget after another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np

from reds.architecture import Architecture
from reds.errors import BudgetError, ConfigError, unknown_name
from reds.importance import Importance, check_importance
from reds.layers import Widths
from reds.search.chain import MACS, admissible_widths, chain_problem
from reds.search.latency import LATENCY_TICKS, LatencyTable
from reds.search.limits import Limits
from reds.search.per_unit import BACKENDS
from reds.search.problem import PROOF, Problem, Solution
from reds.search.published import UnitModel, unit_model
from reds.search.solver import SOLVER, Effort, solve
from reds.search.solver_process import solve_units
from reds.search.tables import layer_macs


@dataclass(frozen=True)
class Direction:
    """In which order the budgets are solved, and between which widths each solution lies.

    Attributes:
        sequence: the budgets in that order.
        between: floor and ceiling, given the least widths, those chosen before (None: none yet) and those of the whole network.
    """

    sequence: Callable[[Sequence[float]], list[float]]
    between: Callable[[Widths, Widths | None, Widths], tuple[Widths, Widths]]


DIRECTIONS: Mapping[str, Direction] = {
    "bottom-up": Direction(sorted, lambda least, chosen, full: (chosen or least, full)),
    "top-down": Direction(lambda b: sorted(b, reverse=True), lambda least, chosen, full: (least, chosen or full)),
}


@dataclass(frozen=True)
class Settings:
    """How to search.

    Attributes:
        direction: name in `DIRECTIONS`: which subnetwork is chosen first, the smallest or the largest.
        minimum_width: the least channels a group keeps.
        align: widths are multiples of this, or all channels.
        solver: name in `SOLVERS`.
        limits: what every subnetwork keeps to besides its budget.
        latency: what layers take on a device; the budgets are shares of the whole network's latency then, else of its MACs.
        effort: when the search may stop.

    Raises:
        ConfigError: an unknown solver, or a number out of range.
    """

    direction: str = "bottom-up"
    minimum_width: int = 2
    align: int = 1
    solver: str = SOLVER
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    latency: LatencyTable | None = None
    effort: Effort = Effort()  # noqa: RUF009 - frozen

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise unknown_name("search direction", str(self.direction), DIRECTIONS)
        if self.solver not in SOLVERS:
            raise unknown_name("solver", str(self.solver), SOLVERS)
        for what, number in (("minimum_width", self.minimum_width), ("align", self.align)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ConfigError(f"{what} is a whole number, at least 1", seen=repr(number))


class Model(Protocol):
    """A network as a solver sees it."""

    @property
    def counted(self) -> str:
        """What the budgets share out, with its unit."""
        ...

    @property
    def whole(self) -> float:
        """How much of it the whole network uses."""
        ...

    @property
    def least(self) -> Widths:
        """The least widths that may be chosen."""
        ...

    @property
    def worth(self) -> float:
        """What the whole network is worth."""
        ...

    def solve(self, limit: float, floor: Widths, ceiling: Widths) -> Solution:
        """The best widths between `floor` and `ceiling` that use at most `limit`.

        Raises:
            BudgetError: there are none, or none were found in the time allowed.
        """
        ...


@dataclass(frozen=True)
class ChainModel:
    """The importance of the weights that a subnetwork runs, solved exactly."""

    problem: Problem
    worth: float
    effort: Effort

    @property
    def counted(self) -> str:
        return self.problem.resources[0].name

    @property
    def whole(self) -> float:
        return self.problem.resources[0].limit

    @property
    def least(self) -> Widths:
        return tuple(int(widths[0]) for widths in self.problem.widths)

    def solve(self, limit: float, floor: Widths, ceiling: Widths) -> Solution:
        problem = self.problem.within(floor, ceiling)
        return solve(problem.limited([limit, *problem.limits[1:]]), self.effort)


@dataclass(frozen=True)
class PublishedModel:
    """The published formulation, solved unit by unit.

    Its costs leave out layers that it does not cut; where true MACs exceed their budget for that, it is solved again with less.
    What the last round proves holds only for less than the budget: the bound is that of the first. All rounds together take the
    time allowed.
    """

    model: UnitModel
    solver: str
    time_limit_s: float | None

    counted = MACS

    @property
    def whole(self) -> float:
        return float(self.model.architecture.cost(self.model.full).macs)

    @property
    def least(self) -> Widths:
        return self.model.least

    @property
    def worth(self) -> float:
        return self.model.value(self.model.full)

    def solve(self, limit: float, floor: Widths, ceiling: Widths) -> Solution:
        floor = tuple(map(max, floor, self.least))
        allowed = float(math.floor(self.model.limit * limit / self.whole))
        rounds: list[Solution] = []
        while not rounds or rounds[-1].costs[0] > limit:
            left_s = self._left_s(rounds, limit)
            rounds.append(solve_units(self.model, self.solver, allowed, floor=floor, ceiling=ceiling, time_limit_s=left_s))
            allowed -= rounds[-1].costs[0] - limit
        value, bound = rounds[-1].value, rounds[0].bound
        proved = bound <= value * (1 + PROOF)
        return replace(
            rounds[-1],
            status="optimal" if proved else "feasible",
            bound=value if proved else bound,
            seconds=sum(each.seconds for each in rounds),
        )

    def _left_s(self, rounds: Sequence[Solution], limit: float) -> float | None:
        """What the rounds have left of the time allowed; raises BudgetError where that is nothing."""
        if self.time_limit_s is None:
            return None
        left_s = self.time_limit_s - sum(each.seconds for each in rounds)
        if left_s <= 0:
            raise BudgetError(
                f"{self.solver} found no units within {self.time_limit_s:g} s whose true MACs keep to {limit:g}",
                seen=f"{rounds[-1].costs[0]:g} after {len(rounds)} rounds",
                do=f"allow more time, or take --solver {SOLVER}",
            )
        return left_s


def _chain(architecture: Architecture, importance: Importance, settings: Settings) -> ChainModel:
    widths = admissible_widths(architecture, settings.minimum_width, settings.align)
    budgeted = (LATENCY_TICKS, settings.latency.layer_costs(architecture)) if settings.latency else (MACS, layer_macs)
    problem = chain_problem(architecture, importance, widths, budgeted=budgeted, limits=settings.limits)
    worth = sum(float(array.sum(dtype=np.float64)) for array in importance.values())
    return ChainModel(problem, worth, settings.effort)


def _published(solver: str, architecture: Architecture, importance: Importance, settings: Settings) -> PublishedModel:
    if settings.align != 1 or settings.latency or settings.limits != Limits():
        only = "the published formulation knows no budget but MACs, no other limits and no alignment"
        raise ConfigError(only, seen=f"solver {solver!r}", do=f"take --solver {SOLVER}")
    model = unit_model(architecture, importance, settings.minimum_width)
    return PublishedModel(model, solver, settings.effort.time_limit_s)


class _ModelOf(Protocol):
    def __call__(self, architecture: Architecture, importance: Importance, settings: Settings) -> Model: ...


SOLVERS: Mapping[str, _ModelOf] = {SOLVER: _chain, **{name: partial(_published, name) for name in BACKENDS}}


def model_of(architecture: Architecture, importance: Importance, settings: Settings) -> Model:
    """The network as the chosen solver sees it.

    Raises:
        ConfigError: the importance is of another network or no number, or the solver cannot do what the settings ask for.
        BudgetError: not even the least widths keep to the limits.
    """
    check_importance(architecture, importance)
    return SOLVERS[settings.solver](architecture, importance, settings)
