"""One search per budget, so that the subnetworks nest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reds.architecture import Architecture
from reds.errors import BudgetError
from reds.importance import Importance
from reds.layers import Widths
from reds.search.chain import budget_macs, chain_problem
from reds.search.problem import Problem, Solution
from reds.search.solver import solve
from reds.subnets import Subnet, Subnets, budget_name


@dataclass(frozen=True)
class Found:
    """A subnetwork, the MACs it was allowed, and the solution that chose it."""

    subnet: Subnet
    limit_macs: int
    solution: Solution

    def to_dict(self) -> dict[str, object]:
        """JSON-ready form."""
        solution = self.solution
        return {
            "name": self.subnet.name,
            "solver": solution.solver,
            "status": solution.status,
            "widths": list(solution.widths),
            "value": solution.value,
            "bound": solution.bound,
            "gap": solution.gap,
            "seconds": solution.seconds,
            "macs": int(solution.costs[0]),
            "limit_macs": self.limit_macs,
        }


def search(
    architecture: Architecture, importance: Importance, budgets: Sequence[float], direction: str, minimum_width: int
) -> tuple[Found, ...]:
    """One subnetwork for each budget (fractions of the whole network's MACs, falling, the first 1), largest first.

    Bottom-up, the smallest is chosen freely and each larger one contains it; top-down, the largest is chosen freely and each
    smaller one lies within it.

    Raises:
        BudgetError: a budget cannot be met.
    """
    problem = chain_problem(architecture, importance, minimum_width)
    order = DIRECTIONS[direction]
    found: list[Found] = []
    for fraction in order.sequence(budgets):
        limit = budget_macs(architecture, fraction)
        name = budget_name(fraction)
        try:
            solution = _whole(problem) if fraction == 1 else solve(order.nested(problem, found).limited([limit]))
        except BudgetError as error:
            raise BudgetError(
                f"subnetwork {name!r} of {architecture.name}: {error.what}", seen=error.seen, do=error.do
            ) from error
        found.append(Found(Subnet(name, solution.widths), limit, solution))
    return tuple(sorted(found, key=lambda item: -item.limit_macs))


def subnets_of(found: Sequence[Found]) -> Subnets:
    """The subnetworks that were found."""
    return Subnets(tuple(item.subnet for item in found))


def _whole(problem: Problem) -> Solution:
    """The whole network: nothing to choose."""
    path = tuple(len(widths) - 1 for widths in problem.widths)
    value, costs = problem.value(path), tuple(float(cost) for cost in problem.costs(path))
    return Solution("none", "optimal", problem.chosen_widths(path), value, value, 0.0, costs)


@dataclass(frozen=True)
class Direction:
    """In which order the budgets are solved, and how each problem is bound by the solutions before it."""

    sequence: Callable[[Sequence[float]], list[float]]
    nested: Callable[[Problem, Sequence[Found]], Problem]


def _above(problem: Problem, found: Sequence[Found]) -> Problem:
    floor = found[-1].solution.widths if found else _least(problem)
    return problem.within(floor, _most(problem))


def _below(problem: Problem, found: Sequence[Found]) -> Problem:
    ceiling = found[-1].solution.widths if found else _most(problem)
    return problem.within(_least(problem), ceiling)


def _least(problem: Problem) -> Widths:
    return tuple(int(widths[0]) for widths in problem.widths)


def _most(problem: Problem) -> Widths:
    return tuple(int(widths[-1]) for widths in problem.widths)


DIRECTIONS: Mapping[str, Direction] = {
    "bottom-up": Direction(sorted, _above),
    "top-down": Direction(lambda b: sorted(b, reverse=True), _below),
}
