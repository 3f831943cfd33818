"""The published plots: parameters, accuracy and latency against multiply-adds, published points beside the measured ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt

from harness.records import Measurement
from harness.report.figure import Figure, Row, slug
from harness.report.networks import Network, unique
from harness.report.published import PRECISION, Published, Shelf
from harness.report.style import Colours, legend, rows_of, specification, toggles, tooltips
from harness.summary import COUNTED_UNITS

HEIGHT = 230
MEASURED, NO_PRECISION = "measured", "any precision"
NOMINAL = "Published points without published widths stand at their nominal budget, which true costs may miss by a lot."
UNIT_NAMES = {"instructions": "retired instructions", "model cycles": "cycles of the emulator's model"}
BYTES_PER_PARAMETER = 4  # published model sizes are parameters times this
BYTES_PER_KIBIBYTE = 1024


def figures(network: Network, shelf: Shelf, colours: Colours) -> Iterator[Figure]:
    """Parameters and accuracy, as far as this network has measurements of them."""
    if rows := _parameters(network, shelf):
        yield _figure(network, "Parameters", "", rows, "parameters", "Parameters", colours, zero=True)
    if rows := _accuracies(network, shelf):
        note = "Test samples that were classified rightly on the device; lines of devices that agree lie on one another."
        yield _figure(network, "Accuracy", note, rows, "accuracy_percent", "Accuracy, %", colours, zero=False)


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
            elif unit in COUNTED_UNITS:
                note = f"Counted, not timed: {COUNTED_UNITS[unit]}."
            else:
                note = "Median of the repeats."
            axis = UNIT_NAMES.get(unit, unit).capitalize()
            yield _figure(network, title, note, rows, "latency", axis, colours, zero=True, about="latency")


def _measured_first(place: tuple[tuple[str, str], Sequence[Row]]) -> tuple[bool, str, bool, str]:
    """By precision, counted units first; what is published alone comes last."""
    (unit, precision), rows = place
    return not _any_measured(rows), precision, unit not in COUNTED_UNITS, unit


def _any_measured(rows: Sequence[Row]) -> bool:
    return any(row["origin"] == MEASURED for row in rows)


def _parameters(network: Network, shelf: Shelf) -> list[Row]:
    rows = [_row(m, MEASURED, {"parameters": m.value}) for m in network.of("parameters") if m.macs is not None]
    for p in shelf.of("model_size") if rows else ():
        if p.unit == "kibibytes":
            rows += _published(p, shelf, {"parameters": round(p.value * BYTES_PER_KIBIBYTE / BYTES_PER_PARAMETER)})
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
        place = {"series": p.series, "origin": "published", "precision": PRECISION, "subnet": p.subnet, "macs": cost.macs}
        yield {**place, **facts, "macs_are": "nominal" if cost.nominal else "true", "source": p.source}


def _figure(
    network: Network,
    title: str,
    note: str,
    rows: Sequence[Row],
    y: str,
    axis: str,
    colours: Colours,
    *,
    zero: bool,
    about: str | None = None,
) -> Figure:
    captions = [note, NOMINAL if any(row.get("macs_are") == "nominal" for row in rows) else ""]
    return Figure(
        name=slug(network.name, about, title),
        title=title,
        caption=" ".join(filter(None, captions)),
        rows=rows,
        chart=specification(_chart(rows, y, axis, colours, zero=zero)),
    )


def _chart(rows: Sequence[Row], y: str, axis: str, colours: Colours, *, zero: bool) -> alt.Chart:
    """Lines with points: a colour for each series, a shape for each precision, dashes for what was published."""
    series, precisions, origins = (unique(row[field] for row in rows) for field in ("series", "precision", "origin"))
    macs = alt.Axis(format="~s", tickCount=5)
    dashes = alt.Scale(domain=[MEASURED, "published"], range=[[1, 0], [5, 4]])
    chart = alt.Chart(rows_of(rows), width="container", height=HEIGHT).mark_line(point=True)
    chart = chart.encode(
        x=alt.X(field="macs", type="quantitative", title="Multiply-adds of one inference", axis=macs, scale=alt.Scale(zero=True)),
        y=alt.Y(field=y, type="quantitative", title=axis, scale=alt.Scale(zero=zero, nice=True), axis=_axis(rows, y)),
        color=alt.Color(
            field="series", type="nominal", title=None, scale=colours.scale(rows, "series"), legend=legend(series, symbolType="circle")
        ),
        strokeDash=alt.StrokeDash(
            field="origin",
            type="nominal",
            title=None,
            scale=dashes,
            legend=legend(origins, symbolType="stroke", values=origins) if len(origins) > 1 else None,
        ),
        tooltip=tooltips(rows),
    )
    if len(precisions) == 1:
        return toggles(chart, "series")
    shape = alt.Shape(field="precision", type="nominal", title=None, legend=legend(precisions))
    return toggles(chart.encode(shape=shape), "series", "precision")


def _axis(rows: Sequence[Row], y: str) -> alt.Axis:
    large = max(abs(row[y]) for row in rows) >= 10_000
    return alt.Axis(format="~s" if large else ",~r", tickCount=5)
