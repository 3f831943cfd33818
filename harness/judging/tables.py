"""Comparisons as rows of text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.judging.comparison import Comparison
from harness.judging.verdict import Verdict

COLUMNS = ("value", "A", "B", "unit", "change", "noise", "verdict", "why")
NUMBERS = ("A", "B", "change", "noise")
AXES = ("metric", "architecture", "dataset", "precision", "device", "subnet", "layer")

# What matters most is shown first.
ORDER = (
    Verdict.FAILED,
    Verdict.WORSE,
    Verdict.MISSING,
    Verdict.UNSTABLE,
    Verdict.BETTER,
    Verdict.NEW,
    Verdict.SAME,
)


def most_telling_first(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """By verdict, within one in the runs' order."""
    return sorted(comparisons, key=lambda c: ORDER.index(c.verdict))


def cells(comparison: Comparison) -> list[str]:
    """The row of one value, a text for each of `COLUMNS`."""
    c = comparison
    also = f"other {', '.join(c.also_differs)}" if c.also_differs and c.verdict is not Verdict.SAME else ""
    why = "; ".join(part for part in (c.reason, also) if part)
    return [str(c.key), number(c.a), number(c.b), c.unit, percent(c.change), percent(c.noise, ""), c.verdict, why]


def number(value: float | None) -> str:
    """A value in six digits."""
    return "-" if value is None else f"{value:,.6g}" if value % 1 else f"{value:,.0f}"


def percent(share: float | None, sign: str = "+") -> str:
    """A share as percent; empty if there is none."""
    return "" if share is None else f"{100 * share:{sign}.2f} %"


def groups(comparisons: Iterable[Comparison], axes: Sequence[str]) -> dict[str, list[Comparison]]:
    """The comparisons by the values of these axes, each group with its title; one group without a title if there are no axes."""
    grouped: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        title = ", ".join(f"{axis} {getattr(comparison.key, axis) or '-'}" for axis in axes)
        grouped.setdefault(title, []).append(comparison)
    return grouped


def markdown(comparisons: Iterable[Comparison]) -> str:
    """A table for pull requests."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{'|'.join(' ---: ' if c in NUMBERS else ' --- ' for c in COLUMNS)}|"]
    lines += [f"| {' | '.join(_escaped(cell) for cell in cells(c))} |" for c in comparisons]
    return "\n".join(lines)


def _escaped(cell: str) -> str:
    return re.sub(r"([\\|*_`\[\]<>])", r"\\\1", cell.replace("\n", " "))
