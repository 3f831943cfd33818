"""Every figure of a report as SVG, PNG and CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.report.collect import Report
from harness.report.figure import Figure, unique
from harness.report.style import CONFIG, PAPER
from reds.errors import MissingError

WIDTH = 560
PIXELS_PER_UNIT = 2.0


def write_figures(report: Report, folder: Path) -> list[Path]:
    """Write all figures of a report.

    Args:
        report: whose figures.
        folder: made if it is not there; files of the same names are replaced.

    Returns:
        The files, three for each figure.

    Raises:
        MissingError: vl-convert is not installed, or the folder cannot be written.
    """
    try:
        import vl_convert  # noqa: PLC0415
    except ImportError as error:
        raise MissingError("the package vl-convert-python is missing", do='pip install "reds-bench[bench]"') from error
    figures = report.figures
    places = [(section, group) for section in report.sections for group in section.groups for _ in group.figures]
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for figure, name, (section, group) in zip(figures, unique(figures, set()), places, strict=True):
            where = " ".join(part for part in (section.title, section.subtitle, group.title and f"- {group.title}") if part)
            chart = standalone(figure, where)
            svg, png, table = (folder / f"{name}.{suffix}" for suffix in ("svg", "png", "csv"))
            svg.write_text(vl_convert.vegalite_to_svg(chart), encoding="utf-8")
            png.write_bytes(vl_convert.vegalite_to_png(chart, scale=PIXELS_PER_UNIT))
            write_csv(figure, table)
            written += [svg, png, table]
    except OSError as error:
        raise MissingError(f"figures could not be written to {folder}", seen=str(error.strerror)) from error
    return written


def standalone(figure: Figure, where: str) -> dict[str, Any]:
    """The figure's chart on white paper, of fixed width, under its title and what it belongs to."""
    chart: dict[str, Any] = {**figure.chart, "config": {**CONFIG, "background": PAPER["light"]}}
    chart |= {"title": {"text": figure.title, "subtitle": where}, "width": WIDTH, "padding": 12}
    for layer in chart.get("layer", ()):
        layer.pop("width", None)
    return chart


def write_csv(figure: Figure, path: Path) -> None:
    """The figure's data, a column for each name that a row has."""
    columns = list(dict.fromkeys(name for row in figure.rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        rows: list[Mapping[str, Any]] = list(figure.rows)
        writer.writerows(rows)
