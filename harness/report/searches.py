"""How long the search for subnetworks took, and how far from the best possible its results may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import altair as alt

from harness.report.figure import Figure, Row
from harness.report.networks import Network
from harness.report.published import Shelf
from harness.report.style import Colours, rows_of, specification, toggles, tooltips

HEIGHT = 230


def figures(networks: Sequence[Network], shelves: Sequence[Shelf], colours: Colours) -> Iterator[Figure]:
    """Seconds, and certified gaps to the optimum, of every network that was searched."""
    rows = rows_of_search(networks, shelves)
    if not rows:
        return
    order = list(dict.fromkeys(row["subnet"] for row in rows))
    for y, title, axis, caption in (
        ("seconds", "Search time", "Seconds", "On the computer that made the networks; published times are of another computer and solver."),
        ("gap_percent", "Gap to the best possible", "% of importance", "Certified by the search itself: at most this much is missing."),
    ):
        shown = [row for row in rows if row[y] is not None]
        if shown:
            yield Figure(f"search-{y.replace('_', '-')}", title, caption, shown, specification(_chart(shown, y, axis, order, colours)))


def rows_of_search(networks: Sequence[Network], shelves: Sequence[Shelf]) -> list[Row]:
    """A row for each searched subnetwork, published ones last."""
    rows = []
    for network, shelf in zip(networks, shelves, strict=True):
        gaps = {m.subnet: m.value for m in network.of("search_gap")}
        seconds = {m.subnet: m.value for m in network.of("search_seconds")}
        for subnet in gaps | seconds:
            gap = gaps.get(subnet)
            rows.append({"network": network.name, "subnet": subnet, "seconds": seconds.get(subnet)})
            rows[-1]["gap_percent"] = None if gap is None else 100 * gap
        if gaps or seconds:
            published = shelf.of("search_seconds")
            rows += [
                {"network": f"{network.name}, published", "subnet": p.subnet, "seconds": p.value, "gap_percent": None}
                for p in published
            ]
    return rows


def _chart(rows: Sequence[Row], y: str, axis: str, order: Sequence[str], colours: Colours) -> alt.Chart:
    chart = alt.Chart(rows_of(rows), width="container", height=HEIGHT).mark_bar()
    chart = chart.encode(
        x=alt.X(field="subnet", type="nominal", title="Subnetwork", sort=order, axis=alt.Axis(labelAngle=0, ticks=False)),
        xOffset=alt.XOffset(field="network", type="nominal"),
        y=alt.Y(field=y, type="quantitative", title=axis, axis=alt.Axis(format=",~r", tickCount=5)),
        color=alt.Color(field="network", type="nominal", title=None, scale=colours.scale(rows, "network")),
        tooltip=tooltips(rows),
    )
    return toggles(chart, "network")
