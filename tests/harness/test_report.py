"""What a report gathers, writes and inlines; tests/harness/test_report_browser.py looks at the page."""

from __future__ import annotations

import csv
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import altair as alt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import readings, run_file
from harness.__main__ import main
from harness.report import collect, published, write_figures, write_report
from harness.report.collect import Report
from harness.report.figure import Figure, slug, unique
from harness.report.inlining import safe_json, scripts
from harness.report.page import render
from harness.report.published import Shelf
from harness.report.style import PALETTE, PAPER, Colours
from harness.run_file import RunFile
from tests.harness.examples import a_measurement, a_run, an_outcome, some_device_facts
from tests.harness.full_run import a_full_run, outcomes_only, with_latency

HOSTILE = """</script><script>hacked=1</script><img src=x onerror="hacked=1">'"&{{ 7*7 }}"""


class Page(HTMLParser):
    """The elements and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._hidden += tag in {"script", "style"}
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src"}:
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data


@pytest.fixture(scope="module")
def full() -> Report:
    """The report of a run that has everything, beside one that was faster."""
    return collect(a_full_run(), with_latency(a_full_run("20251231T000000Z-aaaaaa"), 0.5))


@pytest.fixture(scope="module")
def page(full: Report) -> Page:
    """Its page."""
    return Page(render(full))


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


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (outcomes_only(), "no test was run"),
        (outcomes_only(an_outcome(outcome="failed", reason="assert 1 == 2")), "assert 1 == 2"),
        (
            RunFile("x", a_run(), (a_measurement(device=None, precision=None, metric="macs", unit="multiply-adds"),)),
            "without a device",
        ),
        (RunFile("x", a_run(), (a_measurement(),)), "this file does not say how they ended"),
        (RunFile("x", a_run(), (a_measurement(),), damaged_lines=(7, 9)), "2 lines of x are damaged and left out: 7, 9"),
    ],
    ids=["empty", "failures only", "no device", "older file", "damaged"],
)
def test_a_run_that_lacks_something_has_a_sensible_page(run: RunFile, says: str) -> None:
    page = Page(render(collect(run)))
    assert says in re.sub(r"\s+", " ", page.text)
    assert set(links(page)) <= set(page.ids)


def links(page: Page) -> Iterator[str]:
    """Where the page's links within it lead."""
    return (link.removeprefix("#") for link in page.links if link.startswith("#"))


def test_two_runs_without_a_common_value_are_not_judged() -> None:
    other = replace(a_full_run(), measurements=(a_measurement(architecture="other"),))
    assert "nothing can be judged" in Page(render(collect(other, a_full_run()))).text


def test_regressions_are_named_on_the_front_page(page: Page) -> None:
    start = page.text.index("What changed", page.text.index("How to read this"))  # after the navigation
    front = re.sub(r"\s+", " ", page.text[start : page.text.index("Results at a glance", start)])
    assert "24 regressions: latency[mlp1-digits-float32-nano33ble-emu-100]" in front
    assert "+100.00 %" in front
    assert "Hypervolume" in front


def test_reasons_are_shown_and_skips_grouped(page: Page) -> None:
    text = re.sub(r"\s+", " ", page.text)
    assert "assert 3 < 2 seen: 3" in text
    assert "the link was cut" in text
    assert "skipped 3 tests no board" in text


def test_the_page_is_whole_in_itself(page: Page, full: Report) -> None:
    outside = [link for link in page.links if not link.startswith(("#", "data:"))]
    html = render(full)
    assert outside == []
    assert len(page.ids) == len(set(page.ids))
    assert set(links(page)) <= set(page.ids)
    assert html.count("window.vegaEmbed=") == 1
    assert len(html.encode()) <= 3_000_000


def test_emulators_counts_are_called_counts(page: Page) -> None:
    assert "Counts, not times." in page.text
    assert "counted work, not time" in page.text
    assert "Counts, not times." not in Page(render(collect(RunFile("x", a_run(), (a_measurement(unit="nanoseconds"),))))).text


