"""Solvers of OR-Tools, each run in a process of its own: where one crashes, only that process ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

from reds.errors import BenchError, BudgetError, MissingError
from reds.layers import Widths
from reds.search.per_unit import Request
from reds.search.problem import Solution
from reds.search.published import UnitModel

COMMAND = (sys.executable, "-P", "-c", "from reds.search.per_unit import answer; answer()")
"""The process that solves; its request comes on its standard input."""

_KINDS: Mapping[str, type[BenchError]] = {kind.kind: kind for kind in (MissingError, BudgetError)}


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
    found = _answered(request)
    if "kind" in found:
        raise _KINDS[found["kind"]](found["what"], seen=found["seen"], do=found["do"])
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


def _answered(request: Request) -> dict:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # it imports what this process would
    done = subprocess.run(COMMAND, input=json.dumps(request).encode(), capture_output=True, env=environment, check=False)
    if done.returncode == 0:
        return json.loads(done.stdout)
    how = f"exit status {done.returncode}" if done.returncode > 0 else f"{signal.strsignal(-done.returncode)}"
    last_words = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
    seen = ": ".join([f"its process ended with {how}", *last_words])
    raise BudgetError(f"the solver {request['solver']!r} crashed", seen=seen, do="take --solver exact")
