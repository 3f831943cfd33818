"""Values that changed alike, put together: one cause shows as one line, however many subnetworks it befell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness import units
from harness.judging.comparison import Comparison
from harness.judging.tables import number, percent
from harness.judging.verdict import Verdict
from harness.wording import counted

# What repeats another metric: an inference is timed after a switch as well.
REPEATS: Mapping[str, str] = {"latency_first": "latency"}
ALIKE = 2.0  # relative changes are similar up to this factor


@dataclass(frozen=True)
class Alike:
    """Values of one verdict, metric and unit that changed alike, or failed or are missing for the same reason.

    Attributes:
        comparisons: at least one, in the order in which they were given.
        difference: B - A, where it is the same for all.
    """

    comparisons: Sequence[Comparison]
    difference: float | None

    @property
    def verdict(self) -> Verdict:
        """Of all of them."""
        return self.comparisons[0].verdict

    @property
    def what(self) -> str:
        """Metrics, devices and networks in words."""
        keys = [c.key for c in self.comparisons]
        metrics = ", ".join(dict.fromkeys(key.metric for key in keys))
        devices = ", ".join(dict.fromkeys(key.device for key in keys if key.device))
        networks = {(key.architecture, key.dataset, key.precision) for key in keys}
        subnets = {(key.architecture, key.dataset, key.precision, key.subnet) for key in keys if key.subnet}
        places = [counted(len(networks), "network"), *([counted(len(subnets), "subnetwork")] if subnets else [])]
        return f"{metrics}: {', '.join([*([devices] if devices else []), *places])}"

    @property
    def change(self) -> str:
        """How they changed in words; empty where nothing can be said."""
        unit = units.short(self.comparisons[0].unit)
        changes = sorted({c.change for c in self.comparisons if c.change is not None}, key=abs)
        shares = " to ".join(dict.fromkeys(percent(share) for share in (*changes[:1], *changes[-1:])))
        if self.difference is None:
            return shares
        sign = "+" if self.difference > 0 else ""
        return f"{sign}{number(self.difference)} {unit} each" + (f" ({shares})" if shares else "")

    @property
    def line(self) -> str:
        """All of it in one line; a single value by its name, with the values before and after."""
        first = self.comparisons[0]
        if len(self.comparisons) == 1:
            what = f"{first.key} {number(first.a)} -> {number(first.b)} {units.short(first.unit)}"
            noise = percent(first.noise, "")
            change = ", ".join(filter(None, (percent(first.change), noise and f"noise {noise}")))
        else:
            what, change = f"{self.what} ({counted(len(self.comparisons), 'value')})", self.change
        return ": ".join(
            [f"{self.verdict}: {what}", *([", ".join(filter(None, (change, first.reason)))] if change or first.reason else [])]
        )


def alike(comparisons: Iterable[Comparison]) -> list[Alike]:
    """Put together what changed alike, in the order in which the first of each was given.

    Where not all changed by similar shares, the largest at most `ALIKE` times the smallest, those that changed by the same amount
    come together, and then those of the rest that changed by similar shares. Only values of one verdict, metric (`latency_first`
    counts as latency), unit and reason do.
    """
    kinds: dict[tuple[object, ...], list[Comparison]] = defaultdict(list)
    comparisons = list(comparisons)
    for c in comparisons:
        kinds[c.verdict, REPEATS.get(c.key.metric, c.key.metric), c.unit, c.reason].append(c)
    position = {id(c): i for i, c in enumerate(comparisons)}
    found = [one for kind in kinds.values() for one in _alike(kind)]
    return sorted(found, key=lambda one: position[id(one.comparisons[0])])


def _alike(kind: Sequence[Comparison]) -> Iterator[Alike]:
    by_difference: dict[float | None, list[Comparison]] = defaultdict(list)
    for c in kind:
        by_difference[None if c.a is None or c.b is None else c.b - c.a].append(c)
    rest: list[Comparison] = []
    clusters = list(_similar(kind)) if None not in by_difference else []
    if len(clusters) == 1 and len(by_difference) > 1:
        yield Alike(kind, None)
        return
    for difference, same in by_difference.items():
        if difference is None or len(same) > 1:
            yield Alike(same, difference)
        else:
            rest += same
    for some in _similar(rest):
        order = [c for c in kind if c in some]
        yield Alike(order, None)


def _similar(comparisons: Iterable[Comparison]) -> Iterator[list[Comparison]]:
    """Runs of similar relative changes, which have one sign as they have one verdict."""
    some: list[Comparison] = []
    for c in sorted(comparisons, key=lambda c: abs(c.change or 0)):
        if some and abs(c.change or 0) > ALIKE * abs(some[0].change or 0):
            yield some
            some = []
        some.append(c)
    if some:
        yield some
