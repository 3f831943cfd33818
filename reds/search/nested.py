"""One search per budget, so that the subnetworks nest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reds.architecture import Architecture, ChannelGroup
from reds.errors import BudgetError, ConfigError
from reds.importance import Importance
from reds.layers import Widths
from reds.search.chain import admissible_widths
from reds.search.models import DIRECTIONS, Model, Settings, model_of
from reds.search.problem import Solution
from reds.subnets import Subnet, Subnets, budget_name

ROUNDING = 1e-6  # of a unit, which a product of floats may lack: 0.35 of 20 is 7, and a little less than that in binary


@dataclass(frozen=True)
class Found:
    """A subnetwork, how much it was allowed of what, and the solution that chose it."""

    subnet: Subnet
    counted: str
    limit: float
    macs: int
    solution: Solution

    def to_dict(self) -> dict[str, object]:
        """JSON-ready form; the limit is named after what it limits ("limit_macs")."""
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
            "macs": self.macs,
            f"used_{self.counted}": solution.costs[0],
            f"limit_{self.counted}": int(self.limit) if self.limit == int(self.limit) else self.limit,
        }


def search(
    architecture: Architecture, importance: Importance, budgets: Sequence[float], settings: Settings | None = None
) -> tuple[Found, ...]:
    """One subnetwork for each budget (shares of the whole network's MACs or latency, falling, the first 1), largest first.

    Bottom-up, the smallest is chosen freely and each larger one contains it; top-down, the largest is chosen freely and each
    smaller one lies within it.

    Raises:
        ConfigError: the importance does not fit, the solver cannot do what the settings ask for, or they leave nothing to cut.
        BudgetError: a budget or limit cannot be met.
    """
    settings = settings or Settings()
    order = DIRECTIONS[settings.direction]
    whole = groups_kept_whole(architecture, settings)
    if whole and len(whole) == sum(not group.whole and group.size > 1 for group in architecture.groups):
        raise ConfigError(f"{_kept(whole, settings)} leaves nothing to cut", seen=_sizes(whole), do="take a smaller number")
    model = model_of(architecture, importance, settings)
    full, chosen = architecture.full_widths, None
    found: list[Found] = []
    for fraction in order.sequence(budgets):
        limit = share(model.whole, fraction)
        name = budget_name(fraction)
        try:
            solution = _whole(model, full) if fraction == 1 else model.solve(limit, *order.between(model.least, chosen, full))
        except BudgetError as error:
            what, do = f"subnetwork {name!r} of {architecture.name}: {error.what}", error.do
            if whole:
                what = f"{_kept(whole, settings)} keeps groups whole; {what}"
                do = f"take a smaller number there ({_sizes(whole)}), or raise the budget"
            raise BudgetError(what, seen=error.seen, do=do) from error
        chosen = solution.widths
        found.append(Found(Subnet(name, chosen), model.counted, limit, architecture.cost(chosen).macs, solution))
    return tuple(sorted(found, key=lambda item: -item.limit))


def groups_kept_whole(architecture: Architecture, settings: Settings) -> list[ChannelGroup]:
    """The groups that might be cut, but have no other width under the least width and the alignment that are asked for."""
    widths = admissible_widths(architecture, settings.minimum_width, settings.align)
    groups = zip(architecture.groups, widths, strict=True)
    return [group for group, each in groups if len(each) == 1 and group.size > 1 and not group.whole]


def _kept(whole: Sequence[ChannelGroup], settings: Settings) -> str:
    """The options that keep these groups whole."""
    smallest = min(group.size for group in whole)
    options = (("--minimum-width", settings.minimum_width), ("--align", settings.align))
    return " and ".join(f"{flag} {n}" for flag, n in options if n >= smallest) or " and ".join(f"{f} {n}" for f, n in options)


def _sizes(groups: Sequence[ChannelGroup]) -> str:
    return ", ".join(f"{group.name} has {group.size} channels" for group in groups)


def share(whole: float, fraction: float) -> float:
    """What a share of a whole amounts to; of whole numbers (MACs) rounded down."""
    return math.floor(fraction * whole + ROUNDING) if whole == int(whole) else fraction * whole


def subnets_of(found: Sequence[Found]) -> Subnets:
    """The subnetworks that were found."""
    return Subnets(tuple(item.subnet for item in found))


def _whole(model: Model, full: Widths) -> Solution:
    """The whole network: nothing to choose."""
    return Solution("none", "optimal", full, model.worth, model.worth, 0.0, (model.whole,))
