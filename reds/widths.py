"""Rules that decide the widths of the subnetworks, as data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Protocol

from reds.architecture import Architecture
from reds.errors import ConfigError, unknown_name
from reds.importance import Importance
from reds.search.latency import LatencyTable
from reds.search.limits import Limits, limits_from_dict
from reds.search.models import Settings
from reds.search.nested import search, share, subnets_of
from reds.search.solver import GAP, SOLVER, Effort
from reds.subnets import Subnets, budget_name, halving

BUDGETS = (1.0, 0.75, 0.5, 0.25)
FRACTIONS = (1.0, 0.5, 0.25, 0.125)
MOST_BUDGETS = 16


@dataclass(frozen=True)
class Choice:
    """The subnetworks that a rule chose, and JSON-ready facts about how."""

    subnets: Subnets
    facts: Mapping[str, Any]


class WidthRule(Protocol):
    """Decides widths. Its names are known before anything is trained."""

    rule: ClassVar[str]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the subnetworks, the whole network first."""
        ...

    def check(self, architecture: Architecture) -> None:
        """Refuse what can be known to be wrong before a network is trained.

        Raises:
            ConfigError: the rule is for another network.
        """
        ...

    def choose(self, architecture: Architecture, importance: Importance) -> Choice:
        """The widths for this network; `importance` is in the order of its channels.

        Raises:
            ConfigError: the rule needs scores, and there are none.
            BudgetError: a budget cannot be met.
        """
        ...

    def allowed_macs(self, architecture: Architecture) -> tuple[int, ...]:
        """Multiply-adds within which each subnetwork keeps, the whole network's first.

        Raises:
            ConfigError: the rule does not limit multiply-adds, or is for another network.
        """
        ...

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        ...


@dataclass(frozen=True)
class SearchRule:
    """The most important weights within each budget, nested.

    Attributes:
        budgets: shares of the whole network's MACs (with `latency`: of its ticks), falling, the first 1, at most `MOST_BUDGETS`.
        direction: "bottom-up" (the smallest network is chosen first) or "top-down" (the largest).
        minimum_width: the least channels a group keeps.
        align: widths are multiples of this, or all channels.
        solver: name in `reds.search.models.SOLVERS`.
        limits: what every subnetwork keeps to besides its budget, or its JSON-ready form.
        latency: what the layers take on a device, or its JSON-ready form; None: budgets are MACs.
        gap: a certified relative gap that is small enough.
        time_limit_s: seconds for each subnetwork, None for no limit.
    """

    budgets: tuple[float, ...] = BUDGETS
    direction: str = "bottom-up"
    minimum_width: int = 2
    align: int = 1
    solver: str = SOLVER
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    latency: LatencyTable | None = None
    gap: float = GAP
    time_limit_s: float | None = None
    rule: ClassVar[str] = "search"

    def __post_init__(self) -> None:
        object.__setattr__(self, "budgets", _shares("budgets", self.budgets))
        if isinstance(self.limits, Mapping):
            object.__setattr__(self, "limits", limits_from_dict(self.limits))
        if isinstance(self.latency, Mapping):
            object.__setattr__(self, "latency", LatencyTable.from_dict(self.latency))
        _ = self.settings

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(budget_name(budget) for budget in self.budgets)

    @property
    def settings(self) -> Settings:
        """How to search."""
        effort = Effort(self.gap, self.time_limit_s)
        return Settings(self.direction, self.minimum_width, self.align, self.solver, self.limits, self.latency, effort)

    def check(self, architecture: Architecture) -> None:
        if self.latency is not None:
            self.latency.layer_costs(architecture)

    def choose(self, architecture: Architecture, importance: Importance) -> Choice:
        if not importance:
            do = "score it first (python -m reds convert --help), or cut it without scores: --halving"
            raise ConfigError("the network has no importance to choose widths by", do=do)
        found = search(architecture, importance, self.budgets, self.settings)
        return Choice(subnets_of(found), {**self.to_dict(), "solutions": [item.to_dict() for item in found]})

    def allowed_macs(self, architecture: Architecture) -> tuple[int, ...]:
        if self.latency is not None:
            do = "early exits take budgets of MACs: leave the latency out, or take another method"
            raise ConfigError("budgets of latency do not limit MACs", seen=f"a table in {self.latency.unit}", do=do)
        whole = architecture.cost(architecture.full_widths).macs
        return tuple(int(share(whole, budget)) for budget in self.budgets)

    def to_dict(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "budgets": list(self.budgets),
            "direction": self.direction,
            "minimum_width": self.minimum_width,
            "align": self.align,
            "solver": self.solver,
            "limits": self.limits.to_dict(),
            "latency": self.latency.to_dict() if self.latency else None,
            "gap": self.gap,
            "time_limit_s": self.time_limit_s,
        }


