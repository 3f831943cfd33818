"""Accuracy against latency by device: the subnetworks worth having, and the front of the run before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import altair as alt

from harness import units
from harness.pareto import Front, FrontChange, Place
from harness.report.figure import Figure, Row, slug
from harness.report.networks import unique
from harness.report.style import NEUTRAL, Colours, axis, legend, rows_of, specification, toggles, tooltips

HEIGHT = 260


def figures(fronts: Sequence[Front], changes: Mapping[Place, FrontChange], colours: Colours) -> Iterator[Figure]:
    """A figure for each device and data set."""
    for front in fronts:
        change = changes.get(front.place)
        before = change.before if change else None
        rows = _rows(front, "this run") + (_rows(before, "before") if before else [])
        compared = " The dashed line is the front of the run compared with." if before else ""
        yield Figure(
            name=slug("front", front.place.device, front.place.dataset),
            title=f"{front.place.device}, {front.place.dataset}",
            caption=f"Cost on a logarithmic axis. The line joins what nothing else beats in both accuracy and cost.{compared}",
            rows=rows,
            chart=specification(_chart(rows, front.place, colours)),
        )


def _rows(front: Front, run: str) -> list[Row]:
    best = set(front.best)
    return [
        {
            "run": run,
            "architecture": p.architecture,
            "precision": p.precision,
            "subnet": p.subnet,
            "accuracy_percent": 100 * p.accuracy,
            "samples": p.sample_count,
            "cost": p.cost,
            "unit": front.place.unit,
            "on_front": p in best,
        }
        for p in front.points
    ]


def _chart(rows: Sequence[Row], place: Place, colours: Colours) -> alt.TopLevelMixin:
    scale = "log" if min(row["cost"] for row in rows) > 0 else "symlog"
    title = f"{place.cost.capitalize()}, {units.long(place.unit)}"
    x = alt.X(field="cost", type="quantitative", title=title, scale=alt.Scale(type=scale), axis=axis())
    y = alt.Y(
        field="accuracy_percent",
        type="quantitative",
        title="Accuracy, %",
        scale=alt.Scale(zero=False),
        axis=axis(",~r"),
    )
    scale_of = colours.scale(rows, "architecture")
    names, precisions = (unique(row[field] for row in rows) for field in ("architecture", "precision"))
    now = [row for row in rows if row["run"] == "this run"]
    points = (
        alt.Chart(rows_of(now))
        .mark_point(size=60)
        .encode(
            x=x,
            y=y,
            color=alt.Color(field="architecture", type="nominal", title=None, scale=scale_of, legend=legend(names)),
            shape=alt.Shape(field="precision", type="nominal", title=None, legend=legend(precisions)),
            tooltip=tooltips(now),
        )
    )
    layers = [_line(rows, "this run", x, y), toggles(points, "architecture", "precision")]
    if any(row["run"] == "before" for row in rows):
        layers.insert(0, _line(rows, "before", x, y))
    return alt.layer(*layers, width="container", height=HEIGHT)


def _line(rows: Sequence[Row], run: str, x: alt.X, y: alt.Y) -> alt.Chart:
    best = [row for row in rows if row["run"] == run and row["on_front"]]
    dashes = [5, 4] if run == "before" else [1, 0]
    line = alt.Chart(rows_of(best)).mark_line(interpolate="step-after", color=NEUTRAL, strokeWidth=1.4, strokeDash=dashes)
    return line.encode(x=x, y=y)
