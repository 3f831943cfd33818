"""How long the search for subnetworks took, and how far from the best possible its results may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import altair as alt

from harness.published import Shelf
from harness.report.figure import Figure, Row
from harness.report.networks import Network, unique
from harness.report.style import Colours, axis, legend, rows_of, specification, toggles, tooltips

HEIGHT = 230
TIME = "On the computer that made the networks, on a logarithmic axis; published times are of another computer and solver."
GAP = "Certified by the search itself: at most this share of the importance is missing."


def figures(networks: Sequence[Network], shelves: Sequence[Shelf], colours: Colours) -> Iterator[Figure]:
    """Seconds, and certified gaps to the optimum where there are any, of every network that was searched."""
    rows = rows_of_search(networks, shelves)
    timed = [row for row in rows if row["seconds"]]  # the whole network takes no search
    if timed:
        chart = _chart(timed, "seconds", "Seconds", alt.Scale(type="log"), colours)
        yield Figure("search-seconds", "Search time", TIME, timed, specification(chart))
    if any(row["gap_percent"] for row in rows):
        gaps = [row for row in rows if row["gap_percent"] is not None]
        chart = _chart(gaps, "gap_percent", "% of importance", alt.Scale(zero=True), colours)
        yield Figure("search-gap", "Gap to the best possible", GAP, gaps, specification(chart))


def note(networks: Sequence[Network]) -> str:
    """What the gaps say in words."""
    gaps = [m.value for network in networks for m in network.of("search_gap")]
    if not gaps:
        return "How the subnetworks were found."
    if not any(gaps):
        return f"Each of the {len(gaps)} subnetworks is proven the best of its budget: no gap is left."
    return f"{sum(not gap for gap in gaps)} of {len(gaps)} subnetworks are proven the best of their budgets."


def rows_of_search(networks: Sequence[Network], shelves: Sequence[Shelf]) -> list[Row]:
    """A row for each searched subnetwork, those published of the same network after it."""
    rows: list[Row] = []
    for network, shelf in zip(networks, shelves, strict=True):
        gaps = {m.subnet: m.value for m in network.of("search_gap")}
        seconds = {m.subnet: m.value for m in network.of("search_seconds")}
        for subnet in gaps | seconds:
            gap = gaps.get(subnet)
            percent = None if gap is None else 100 * gap
            rows.append({"network": network.name, "subnet": subnet, "seconds": seconds.get(subnet), "gap_percent": percent})
        if gaps or seconds:
            name = f"{network.name}, published"
            published = shelf.of("search_seconds")
            rows += [{"network": name, "subnet": p.subnet, "seconds": p.value, "gap_percent": None} for p in published]
    return rows


def _chart(rows: Sequence[Row], y: str, heading: str, scale: alt.Scale, colours: Colours) -> alt.Chart:
    order, names = (unique(row[field] for row in rows) for field in ("subnet", "network"))
    chart = alt.Chart(rows_of(rows), width="container", height=HEIGHT).mark_line(point=True)
    chart = chart.encode(
        x=alt.X(field="subnet", type="nominal", title="Subnetwork", sort=order, axis=alt.Axis(labelAngle=0, ticks=False)),
        y=alt.Y(field=y, type="quantitative", title=heading, scale=scale, axis=axis("~g")),
        color=alt.Color(field="network", type="nominal", title=None, scale=colours.scale(rows, "network"), legend=legend(names)),
        tooltip=tooltips(rows),
    )
    return toggles(chart, "network")
