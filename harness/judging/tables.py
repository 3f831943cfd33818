"""Comparisons as rows of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness import markdown as md
from harness import units
from harness.judging.comparison import Comparison
from harness.judging.verdict import Verdict

COLUMNS = ("value", "A", "B", "unit", "change", "noise", "verdict", "why")
NUMBERS = ("A", "B", "change", "noise")
AXES = ("metric", "architecture", "dataset", "precision", "device", "subnet", "layer")
WHOLE_FROM = 1e5  # six digits leave nothing for a fraction
TINY = 5e-5  # what two digits would call 0.00 %

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


@dataclass(frozen=True)
class ValueRow:
    """A value of two runs in words, a text for each of `COLUMNS`; empty where there is nothing to say."""

    value: str
    a: str
    b: str
    unit: str
    change: str
    noise: str
    verdict: Verdict
    why: str

    @property
    def cells(self) -> list[str]:
        """The texts in the order of `COLUMNS`."""
        return [self.value, self.a, self.b, self.unit, self.change, self.noise, self.verdict, self.why]


def row(comparison: Comparison) -> ValueRow:
    """The row of one value."""
    c = comparison
    also = f"other {', '.join(c.also_differs)}" if c.also_differs and c.verdict is not Verdict.SAME else ""
    why = "; ".join(part for part in (c.reason, also) if part)
    return ValueRow(
        str(c.key), number(c.a), number(c.b), units.short(c.unit), percent(c.change), percent(c.noise, ""), c.verdict, why
    )


def most_telling_first(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """By verdict, within one in the runs' order."""
    return sorted(comparisons, key=lambda c: ORDER.index(c.verdict))


def number(value: float | None) -> str:
    """A value in six digits at least, never in powers of ten above that."""
    if value is None:
        return "-"
    return f"{value:,.6g}" if value % 1 and abs(value) < WHOLE_FROM else f"{value:,.0f}"


def percent(share: float | None, sign: str = "+") -> str:
    """A share as percent, a tiny one with as many digits as it takes to be seen; empty if there is none."""
    if share is None:
        return ""
    tiny = 0 < abs(share) < TINY
    return f"{100 * share:{sign}{'.1g' if tiny else '.2f'}} %"


def groups(comparisons: Iterable[Comparison], axes: Sequence[str]) -> dict[str, list[Comparison]]:
    """The comparisons by the values of these axes, each group with its title; one group without a title if there are no axes."""
    grouped: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        title = ", ".join(f"{axis} {getattr(comparison.key, axis) or '-'}" for axis in axes)
        grouped.setdefault(title, []).append(comparison)
    return grouped


# Where values have noise: medians of two runs may lie apart otherwise than their samples do.
CHANGE = "change: the median of all differences between samples of A and B, which need not be that of the two medians"


class Notes:
    """What the columns mean; and reasons that several rows give are said once, below; the rows refer to them by number."""

    def __init__(self, rows: Iterable[ValueRow]) -> None:
        rows = list(rows)
        self._columns = [CHANGE] if any(row.noise for row in rows) else []
        times = Counter(row.why for row in rows if row.why)
        shared = [why for why, count in times.items() if count > 1]
        self._marks = {why: f"note {position}" for position, why in enumerate(shared, start=1)}

    def mark(self, row: ValueRow) -> str:
        """What stands in the row: its reason, or the number of the note that has it."""
        return self._marks.get(row.why, row.why)

    @property
    def lines(self) -> list[str]:
        """The notes."""
        return [*(f"{mark}: {why}" for why, mark in self._marks.items()), *self._columns]


def markdown(comparisons: Iterable[Comparison]) -> str:
    """A table for pull requests, with its notes."""
    rows = [row(c) for c in comparisons]
    notes = Notes(rows)
    table = md.table(COLUMNS, ([*row.cells[:-1], notes.mark(row)] for row in rows), NUMBERS)
    return "\n\n".join([table, *(md.escaped(line) for line in (*notes.lines, *units.explained(row.unit for row in rows)))])
