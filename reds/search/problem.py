"""A width search as data: choose one width per group; values and costs are sums over neighbouring pairs of groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reds.errors import ConfigError
from reds.layers import Widths

PROOF = 1e-9  # relative gap that counts as none: the error of summing float64 importances
MOST_WIDTHS = 1 << 16  # of one group; the tables of two such groups would fill 32 GB


@dataclass(frozen=True)
class Resource:
    """Something additive that a network uses up, and how much of it there is.

    Attributes:
        name: what is counted, with its unit ("macs", "flash_bytes").
        limit: the most that a solution may use.
    """

    name: str
    limit: float


@dataclass(frozen=True)
class Pair:
    """What two neighbouring groups contribute, for each choice of their widths.

    Attributes:
        value: float64 (A, B); -inf where the two widths may not stand side by side (a layer's activations would be too large,
            say: limits that are no sum are stated here).
        costs: float64 (resources, A, B), not negative; integers stay exact.
    """

    value: np.ndarray
    costs: np.ndarray

    @property
    def allowed(self) -> np.ndarray:
        """Which widths may stand side by side, bool (A, B)."""
        return self.value > -np.inf

    def select(self, rows: np.ndarray, columns: np.ndarray) -> Pair:
        """The same pair with fewer admissible widths."""
        grid = np.ix_(rows, columns)
        return Pair(self.value[grid], self.costs[(slice(None), *grid)])


@dataclass(frozen=True)
class Problem:
    """Maximise the value of a chain of widths within the limits.

    Attributes:
        groups: names of the groups, for messages.
        widths: for each group its admissible widths, ascending; a whole group has one.
        pairs: one for each two neighbouring groups; rows and columns follow `widths`.
        resources: what the costs of the pairs count, in their order.

    Raises:
        ConfigError: the tables do not fit the groups, there are fewer than two groups, a value is NaN or +inf, a cost is NaN,
            infinite or negative, or a group has too many widths.
    """

    groups: tuple[str, ...]
    widths: tuple[np.ndarray, ...]
    pairs: tuple[Pair, ...]
    resources: tuple[Resource, ...]

    def __post_init__(self) -> None:
        if len(self.groups) < 2 or len(self.widths) != len(self.groups) or len(self.pairs) != len(self.groups) - 1:
            seen = f"{len(self.groups)} groups, {len(self.widths)} width lists, {len(self.pairs)} pairs"
            raise ConfigError("a width search needs a table for each two neighbouring groups", seen=seen)
        if max(map(len, self.widths)) > MOST_WIDTHS:
            raise ConfigError(f"a group has more than {MOST_WIDTHS} widths", do="raise the alignment")
        for index, pair in enumerate(self.pairs):
            shape = (len(self.widths[index]), len(self.widths[index + 1]))
            if pair.value.shape != shape or pair.costs.shape != (len(self.resources), *shape):
                seen = f"value {pair.value.shape}, costs {pair.costs.shape}"
                raise ConfigError(f"the tables of pair {index} are not of shape {shape}", seen=seen)
            if not (pair.value < np.inf).all():
                raise ConfigError(f"pair {index} has a value that is no number", do="score the network anew")
            if not ((pair.costs >= 0) & (pair.costs < np.inf)).all():
                raise ConfigError(f"pair {index} has a cost that is negative or no number")

    @property
    def limits(self) -> np.ndarray:
        """Limits of the resources, float64 (resources,)."""
        return np.array([resource.limit for resource in self.resources], np.float64)

    def within(self, floor: Sequence[int], ceiling: Sequence[int]) -> Problem:
        """The same problem with every group's width between `floor` and `ceiling`.

        Raises:
            ConfigError: a group is left without a width.
        """
        kept = [
            np.flatnonzero((widths >= low) & (widths <= high))
            for widths, low, high in zip(self.widths, floor, ceiling, strict=True)
        ]
        for name, indices, low, high in zip(self.groups, kept, floor, ceiling, strict=True):
            if not len(indices):
                raise ConfigError(f"group {name!r} has no admissible width", seen=f"between {low} and {high}")
        return self.select(kept)

    def select(self, kept: Sequence[np.ndarray]) -> Problem:
        """The same problem with only the widths at these positions of each group's list; the same one where that is all."""
        if all(len(indices) == len(widths) for indices, widths in zip(kept, self.widths, strict=True)):
            return self
        widths = tuple(w[indices] for w, indices in zip(self.widths, kept, strict=True))
        pairs = tuple(pair.select(a, b) for pair, a, b in zip(self.pairs, kept, kept[1:], strict=False))
        return replace(self, widths=widths, pairs=pairs)

    def limited(self, limits: Sequence[float]) -> Problem:
        """The same problem with other limits."""
        resources = tuple(Resource(r.name, limit) for r, limit in zip(self.resources, limits, strict=True))
        return replace(self, resources=resources)

    def chosen_widths(self, path: Sequence[int]) -> Widths:
        """The widths at these positions of each group's list."""
        return tuple(int(widths[index]) for widths, index in zip(self.widths, path, strict=True))

    def value(self, path: Sequence[int]) -> float:
        """Value of the widths at these positions; -inf where two of them may not stand side by side."""
        return float(sum(pair.value[a, b] for pair, a, b in zip(self.pairs, path, path[1:], strict=False)))

    def costs(self, path: Sequence[int]) -> np.ndarray:
        """Costs of the widths at these positions, float64 (resources,)."""
        used = np.zeros(len(self.resources))
        for pair, a, b in zip(self.pairs, path, path[1:], strict=False):
            used += pair.costs[:, a, b]
        return used


@dataclass(frozen=True)
class Solution:
    """What a solver found and what it can prove.

    Attributes:
        solver: name of the method.
        status: "optimal" (proved but for rounding: a relative gap up to `PROOF` counts as none) or "feasible" (the gap says how
            far from optimal it may be).
        widths: one per group.
        value: the value of the widths.
        bound: no admissible widths are worth more.
        seconds: time the solver took.
        costs: what the widths use of each resource, in the problem's order.
    """

    solver: str
    status: str
    widths: Widths
    value: float
    bound: float
    seconds: float
    costs: tuple[float, ...]

    @property
    def gap(self) -> float:
        """Share of the bound that may be missing, 0 where the widths are proved optimal."""
        return 0.0 if self.bound <= self.value else (self.bound - self.value) / abs(self.bound)
