"""The published plots: parameters, accuracy and latency against multiply-adds, published points beside the measured ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from harness import units
from harness.published import PRECISION, Published, Shelf
from harness.records import Measurement
from harness.report.figure import Figure, Row, slug
from harness.report.networks import Network, unique
from harness.report.style import Colours, axis, legend, rows_of, specification, toggles, tooltips

HEIGHT = 230
MEASURED, PUBLISHED = "measured", "published"
NO_PRECISION = "any precision"
AGREEING = "Test samples that were classified rightly on the device; lines of devices that agree lie on one another."
NOMINAL = "Published points without published widths stand at their nominal budget, which true costs may miss by a lot."
BYTES_PER_PARAMETER = 4  # published model sizes are parameters times this
BYTES_PER_KIBIBYTE = 1024


@dataclass(frozen=True)
class Plot:
    """Something against multiply-adds: the column of the rows, the heading of its axis, and whether that begins at zero."""

    name: str
    title: str
    note: str
    column: str
    heading: str
    from_zero: bool


PARAMETERS = Plot("parameters", "Parameters", "", "parameters", "Parameters", from_zero=True)
ACCURACY = Plot("accuracy", "Accuracy", AGREEING, "accuracy_percent", "Accuracy, %", from_zero=False)


def figures(network: Network, shelf: Shelf, colours: Colours) -> Iterator[Figure]:
    """Parameters and accuracy, as far as this network has measurements of them."""
    if rows := _parameters(network, shelf):
        yield _figure(network, PARAMETERS, rows, colours)
    if rows := _accuracies(network, shelf):
        yield _figure(network, ACCURACY, rows, colours)


def latencies(network: Network, shelf: Shelf, colours: Colours) -> Iterator[Figure]:
    """Latency against multiply-adds: a figure for each unit and precision, since no two units stand on one axis."""
    places: dict[tuple[str, str], list[Row]] = {}
    for m in network.of("latency"):
        if m.device is not None and m.precision is not None and m.macs is not None:
            facts = {"latency": m.value, "unit": m.unit, "repeats": len(m.samples)}
            places.setdefault((m.unit, m.precision), []).append(_row(m, m.device, facts))
    if not places:
        return
    for p in shelf.of("latency"):
        facts = {"latency": p.value, "unit": p.unit}
        places.setdefault((p.unit, PRECISION), []).extend(_published(p, shelf, facts))
    for (unit, precision), rows in sorted(places.items(), key=_measured_first):
        if rows:
            title = f"{precision}, {unit}"
            if not _any_measured(rows):
                title, note = f"{title}, published only", "No device of this run measures in this unit."
            elif unit in units.COUNTED:
                note = f"{units.long(unit).capitalize()}: counted work, not time."
            else:
                note = "Median of the repeats."
            plot = Plot(f"latency {title}", title, note, "latency", units.long(unit).capitalize(), from_zero=True)
            yield _figure(network, plot, rows, colours)


def _measured_first(place: tuple[tuple[str, str], Sequence[Row]]) -> tuple[bool, str, bool, str]:
    """By precision, counted units first; what is published alone comes last."""
    (unit, precision), rows = place
    return not _any_measured(rows), precision, unit not in units.COUNTED, unit


def _any_measured(rows: Sequence[Row]) -> bool:
    return any(row["origin"] == MEASURED for row in rows)


def _parameters(network: Network, shelf: Shelf) -> list[Row]:
    rows = [_row(m, MEASURED, {"parameters": m.value}) for m in network.of("parameters") if m.macs is not None]
    for p in shelf.of("model_size") if rows else ():
        if p.unit == "kibibytes":
            parameters = round(p.value * BYTES_PER_KIBIBYTE / BYTES_PER_PARAMETER)
            rows += _published(p, shelf, {"parameters": parameters, "precision": NO_PRECISION})
    return rows


def _accuracies(network: Network, shelf: Shelf) -> list[Row]:
    rows = [
        _row(m, m.device, {"accuracy_percent": 100 * m.value, "samples": m.sample_count})
        for m in network.of("accuracy")
        if m.macs is not None and m.device is not None
    ]
    for p in shelf.of("accuracy") if rows else ():
        rows += _published(p, shelf, {"accuracy_percent": p.value, "std_percent": p.std})
    return rows


def _row(m: Measurement, series: str, facts: Mapping[str, Any]) -> Row:
    """A measured point."""
    precision = m.precision or NO_PRECISION
    return {"series": series, "origin": MEASURED, "precision": precision, "subnet": m.subnet, "macs": m.macs, **facts}


def _published(p: Published, shelf: Shelf, facts: Mapping[str, Any]) -> Iterator[Row]:
    """A published point, if its place on the axis is known."""
    cost = shelf.cost(p)
    if cost is not None:
        place = {"series": p.series, "origin": PUBLISHED, "precision": PRECISION, "subnet": p.subnet, "macs": cost.macs}
        yield {**place, **facts, "macs_are": "nominal" if cost.nominal else "true", "source": p.source}


def _figure(network: Network, plot: Plot, rows: Sequence[Row], colours: Colours) -> Figure:
    captions = [plot.note, NOMINAL if any(row.get("macs_are") == "nominal" for row in rows) else ""]
    caption = " ".join(filter(None, captions))
    return Figure(slug(network.name, plot.name), plot.title, caption, rows, specification(_chart(rows, plot, colours)))


def _chart(rows: Sequence[Row], plot: Plot, colours: Colours) -> alt.Chart:
    """Lines with points: a colour for each series, a shape for each precision, dashes for what was published."""
    series, precisions, origins = (unique(row[field] for row in rows) for field in ("series", "precision", "origin"))
    colour = alt.Color(field="series", type="nominal", title=None, scale=colours.scale(rows, "series"), legend=legend(series))
    scale = alt.Scale(zero=plot.from_zero)
    dashes = alt.Scale(domain=[MEASURED, PUBLISHED], range=[[1, 0], [5, 4]])
    strokes = legend(origins, symbolType="stroke", symbolSize=260, values=origins) if len(origins) > 1 else None
    chart = alt.Chart(rows_of(rows), width="container", height=HEIGHT).mark_line(point=True)
    chart = chart.encode(
        x=alt.X(
            field="macs", type="quantitative", title="Multiply-adds of one inference", axis=axis(), scale=alt.Scale(zero=True)
        ),
        y=alt.Y(field=plot.column, type="quantitative", title=plot.heading, scale=scale, axis=axis(_format(rows, plot))),
        color=colour,
        strokeDash=alt.StrokeDash(field="origin", type="nominal", title=None, scale=dashes, legend=strokes),
        detail=alt.Detail(field="precision", type="nominal"),  # a shape tells points apart, but does not part a line
        tooltip=tooltips(rows),
    )
    if len(precisions) == 1:
        return toggles(chart, "series")
    shape = alt.Shape(field="precision", type="nominal", title=None, legend=legend(precisions))
    return toggles(chart.encode(shape=shape), "series", "precision")


def _format(rows: Sequence[Row], plot: Plot) -> str:
    return "~s" if max(abs(row[plot.column]) for row in rows) >= 10_000 else ",~r"
