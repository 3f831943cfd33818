"""What a figure is: rows of data, a chart of them, and words around it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
Chart = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """A chart and its data.

    Attributes:
        name: unique in a report: letters, digits and hyphens; also the name of its files.
        title: what it shows, in a few words.
        caption: how to read it, and what to mind.
        rows: its data; every column that the chart shows.
        chart: Vega-Lite specification, with these rows in it and no style of its own (`harness.report.style.CONFIG`).
    """

    name: str
    title: str
    caption: str
    rows: Sequence[Row]
    chart: Chart


@dataclass(frozen=True)
class Group:
    """Figures that answer one question, side by side.

    Attributes:
        title, note: above the figures.
        figures: a group without any is not shown.
        small: whether they are small enough for more than two in a row.
    """

    title: str
    note: str
    figures: Sequence[Figure]
    small: bool = False


def slug(*parts: str | None) -> str:
    """A name for files and links made of these texts."""
    words = "-".join(part for part in parts if part)
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "figure"


def unique(figures: Sequence[Figure], taken: set[str]) -> list[str]:
    """A name for each figure that none before has; names of other alphabets may all become the same slug."""
    names = []
    for figure in figures:
        name, number = figure.name, 2
        while name in taken:
            name, number = f"{figure.name}-{number}", number + 1
        taken.add(name)
        names.append(name)
    return names
