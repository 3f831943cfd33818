"""How commands print values of two runs: as a table where it fits, else each in two lines; nothing is folded but reasons."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from harness import terminal, units
from harness.judging import Verdict
from harness.judging.tables import COLUMNS, NUMBERS, Notes, ValueRow
from harness.wording import one_line

GAP = "  "
LEAST_WHY = 24  # columns that a reason is folded to, no fewer
STYLES = {
    Verdict.FAILED: "bold red",
    Verdict.WORSE: "red",
    Verdict.MISSING: "red",
    Verdict.UNSTABLE: "yellow",
    Verdict.BETTER: "green",
}


def print_values(groups: Sequence[tuple[str, Sequence[ValueRow]]]) -> None:
    """Print groups of rows under their titles, and below what their notes and units mean."""
    rows = [row for _, group in groups for row in group]
    notes = Notes(rows)
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for title, group in groups:
        if title:
            console.print(Text(one_line(title), style="bold"))
        for line in render(group, notes, terminal.columns()):
            console.print(line)
        console.print()
    for note in (*notes.lines, *units.explained(row.unit for row in rows)):
        console.print(Text(one_line(note), style="dim"))


def render(rows: Sequence[ValueRow], notes: Notes, columns: int) -> Iterator[Text]:
    """The lines of a table that is at most so many columns wide, or of pairs of lines where it would be wider."""
    cells = [[one_line(cell) for cell in _cells(row, notes)] for row in rows]
    widths = [max(len(line[i]) for line in (COLUMNS, *cells)) for i in range(len(COLUMNS))]
    before_why = sum(widths[:-1]) + len(GAP) * (len(COLUMNS) - 1)
    room = columns - before_why
    if room < min(widths[-1], LEAST_WHY):
        for row, line in zip(rows, cells, strict=True):
            yield from _in_two_lines(row.verdict, line, columns)
        return
    yield _line(list(COLUMNS), widths, None)
    yield Text("─" * (before_why + min(room, widths[-1])), style="dim")
    for row, line in zip(rows, cells, strict=True):
        first, *more = wrap(line[-1], room) or [""]
        yield _line([*line[:-1], first], widths, row.verdict)
        yield from (Text(" " * before_why + part) for part in more)


def _cells(row: ValueRow, notes: Notes) -> list[str]:
    return [row.value, row.a, row.b, row.unit, row.change, row.noise, row.verdict, notes.mark(row)]


def _line(cells: Sequence[str], widths: Sequence[int], verdict: Verdict | None) -> Text:
    line = Text()
    for name, cell, width in zip(COLUMNS, cells, widths, strict=True):
        padded = cell.rjust(width) if name in NUMBERS else cell.ljust(width)
        style = "bold" if verdict is None else STYLES.get(verdict, "") if name == "verdict" else ""
        line.append(padded, style).append("" if name == COLUMNS[-1] else GAP)
    line.rstrip()
    return line


def _in_two_lines(verdict: Verdict, cells: Sequence[str], columns: int) -> Iterator[Text]:
    """The verdict and the value, and below them the numbers and the reason."""
    value, a, b, unit, change, noise, _, why = cells
    indent = " " * (max(map(len, Verdict)) + len(GAP))
    yield Text().append(verdict.ljust(len(indent)), STYLES.get(verdict, "")).append(value)
    numbers = ", ".join(part for part in (f"{a} -> {b} {unit}", change, noise and f"noise {noise}") if part)
    for part in wrap("; ".join(filter(None, (numbers, why))), max(columns - len(indent), LEAST_WHY)):
        yield Text(indent + part)
