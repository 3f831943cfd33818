"""Switch matrices: what changing from each subnetwork to each other costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import altair as alt

from harness.report.figure import Figure, Row, slug
from harness.report.networks import Network, by_place, levels
from harness.report.style import rows_of, specification, tooltips

SIDE = 150
ON_SHADE = "#0b2239"  # legible on every shade


def figures(network: Network) -> Iterator[Figure]:
    """A heat map for each device and precision."""
    first = {(m.device, m.precision, m.from_subnet, m.subnet): m.value for m in network.of("latency_first")}
    for (device, precision, unit), measured in by_place(network.of("switch")).items():
        rows = [
            {
                "from": m.from_subnet,
                "to": m.subnet,
                "switch": m.value,
                "first_inference": first.get((device, precision, m.from_subnet, m.subnet)),
                "unit": unit,
            }
            for m in measured
        ]
        order = levels(measured)
        yield Figure(
            name=slug(network.name, "switch", device, precision),
            title=f"{device}, {precision}",
            caption=f"In {unit}.",
            rows=rows,
            chart=specification(_chart(rows, order)),
        )


def _chart(rows: Sequence[Row], order: Sequence[str]) -> alt.TopLevelMixin:
    highest = max(row["switch"] for row in rows) or 1
    base = alt.Chart(rows_of(rows), width="container", height=SIDE).encode(
        x=alt.X(field="to", type="nominal", title="to", sort=order, axis=_axis("top")),
        y=alt.Y(field="from", type="nominal", title="from", sort=order, axis=_axis("left")),
        tooltip=tooltips(rows),
    )
    # From zero: a small relative difference shall not look like a large one.
    shade = alt.Scale(domain=[0, highest], scheme=alt.SchemeParams(name="blues", extent=[0, 0.5]))
    cells = base.mark_rect(cornerRadius=2).encode(
        color=alt.Color(field="switch", type="quantitative", scale=shade, legend=None),
    )
    numbers = base.mark_text(fontSize=11, color=ON_SHADE).encode(
        text=alt.Text(field="switch", type="quantitative", format=",.4~r")
    )
    return alt.layer(cells, numbers)


def _axis(side: str) -> alt.Axis:
    return alt.Axis(orient=side, labelAngle=0, domain=False, ticks=False, grid=False)  # pyright: ignore[reportArgumentType]