@dataclass(frozen=True)
class HalvingRule:
    """A share of the channels of the named groups and all of the others: the REDS poster's rule.

    Attributes:
        groups: names of the groups that are cut.
        fractions: shares of channels kept, falling, the first 1.
    """

    groups: tuple[str, ...]
    fractions: tuple[float, ...] = FRACTIONS
    rule: ClassVar[str] = "halving"

    def __post_init__(self) -> None:
        object.__setattr__(self, "fractions", _shares("fractions", self.fractions))
        if not isinstance(self.groups, (list, tuple)) or not all(isinstance(name, str) for name in self.groups):
            raise ConfigError("groups is a list of group names", seen=repr(self.groups))
        object.__setattr__(self, "groups", tuple(self.groups))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(budget_name(fraction) for fraction in self.fractions)

    def check(self, architecture: Architecture) -> None:
        halving(architecture, self.fractions, self.groups)

    def choose(self, architecture: Architecture, importance: Importance) -> Choice:
        return Choice(halving(architecture, self.fractions, self.groups), self.to_dict())

    def allowed_macs(self, architecture: Architecture) -> tuple[int, ...]:
        return tuple(architecture.cost(subnet.widths).macs for subnet in halving(architecture, self.fractions, self.groups))

    def to_dict(self) -> dict[str, Any]:
        return {"rule": self.rule, "groups": list(self.groups), "fractions": list(self.fractions)}


RULES: Mapping[str, type[SearchRule] | type[HalvingRule]] = {rule.rule: rule for rule in (SearchRule, HalvingRule)}


def rule_from_dict(data: Mapping[str, Any]) -> WidthRule:
    """The rule that `to_dict` wrote; what is not given takes its default.

    Raises:
        ConfigError: an unknown rule or key, or a value out of range.
    """
    name = str(data.get("rule", SearchRule.rule))
    if name not in RULES:
        raise unknown_name("width rule", name, RULES)
    known = RULES[name].__dataclass_fields__.keys() - {"rule"}
    for key in data:
        if key not in known | {"rule"}:
            raise unknown_name(f"key of the width rule {name!r}", key, known)
    try:
        return RULES[name](**{key: value for key, value in data.items() if key != "rule"})
    except TypeError as error:
        raise ConfigError(f"the width rule {name!r} is incomplete", seen=str(error)) from error


def _shares(what: str, values: Sequence[float]) -> tuple[float, ...]:
    """The shares as floats, after checking that they fall from 1 and stay above 0."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ConfigError(f"{what} is a list of shares of the whole network", seen=repr(values))
    try:
        shares = tuple(float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{what} is a list of shares of the whole network", seen=repr(values)) from error
    for wrong, why in (
        (not all(math.isfinite(each) and each > 0 for each in shares), "all above 0"),
        (any(each > 1 for each in shares), "at most 1 (100 %)"),
        (len(set(shares)) < len(shares), "each once"),
        (any(larger < smaller for larger, smaller in pairwise(shares)), "falling"),
        (shares[:1] != (1.0,), "the first 1, the whole network"),
        (not 2 <= len(shares) <= MOST_BUDGETS, f"2 to {MOST_BUDGETS} of them, the whole network included"),
    ):
        if wrong:
            raise ConfigError(f"{what} are shares of the whole network, {why}", seen=str(list(values)))
    return shares
