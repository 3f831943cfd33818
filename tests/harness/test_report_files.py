"""Figures of a report as files."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from harness.report import collect, write_figures
from harness.report.figure import Figure, slug, unique
from tests.harness.full_run import a_full_run


def test_every_figure_is_written_as_svg_png_and_csv(tmp_path: Path) -> None:
    full = collect(a_full_run())
    some = replace(full, sections=[full.sections[0], full.sections[-1]])

    written = write_figures(some, tmp_path / "figures")

    assert len(written) == 3 * len(some.figures) == len(list((tmp_path / "figures").iterdir()))
    for path in written:
        content = path.read_bytes()
        assert content.startswith({".svg": b"<svg", ".png": b"\x89PNG", ".csv": b""}[path.suffix])
    with (tmp_path / "figures" / "mlp1-digits-switch-host-int8.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["switch"]) for row in rows] == [18.0] * 12


def test_figures_of_the_same_slug_have_names_of_their_own() -> None:
    assert slug("Ж", "Я") == "figure"
    alike = [Figure("a", "", "", (), {})] * 3
    assert unique(alike, {"a-2"}) == ["a", "a-3", "a-4"]
