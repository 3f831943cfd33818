"""How charts look: colours that colour-blind readers tell apart on light and dark paper, and legends that toggle series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

import altair as alt

from targets.inventory import KINDS

# Found by a search: each at least 3:1 against white and against the dark page (WCAG 2.2, 1.4.11), and any two well apart with
# normal vision and without red or green cones (the tests have the figures). Shapes and dashes tell series apart as well.
PALETTE = ("#5761b6", "#f26b15", "#15a0ca", "#a84270", "#7e71fa", "#b34905", "#d0667b")
PAPER = {"light": "#ffffff", "dark": "#171b21"}
# Ordered things (levels, layers): from dark to light, both ends visible on both papers.
ORDERED = alt.SchemeParams(name="viridis", extent=[0.22, 0.84])
FADED = 0.07
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
INK, QUIET, LINE = "#1b2026", "#59636e", "#e3e7ec"
NEUTRAL = "#7b8794"  # for marks that stand for no series

CONFIG: Mapping[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "domainColor": LINE,
        "gridColor": LINE,
        "tickColor": LINE,
        "labelColor": QUIET,
        "titleColor": QUIET,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": 500,
        "titlePadding": 8,
        "labelPadding": 5,
        "ticks": False,
        "domain": False,
    },
    "axisX": {"grid": False, "domain": True, "ticks": True, "tickSize": 4},
    "legend": {
        "labelColor": INK,
        "titleColor": QUIET,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": 500,
        "labelLimit": 215,
        "symbolSize": 70,
        "orient": "bottom",
        "direction": "horizontal",
        "titleOrient": "top",
        "layout": {"bottom": {"direction": "vertical", "anchor": "start", "margin": 4}},
        "rowPadding": 3,
        "offset": 12,
        "unselectedOpacity": 0.25,
        "symbolBaseFillColor": NEUTRAL,
        "symbolBaseStrokeColor": NEUTRAL,
    },
    "line": {"strokeWidth": 2},
    "point": {"size": 52, "filled": True, "opacity": 1},
    "title": {"color": INK, "subtitleColor": QUIET, "fontSize": 13, "fontWeight": 600, "anchor": "start", "offset": 14},
}


def colour_of_device(device: str) -> str:
    """The same in every report, whatever else is in it: one each for the devices that every computer has, others by their id."""
    kinds = tuple(KINDS)
    place = kinds.index(device) if device in kinds else crc32(device.encode())
    return PALETTE[1 + place % (len(PALETTE) - 1)]  # the first is that of what no device measures


class Colours:
    """Colours by name: those given at first are the same in every chart, and in one chart no two are alike while they last."""

    def __init__(self, names: Iterable[str], fixed: Mapping[str, str] | None = None) -> None:
        self._colours: dict[str, str] = dict(fixed or {})
        for name in names:
            self._colours.setdefault(name, PALETTE[len(self._colours) % len(PALETTE)])

    def scale(self, rows: Sequence[Mapping[str, Any]], field: str) -> alt.Scale:
        """The scale of a chart that shows these rows: the names in the order in which colours were given out, new ones last."""
        present = dict.fromkeys(row[field] for row in rows)
        known = [name for name in self._colours if name in present]
        order = dict.fromkeys([*known, *present])
        shown: dict[str, str] = {}
        for name in order:
            wanted = self._colours.get(name)
            shown[name] = wanted if wanted and wanted not in shown.values() else self._free(shown)
            self._colours.setdefault(name, shown[name])
        return alt.Scale(domain=list(shown), range=list(shown.values()))

    def _free(self, shown: Mapping[str, str]) -> str:
        """The colour used least: in this chart, then in the report."""
        in_chart, in_report = list(shown.values()), list(self._colours.values())
        return min(PALETTE, key=lambda colour: (in_chart.count(colour), in_report.count(colour)))


def axis(form: str = "~s", **properties: Any) -> alt.Axis:
    """An axis of numbers: a handful of ticks, and a zero without a prefix of its neighbours'."""
    return alt.Axis(format=form, tickCount=5, labelExpr="datum.value == 0 ? '0' : datum.label", **properties)


LEGEND_CHARACTERS = 46  # what the narrowest chart has room for
SYMBOL_CHARACTERS = 4


def legend(names: Iterable[str], **properties: Any) -> alt.Legend:
    """A legend with as many columns as these names leave room for."""
    longest = max(map(len, names), default=1)
    return alt.Legend(columns=max(1, LEGEND_CHARACTERS // (longest + SYMBOL_CHARACTERS)), **properties)


def rows_of(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """The data of a chart."""
    return alt.InlineData(values=list(rows))


def toggles(chart: alt.Chart, *fields: str) -> alt.Chart:
    """The chart with legends that choose what is shown: a click shows a series alone, further clicks add and remove others."""
    chosen = [alt.selection_point(name=f"shown_{field}", fields=[field], bind="legend", toggle="true") for field in fields]
    condition = chosen[0]
    for other in chosen[1:]:
        condition = condition & other  # pyright: ignore[reportAssignmentType]
    opacity = alt.when(condition).then(alt.value(1)).otherwise(alt.value(FADED))
    return chart.encode(opacity=opacity).add_params(*chosen)


def tooltips(rows: Sequence[Mapping[str, Any]]) -> list[alt.Tooltip]:
    """Every column of the data, numbers in full."""
    if not rows:
        return []
    found = {}
    for row in rows:
        for name, value in row.items():
            if value is not None and name not in found:
                found[name] = _tooltip(name, value)
    return list(found.values())


def _tooltip(name: str, value: object) -> alt.Tooltip:
    title = name.replace("_", " ")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return alt.Tooltip(field=name, type="quantitative", title=title, format=",.8~r")
    return alt.Tooltip(field=name, type="nominal", title=title)


def specification(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """The chart as Vega-Lite, without the style that all share."""
    specification = chart.to_dict(validate=False)  # its parts were validated as they were made
    specification.pop("config", None)
    return specification
