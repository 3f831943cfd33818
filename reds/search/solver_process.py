"""Solvers of OR-Tools, each run in a process of its own: where one crashes, only that process ends."""

from __future__ import annotations

from reds.child_process import ChildEndedError, ask, command_of
from reds.errors import BudgetError
from reds.layers import Widths
from reds.search.per_unit import Request
from reds.search.problem import Solution
from reds.search.published import UnitModel

COMMAND = command_of("reds.search.per_unit")


def solve_units(
    model: UnitModel, solver: str, limit: float, *, floor: Widths, ceiling: Widths, time_limit_s: float | None = None
) -> Solution:
    """The best units within `limit` MACs; every group's width lies between `floor` and `ceiling`.

    The widths are the numbers of units chosen; value and bound are in units of importance; the cost is the true MACs.

    Raises:
        MissingError: OR-Tools is not installed, or this solver is not.
        BudgetError: there is no solution, none was found in the time allowed, or the solver crashed.
    """
    request = request_for(model, solver, limit, floor=floor, ceiling=ceiling, time_limit_s=time_limit_s)
    try:
        found = ask(COMMAND, request)
    except ChildEndedError as end:
        raise BudgetError(f"the solver {solver!r} crashed", seen=f"its process {end}", do="take --solver exact") from end
    widths = tuple(found["widths"])
    return Solution(
        solver=solver,
        status=found["status"],
        widths=widths,
        value=found["value"] / model.scale,
        bound=found["bound"] / model.scale,
        seconds=found["seconds"],
        costs=(float(model.architecture.cost(widths).macs),),
    )


def request_for(
    model: UnitModel, solver: str, limit: float, *, floor: Widths, ceiling: Widths, time_limit_s: float | None = None
) -> Request:
    """What the process is asked."""
    return {
        "solver": solver,
        "limit": limit,
        "time_limit_s": time_limit_s,
        "floor": list(floor),
        "ceiling": list(ceiling),
        "least": list(model.least),
        "full": list(model.full),
        "units": [[{"scores": each.scores.tolist(), "cost": each.cost} for each in layers] for layers in model.units],
        "kernels": [None if each is None else {"scores": each.scores.tolist(), "cost": each.cost} for each in model.kernels],
    }
