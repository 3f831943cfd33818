"""What a report gathers from a run: which figures, of what."""

from __future__ import annotations

from dataclasses import replace

import altair as alt
import pytest

from harness import readings
from harness.report import collect
from harness.report.collect import Report
from harness.report.figure import Figure
from tests.harness.examples import a_measurement
from tests.harness.full_run import a_full_run, with_latency
from tests.harness.pages import compared


@pytest.fixture(scope="module")
def full() -> Report:
    """The report of a run that has everything, beside one that was faster."""
    return compared(a_full_run(), with_latency(a_full_run("20251231T000000Z-aaaaaa"), 0.5))


def figure(report: Report, name: str) -> Figure:
    """The figure of this name."""
    return next(f for f in report.figures if f.name == name)


def test_every_question_has_its_figures(full: Report) -> None:
    kinds = {"parameters", "accuracy", "latency", "switch", "profile", "memory"}
    for architecture in ("mlp1", "mlp3", "mlp11"):
        names = {
            f.name.removeprefix(f"{architecture}-digits-").split("-")[0]
            for f in full.figures
            if f.name.startswith(f"{architecture}-")
        }
        assert names == kinds
    assert [s.title for s in full.sections] == ["mlp1", "mlp3", "mlp11", "Best subnetworks", "Search"]
    assert len({f.name for f in full.figures}) == len(full.figures)


def test_every_chart_is_valid_vega_lite(full: Report) -> None:
    past = [readings.of_run(a_full_run(f"2026010{day}T000000Z-abcdef")) for day in range(1, 4)]
    past += [readings.of_run(with_latency(a_full_run(f"2026010{day}T000000Z-abcdef"), 2)) for day in range(4, 7)]
    history = collect(a_full_run(), past=past).sections[-1]
    assert history.title == "History"
    of_each_kind = [f for f in full.figures if f.name.startswith("mlp3-") or "-digits-" not in f.name]
    for f in (*of_each_kind, *history.groups[0].figures[:6]):
        alt.Chart.from_dict(dict(f.chart))
        assert "config" not in f.chart


def test_no_axis_holds_two_units(full: Report) -> None:
    for f in full.figures:
        assert len({row["unit"] for row in f.rows if "unit" in row}) <= 1, f.name
    assert {row["unit"] for f in full.figures for row in f.rows if "unit" in row} == {
        "instructions",
        "model cycles",
        "nanoseconds",
        "microseconds",
    }


def test_published_points_stand_beside_measured_ones_of_the_same_network(full: Report) -> None:
    rows = figure(full, "mlp11-digits-accuracy").rows
    shown = {(row["series"], row["subnet"]): row for row in rows if row["origin"] == "published"}

    assert shown["published: REDS", "12.5"]["accuracy_percent"] == 81.74
    assert shown["published: REDS", "12.5"]["macs"] == 2520
    assert shown["published: REDS", "12.5"]["macs_are"] == "true"
    assert "poster" in shown["published: REDS", "12.5"]["source"]
    other = collect(
        replace(a_full_run(), measurements=(a_measurement(architecture="other", metric="accuracy", unit="fraction"),))
    )
    assert not [row for f in other.figures for row in f.rows if row.get("origin") == "published"]


def test_layers_that_agree_on_all_devices_share_a_figure(full: Report) -> None:
    names = [f.name for f in full.figures if f.name.startswith("mlp3-digits-memory")]
    assert names == ["mlp3-digits-memory-float32", "mlp3-digits-memory-int8"]
    assert "host, nano33ble-emu, pico-emu" in figure(full, names[0]).title


def test_switch_matrices_hold_every_pair(full: Report) -> None:
    rows = figure(full, "mlp3-digits-switch-pico-emu-int8").rows
    assert len(rows) == 12
    assert {(row["switch"], row["first_inference"], row["unit"]) for row in rows} == {(18, 1000, "model cycles")}


def test_slices_and_masks_are_lines_of_their_own() -> None:
    run = a_full_run()
    as_published = [
        replace(m, architecture="ds_cnn_s", dataset="speech_commands") for m in run.measurements if m.architecture == "mlp3"
    ]
    rows = figure(
        collect(replace(run, measurements=tuple(as_published))),
        "ds-cnn-s-speech-commands-latency-float32-microseconds-published-only",
    ).rows
    assert {row["series"] for row in rows} == {
        f"published: {phone}, {variant}" for phone in ("Pixel 6", "Redmi Note 9 Pro") for variant in ("slices", "masks")
    }
