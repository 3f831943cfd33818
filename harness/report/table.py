"""All measurements of a run as the page's table has them: columns, and a list of values for each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.judging import Comparison
from harness.records import Key, Measurement


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        name: also its heading.
        number: whether it holds numbers.
        filter: whether the page offers its values to choose from.
        value: what a measurement shows there.
    """

    name: str
    number: bool
    filter: bool
    value: Callable[[Measurement], Any]


IDENTITY = (
    Column("metric", False, True, lambda m: m.metric),
    Column("architecture", False, True, lambda m: m.architecture),
    Column("data set", False, True, lambda m: m.dataset),
    Column("precision", False, True, lambda m: m.precision),
    Column("device", False, True, lambda m: m.device),
    Column("subnet", False, True, lambda m: f"{m.from_subnet} → {m.subnet}" if m.from_subnet else m.subnet),
    Column("layer", False, False, lambda m: m.layer),
)
MEASURES = (
    Column("value", True, False, lambda m: m.value),
    Column("unit", False, False, lambda m: m.unit),
    Column("lowest", True, False, lambda m: _of_samples(m, min)),
    Column("highest", True, False, lambda m: _of_samples(m, max)),
    Column("repeats", True, False, lambda m: len(m.samples)),
    Column("attempts", True, False, lambda m: m.attempts),
)


# What a measurement that is missing from the run has nothing to show for.
ALWAYS = frozenset({"metric", "verdict", "change, %", "before", "value"})  # whatever they hold
MEASURED = frozenset({"value", "lowest", "highest", "repeats", "attempts"})


def data(
    measurements: Sequence[Measurement], comparisons: Sequence[Comparison] = (), missing: Sequence[Measurement] = ()
) -> dict[str, Any]:
    """The table, JSON-ready; columns in which no row has anything are left out, as are attempts where all succeeded at once.

    What a column says of every row alike is said once, as "same": {name: value}, instead of in the column.

    Args:
        measurements: of the run.
        comparisons: with an earlier run: each row has the value before, its change in percent, and the verdict as well.
        missing: what only the earlier run holds; has rows without a value.
    """
    judged: Mapping[Key, Comparison] = {c.key: c for c in comparisons}
    of_comparison = (
        Column("verdict", False, True, lambda m: _of(judged, m, lambda c: str(c.verdict))),
        Column("change, %", True, False, lambda m: _of(judged, m, lambda c: None if c.change is None else 100 * c.change)),
        Column("before", True, False, lambda m: _of(judged, m, lambda c: c.a)),
    )
    columns = [*IDENTITY, *(of_comparison if judged else ()), *MEASURES]
    rows = [[column.value(m) for column in columns] for m in measurements]
    rows += [[None if column.name in MEASURED else column.value(m) for column in columns] for m in missing]
    told = [i for i, column in enumerate(columns) if _worth_showing(column, [row[i] for row in rows])]
    alike = [i for i in told if columns[i].name not in ALWAYS and len({row[i] for row in rows}) == 1]
    kept = [i for i in told if i not in alike]
    return {
        "same": {columns[i].name: rows[0][i] for i in alike},
        "columns": [{"name": columns[i].name, "number": columns[i].number, "filter": columns[i].filter} for i in kept],
        "rows": [[row[i] for i in kept] for row in rows],
    }


def _of_samples(m: Measurement, pick: Callable[[tuple[float, ...]], float]) -> float | None:
    return pick(m.samples) if len(set(m.samples)) > 1 else None


def _of(judged: Mapping[Key, Comparison], m: Measurement, pick: Callable[[Comparison], Any]) -> Any:
    comparison = judged.get(m.key)
    return None if comparison is None else pick(comparison)


def _worth_showing(column: Column, values: Sequence[Any]) -> bool:
    usual = 1 if column.name == "attempts" else None
    return any(value not in (None, usual) for value in values)