def hostile_run() -> RunFile:
    """A run in which every text that others may choose is an attack."""
    m = a_measurement(
        architecture=HOSTILE, dataset=HOSTILE, device=HOSTILE, precision=HOSTILE, layer=HOSTILE, unit=HOSTILE, test=HOSTILE
    )
    texts = {"architecture": HOSTILE, "dataset": HOSTILE, "device": HOSTILE, "precision": HOSTILE, "unit": HOSTILE}
    more = [a_measurement(**texts, metric=metric, layer=layer) for metric, layer in MEASURES]
    switch = a_measurement(**texts, metric="switch", from_subnet="50")
    outcome = an_outcome(test=HOSTILE, outcome="failed", reason=HOSTILE)
    device = some_device_facts(id=HOSTILE, board=HOSTILE, compiler=HOSTILE, firmware=HOSTILE)
    run = replace(a_run(HOSTILE), matrix=HOSTILE, command=(HOSTILE,), host={HOSTILE: HOSTILE}, versions={HOSTILE: HOSTILE})
    return RunFile(HOSTILE, run, (m, *more, switch, a_measurement(metric=HOSTILE)), (device,), (outcome,))


MEASURES = (
    ("latency", None),
    ("accuracy", None),
    ("parameters", None),
    ("search_seconds", None),
    ("layer_latency", HOSTILE),
    ("layer_activation_bytes", HOSTILE),
)


def test_nothing_in_a_record_becomes_markup() -> None:
    html = render(collect(hostile_run(), hostile_run()))
    page = Page(html)
    assert "img" not in page.tags
    assert page.tags.count("script") == 5
    assert HOSTILE in page.text
    assert "49" not in re.findall(r"'\"&(.*?)\s", page.text)


