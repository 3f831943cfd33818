"""How values went from run to run: a line for each subnetwork, rules where a level changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

import altair as alt

from harness import units
from harness.history import Series
from harness.records import Key
from harness.report.figure import Figure, Row, slug
from harness.report.style import ORDERED, axis, legend, rows_of, specification, toggles, tooltips

METRICS = ("latency", "accuracy", "image_bytes", "flash_bytes", "arena_bytes")
ALWAYS = ("latency", "accuracy")  # the others are shown where they changed
VERDICT_COLOURS = {"better": "#0d8a63", "worse": "#c2410c", "toolchain": "#6d7a86"}
HEIGHT = 190
FRACTION = "fraction"
# Points: of a page, of a series whose level changed, of any series. What is left out shows in no figure of this size.
MOST_IN_ALL = 12_000
MOST = 200
FEWEST = 20
OF_A_STEP = ("step", "commits")


def figures(history: Sequence[Series]) -> Iterator[Figure]:
    """A figure for each metric of each placement that has more than one run."""
    places: dict[tuple[str | None, ...], list[Series]] = {}
    for one in history:
        if one.key.metric in METRICS and len(one.values) > 1:
            places.setdefault((*_place(one.key), one.unit, one.matrix), []).append(one)
    most = max(FEWEST, min(MOST, MOST_IN_ALL // max(1, sum(map(len, places.values())))))
    for (metric, architecture, dataset, precision, device, unit, matrix), of_place in places.items():
        if metric in ALWAYS or any(one.steps for one in of_place):
            rows = [row for one in of_place for row in _rows(one, most)]
            count = max(len(one.values) for one in of_place)
            where = ", ".join(part for part in (architecture, dataset, precision, device) if part)
            yield Figure(
                name=slug("history", metric, architecture, dataset, precision, device, matrix),
                title=f"{str(metric).replace('_', ' ').capitalize()} of {where}",
                caption=f"In {_unit(unit)}, matrix {matrix}, {count} runs, oldest first{_left_out(of_place, rows)}.",
                rows=rows,
                chart=specification(_chart(rows, _unit(unit))),
            )


def _unit(unit: str | None) -> str:
    """As the axis has it: shares in percent, for which powers of ten are no prefixes."""
    return "%" if unit == FRACTION else units.long(str(unit))


def _place(key: Key) -> tuple[str | None, ...]:
    return key.metric, key.architecture, key.dataset, key.precision, key.device


def _left_out(of_place: Sequence[Series], rows: Sequence[Row]) -> str:
    points = sum(len(one.values) for one in of_place)
    if len(rows) == points:
        return ""
    left_out = "those that repeat their neighbours and, evenly, others far from steps"
    return f"; {len(rows):,} of {points:,} points: left out are {left_out}"


def kept(one: Series, most: int) -> list[int]:
    """The positions of the points that are shown: the ends, both sides of each step, and of the others those that differ from a
    neighbour, evenly thinned.

    Args:
        one: the series.
        most: points; a series of noise around one level gets a quarter of them.
    """
    last = len(one.values) - 1
    beside_steps = {p for step in one.steps for p in (step.position - 1, step.position)}
    bends = {p for left, right in pairwise(range(last + 1)) if one.values[left] != one.values[right] for p in (left, right)}
    needed = {0, last, *_thinned(beside_steps, most)}
    room = max((most if one.steps else most // 4) - len(needed), 0)
    return sorted(needed.union(_thinned(bends - needed, room)))


def _thinned(positions: Collection[int], most: int) -> list[int]:
    """Evenly as many as there is room for."""
    count, ordered = min(len(positions), most), sorted(positions)
    return [ordered[i * len(ordered) // count] for i in range(count)]


def _rows(one: Series, most: int) -> Iterator[Row]:
    steps = {step.position: step for step in one.steps}
    for position in kept(one, most):
        value, step = one.values[position], steps.get(position)
        row = {
            "order": position + 1,
            "run": one.run_at(position).id,
            "subnet": one.key.subnet or "all",
            "value": 100 * value if one.unit == FRACTION else value,
        }
        yield row | ({"step": step.verdict, "commits": step.commit_range} if step else {})


def _rules(rows: Sequence[Row]) -> Iterator[Row]:
    """One for all the subnetworks that changed together."""
    together: dict[tuple[object, ...], list[str]] = {}
    for row in rows:
        if "step" in row:
            together.setdefault((row["order"], row["run"], row["step"], row["commits"]), []).append(row["subnet"])
    for (order, run, step, commits), subnets in together.items():
        yield {"order": order, "run": run, "subnet": ", ".join(subnets), "step": step, "commits": commits}


def _chart(rows: Sequence[Row], unit: str) -> alt.TopLevelMixin:
    whole = alt.Axis(format="d", tickCount=6, labelExpr="datum.value % 1 ? '' : datum.label")
    x = alt.X(field="order", type="quantitative", title="Run", axis=whole, scale=alt.Scale(zero=False))
    levels = list(dict.fromkeys(row["subnet"] for row in rows))
    shade = alt.Scale(scheme=ORDERED)
    points = [{name: value for name, value in row.items() if name not in OF_A_STEP} for row in rows]
    base = alt.Chart(rows_of(points), width="container", height=HEIGHT)
    lines = base.mark_line(point={"size": 24}).encode(
        x=x,
        y=alt.Y(field="value", type="quantitative", title=unit.capitalize(), scale=alt.Scale(zero=False), axis=axis(",~f")),
        color=alt.Color(field="subnet", type="ordinal", title=None, sort=levels, scale=shade, legend=legend(levels)),
        tooltip=tooltips(points),
    )
    changed = list(_rules(rows))
    chart = toggles(lines, "subnet")
    if not changed:
        return chart
    present = [verdict for verdict in VERDICT_COLOURS if any(row["step"] == verdict for row in changed)]
    verdicts = alt.Scale(domain=present, range=[VERDICT_COLOURS[verdict] for verdict in present])
    color = alt.Color(field="step", type="nominal", scale=verdicts, title="changes")
    rules = (
        alt.Chart(rows_of(changed))
        .mark_rule(strokeDash=[3, 3], strokeWidth=1.5)
        .encode(x=x, color=color, tooltip=tooltips(changed))
    )
    return alt.layer(chart, rules).resolve_scale(color="independent")
