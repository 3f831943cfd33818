"""Where in a network time and memory go, layer by layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import altair as alt

from harness import units
from harness.records import Measurement
from harness.report.figure import Figure, Row, slug
from harness.report.networks import Network, by_place, levels, unique
from harness.report.style import ORDERED, axis, legend, rows_of, specification, toggles, tooltips

HEIGHT = 230
BAR_STEP = 9
MEMORY = "Inputs and outputs of each layer. The dashed line is the arena of the largest subnetwork, which serves all."
MOST_LAYERS_IN_LEGEND = 30


def profiles(network: Network) -> Iterator[Figure]:
    """Time by layer: a figure of stacked bars for each device and precision, a bar for each subnetwork."""
    for (device, precision, unit), measured in by_place(network.of("layer_latency")).items():
        totals: dict[str | None, float] = defaultdict(float)
        for m in measured:
            totals[m.subnet] += m.value
        rows = [
            {
                "subnet": m.subnet,
                "layer": m.layer,
                "position": position,
                "value": m.value,
                "unit": unit,
                "share_percent": round(100 * m.value / totals[m.subnet], 2) if totals[m.subnet] else None,
            }
            for m, position in zip(measured, _positions(measured), strict=True)
        ]
        yield Figure(
            name=slug(network.name, "profile", device, precision),
            title=f"{device}, {precision}",
            caption=f"In {unit}, median of the repeats.",
            rows=rows,
            chart=specification(_stacked(rows, levels(measured), units.long(unit).capitalize())),
        )


def memory(network: Network) -> Iterator[Figure]:
    """Bytes of activations by layer, a figure for each precision; devices that agree share it."""
    arenas = {(m.device, m.precision, m.subnet): m.value for m in network.of("arena_bytes")}
    alike: dict[tuple[str, str], tuple[list[str], list[Row], list[str]]] = {}
    for (device, precision, _), measured in by_place(network.of("layer_activation_bytes")).items():
        rows: list[Row] = [
            {
                "layer": m.layer,
                "subnet": m.subnet,
                "activation_bytes": m.value,
                "arena_bytes": arenas.get((device, precision, m.subnet)),
            }
            for m in measured
        ]
        devices, _, _ = alike.setdefault((precision, repr(rows)), ([], rows, levels(measured)))
        devices.append(device)
    for (precision, _), (devices, rows, order) in alike.items():
        yield Figure(
            name=slug(network.name, "memory", *(devices if len(alike) > 2 else ()), precision),
            title=f"{precision}: {', '.join(devices)}",
            caption=MEMORY,
            rows=rows,
            chart=specification(_memory_bars(rows, order)),
        )


def _positions(measured: Iterable[Measurement]) -> list[int]:
    """Where each measurement's layer stands in the network: layers are measured in order."""
    measured = list(measured)
    order = {name: position for position, name in enumerate(unique(m.layer or "" for m in measured), start=1)}
    return [order[m.layer or ""] for m in measured]


def _stacked(rows: Sequence[Row], order: Sequence[str], heading: str) -> alt.Chart:
    layers = unique(row["layer"] for row in rows)
    shade = alt.Scale(scheme=ORDERED)
    squares = _squares(layers) if len(layers) <= MOST_LAYERS_IN_LEGEND else None
    chart = alt.Chart(rows_of(rows), width="container", height=HEIGHT).mark_bar(stroke="white", strokeWidth=0.6)
    chart = chart.encode(
        x=alt.X(field="subnet", type="nominal", title="Subnetwork", sort=order, axis=alt.Axis(labelAngle=0, ticks=False)),
        y=alt.Y(field="value", type="quantitative", stack=True, title=heading, axis=axis()),
        color=alt.Color(field="layer", type="ordinal", title=None, sort=layers, scale=shade, legend=squares),
        order=alt.Order(field="position", type="quantitative"),
        tooltip=tooltips(rows),
    )
    return toggles(chart, "layer")


def _squares(names: Sequence[str]) -> alt.Legend:
    return legend(names, symbolType="square")


def _memory_bars(rows: Sequence[Row], order: Sequence[str]) -> alt.TopLevelMixin:
    layers = unique(row["layer"] for row in rows)
    height = BAR_STEP * (len(order) + 1) * len(layers)
    shade = alt.Scale(scheme=ORDERED)
    bars = alt.Chart(rows_of(rows), width="container", height=height).mark_bar()
    bars = bars.encode(
        x=alt.X(field="activation_bytes", type="quantitative", title="Bytes", axis=axis(grid=True)),
        y=alt.Y(field="layer", type="nominal", title=None, sort=layers, axis=alt.Axis(grid=False)),
        yOffset=alt.YOffset(field="subnet", type="nominal", sort=order),
        color=alt.Color(field="subnet", type="ordinal", title=None, sort=order, scale=shade, legend=_squares(order)),
        tooltip=tooltips(rows),
    )
    arenas = [row["arena_bytes"] for row in rows if row["arena_bytes"] is not None]
    chart = toggles(bars, "subnet")
    if not arenas:
        return chart
    largest = alt.Chart(alt.InlineData(values=[{"arena_bytes": max(arenas)}]))
    rule = largest.mark_rule(strokeDash=[4, 3], color="#c2410c").encode(
        x=alt.X(field="arena_bytes", type="quantitative"),
        tooltip=[alt.Tooltip(field="arena_bytes", type="quantitative", title="arena bytes", format=",")],
    )
    return alt.layer(chart, rule)
