"""How values went from run to run: a line for each subnetwork, rules where a level changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import altair as alt

from harness.history import Series
from harness.records import Key
from harness.report.figure import Figure, Row, slug
from harness.report.style import ORDERED, axis, legend, rows_of, specification, toggles, tooltips

METRICS = ("latency", "accuracy", "image_bytes", "flash_bytes", "arena_bytes")
ALWAYS = ("latency", "accuracy")  # the others are shown where they changed
VERDICT_COLOURS = {"better": "#0d8a63", "worse": "#c2410c", "toolchain": "#6d7a86"}
HEIGHT = 190


def figures(history: Sequence[Series]) -> Iterator[Figure]:
    """A figure for each metric of each placement that has more than one run."""
    places: dict[tuple[str | None, ...], list[Series]] = {}
    for one in history:
        if one.key.metric in METRICS and len(one.points) > 1:
            places.setdefault((*_place(one.key), one.unit, one.matrix), []).append(one)
    for (metric, architecture, dataset, precision, device, unit, matrix), of_place in places.items():
        if metric in ALWAYS or any(one.steps for one in of_place):
            rows = [row for one in of_place for row in _rows(one)]
            where = ", ".join(part for part in (architecture, dataset, precision, device) if part)
            yield Figure(
                name=slug("history", metric, architecture, dataset, precision, device, matrix),
                title=f"{str(metric).replace('_', ' ').capitalize()} of {where}",
                caption=f"In {unit}, matrix {matrix}, {len({row['run'] for row in rows})} runs, oldest first.",
                rows=rows,
                chart=specification(_chart(rows, str(unit))),
            )


def _place(key: Key) -> tuple[str | None, ...]:
    return key.metric, key.architecture, key.dataset, key.precision, key.device


def _rows(one: Series) -> Iterator[Row]:
    steps = {step.position: step for step in one.steps}
    for position, point in enumerate(one.points):
        step = steps.get(position)
        yield {
            "order": position + 1,
            "run": point.run.id,
            "started": point.run.started,
            "subnet": one.key.subnet or "all",
            "value": point.value,
            "step": step and step.verdict,
            "commits": step and step.commit_range,
        }


def _chart(rows: Sequence[Row], unit: str) -> alt.TopLevelMixin:
    whole = alt.Axis(format="d", tickCount=6, labelExpr="datum.value % 1 ? '' : datum.label")
    x = alt.X(field="order", type="quantitative", title="Run", axis=whole, scale=alt.Scale(zero=False))
    levels = list(dict.fromkeys(row["subnet"] for row in rows))
    shade = alt.Scale(scheme=ORDERED)
    base = alt.Chart(rows_of(rows), width="container", height=HEIGHT)
    lines = base.mark_line(point={"size": 24}).encode(
        x=x,
        y=alt.Y(field="value", type="quantitative", title=unit.capitalize(), scale=alt.Scale(zero=False), axis=axis()),
        color=alt.Color(field="subnet", type="ordinal", title=None, sort=levels, scale=shade, legend=legend(levels)),
        tooltip=tooltips(rows),
    )
    changed = [row for row in rows if row["step"]]
    chart = toggles(lines, "subnet")
    if not changed:
        return chart
    verdicts = alt.Scale(domain=list(VERDICT_COLOURS), range=list(VERDICT_COLOURS.values()))
    color = alt.Color(field="step", type="nominal", scale=verdicts, title="changes")
    rules = (
        alt.Chart(rows_of(changed))
        .mark_rule(strokeDash=[3, 3], strokeWidth=1.5)
        .encode(x=x, color=color, tooltip=tooltips(changed))
    )
    return alt.layer(chart, rules).resolve_scale(color="independent")