@given(st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_inlined_json_reads_back_and_holds_no_markup(value: object) -> None:
    text = safe_json(value)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value


def test_scripts_cannot_end_their_element() -> None:
    for script in scripts():
        assert "</script" not in script.source
        assert "<!--" not in script.source


def test_every_figure_is_written_as_svg_png_and_csv(full: Report, tmp_path: Path) -> None:
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


class TestPublished:
    def test_every_value_has_a_source_and_a_place(self) -> None:
        values = published.load()
        assert len(values) > 400
        assert all(v.source and v.network and v.unit and v.value >= 0 for v in values)
        shares = [v for v in values if v.metric in {"accuracy", "macs_share"}]
        assert all(0 < v.value <= 100 and v.unit == "percent" for v in shares)
        keys = [(v.network, v.dataset, v.subnet, v.metric, v.unit, v.device, v.variant, v.source) for v in values]
        assert len(set(keys)) == len(keys)

    def test_true_costs_agree_with_their_shares_and_sizes(self) -> None:
        values = published.load()
        macs = {(v.network, v.subnet): v.value for v in values if v.metric == "macs" and v.dataset == "speech_commands"}
        shares = [v for v in values if v.metric == "macs_share"]
        assert len(shares) == 24
        for v in shares:
            assert 100 * macs[v.network, v.subnet] / macs[v.network, "100"] == pytest.approx(v.value, abs=0.051)

    def test_ten_subnets_stand_at_their_nominal_cost(self) -> None:
        shelf = Shelf(published.load(), "dnn_s", "speech_commands")
        ten = {v.subnet: shelf.cost(v) for v in shelf.of("accuracy") if v.variant == "BU, ten subnets"}
        assert ten["50"] == published.Cost(39600, nominal=True)
        assert ten["100"] == published.Cost(79200, nominal=False)
        four = {v.subnet: shelf.cost(v) for v in shelf.of("accuracy") if v.variant == "BU"}
        assert four["50"] == published.Cost(26730, nominal=False)

    def test_a_broken_file_is_named_with_its_line(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("table,network\nT1,mlp1\n")
        with pytest.raises(Exception, match=r"a\.csv, line 2 is no published value"):
            published.load(tmp_path)


def linear(colour: str) -> np.ndarray:
    """Linear RGB of a colour."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """Contrast of two colours (WCAG 2.2)."""
    dark, light = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) + 0.05 for c in (a, b))
    return light / dark


# G. M. Machado et al., "A physiologically-based model for simulation of color vision deficiency", IEEE TVCG 2009, severity 1.
VISIONS = {
    "normal": np.eye(3),
    "no green cones": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]),
    "no red cones": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
}
# B. Ottosson, "A perceptual color space for image processing" (OKLab), 2020.
CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
LAB = np.array(
    [
        [0.2104542553, 0.793617785, -0.0040720468],
        [1.9779984951, -2.428592205, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.808675766],
    ]
)


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_are_told_apart(vision: str) -> None:
    seen = [LAB @ np.cbrt(np.clip(CONES @ np.clip(VISIONS[vision] @ linear(c), 0, 1), 0, None)) for c in PALETTE]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 0.1


def test_a_chart_gives_no_colour_twice_and_devices_always_the_same() -> None:
    colours = Colours(["host", "pico"])

    def shown(*names: str) -> dict[str, str]:
        scale = colours.scale([{"name": name} for name in names], "name").to_dict()
        return dict(zip(scale["domain"], scale["range"], strict=True))

    first = shown("host", *(f"published {i}" for i in range(6)))
    second = shown("pico", "published 2", *(f"more {i}" for i in range(5)))
    assert len(set(first.values())) == len(set(second.values())) == len(PALETTE)
    assert shown("pico", "host") == {"host": PALETTE[0], "pico": PALETTE[1]}
    assert len(shown(*(f"many {i}" for i in range(20)))) == 20


@pytest.mark.parametrize("paper", PAPER)
def test_colours_stand_out_from_the_paper(paper: str) -> None:
    assert min(contrast(colour, PAPER[paper]) for colour in PALETTE) >= 3


def write_run(path: Path, run: RunFile) -> Path:
    """A run as a file."""
    run_file.create(path, run.run)
    run_file.append(path, *run.measurements, *run.devices, *run.outcomes)
    return path


class TestCommand:
    @pytest.fixture
    def stored(self, tmp_path: Path) -> Path:
        return write_run(tmp_path / "runs" / "20260101T000000Z-abcdef.jsonl", a_full_run())

    def test_the_page_lies_beside_the_run(self, stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["report", str(stored)]) == 0
        assert stored.with_suffix(".html").is_file()
        seen = capsys.readouterr()
        assert "mlp11" in seen.out
        assert f"page: {stored.with_suffix('.html')}" in seen.err

    def test_the_page_of_a_baseline_does_not_lie_among_the_baselines(self, stored: Path, tmp_path: Path) -> None:
        baseline = write_run(tmp_path / "results" / "baselines" / "digits.jsonl", a_full_run())
        assert main(["report", str(baseline), "--results", str(stored.parent)]) == 0
        assert [path.name for path in baseline.parent.iterdir()] == ["digits.jsonl"]
        assert stored.with_suffix(".html").is_file()

    @pytest.mark.parametrize("form", ["--json", "--csv"])
    def test_what_programs_read_comes_alone(self, stored: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["report", str(stored), form]) == 0
        assert not stored.with_suffix(".html").exists()
        assert "page:" not in "".join(capsys.readouterr())
        assert main(["report", str(stored), form, "--html", str(stored.parent / "own.html")]) == 0
        assert (stored.parent / "own.html").is_file()

    def test_against_and_history_and_figures(self, stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        earlier = with_latency(a_full_run("20251231T000000Z-aaaaaa"), 0.5)
        earlier = replace(earlier, measurements=tuple(m for m in earlier.measurements if m.architecture == "mlp1"))
        before = write_run(stored.with_name("20251231T000000Z-aaaaaa.jsonl"), earlier)
        page = tmp_path / "new" / "page.html"

        options = ["--against", str(before), "--history", str(stored.parent), "--html", str(page)]
        assert main(["report", str(stored), *options]) == 0

        text = Page(page.read_text()).text
        assert "20251231T000000Z-aaaaaa" in text
        assert "Latency of mlp1, digits, int8, nano33ble-emu" in text

    def test_a_missing_package_is_named_after_the_table(
        self, stored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in [name for name in sys.modules if name.startswith("harness.report")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "altair", None)
        assert main(["report", str(stored)]) != 0
        seen = capsys.readouterr()
        assert "mlp11" in seen.out
        assert "the page needs the package altair" in seen.err

    def test_a_page_that_cannot_be_written_is_an_error(self, stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["report", str(stored), "--html", str(stored / "page.html")]) != 0
        assert "could not be written" in capsys.readouterr().err


def test_the_command_line_starts_without_the_plotting_library() -> None:
    program = "import sys, harness.__main__; print(sorted({'altair', 'jinja2', 'vl_convert', 'pandas'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_report_is_written_in_one_call(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    report = write_report(a_full_run(), None, (), target)
    assert target.read_text().startswith("<!doctype html>")
    assert report.change is None
