"""The page: what it says of a run, and that nothing in a record becomes markup; test_report_browser.py looks at it."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report import collect
from harness.report.collect import Report
from harness.report.inlining import own_script, safe_json, vega_script
from harness.report.page import _table, render
from harness.run_file import RunFile
from tests.harness.examples import a_measurement, a_run, an_outcome
from tests.harness.full_run import a_full_run, outcomes_only, with_latency
from tests.harness.pages import HOSTILE, Page, compared, hostile_run, links, measurements


@pytest.fixture(scope="module")
def full() -> Report:
    """The report of a run that has everything, beside one that was faster."""
    return compared(a_full_run(), with_latency(a_full_run("20251231T000000Z-aaaaaa"), 0.5))


@pytest.fixture(scope="module")
def page(full: Report) -> Page:
    """Its page."""
    return Page(render(full))


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
        (RunFile("x", a_run(), (a_measurement(),), damaged_lines=(7, 9)), "x: lines 7, 9 are damaged and left out"),
        (RunFile("x", replace(a_run(), tests=2), ()), "This run was cut short: 2 of 2 tests did not run."),
    ],
    ids=["empty", "failures only", "no device", "older file", "damaged", "cut short"],
)
def test_a_run_that_lacks_something_has_a_sensible_page(run: RunFile, says: str) -> None:
    page = Page(render(collect(run)))
    assert says in re.sub(r"\s+", " ", page.text)
    assert set(links(page)) <= set(page.ids)


def test_two_runs_without_a_common_value_are_not_judged() -> None:
    other = replace(a_full_run(), measurements=(a_measurement(architecture="other"),))
    assert "nothing can be judged" in Page(render(compared(other, a_full_run()))).text


def test_regressions_are_named_on_the_front_page(page: Page) -> None:
    start = page.text.index("What changed", page.text.index("How to read this"))  # after the navigation
    front = re.sub(r"\s+", " ", page.text[start : page.text.index("Results at a glance", start)])
    assert "24 regressions: worse: latency: nano33ble-emu, 6 networks, 24 subnetworks (24 values): +100.00 %" in front
    assert "+100.00 %" in front
    assert "Hypervolume" in front


def test_the_first_tile_counts_regressions(page: Page) -> None:
    overview = re.sub(r"\s+", " ", page.text)
    assert overview.index("24 regressions") < overview.index("1 passed")


def test_the_baseline_is_named_with_its_reason() -> None:
    before = a_full_run("20251231T000000Z-aaaaaa")
    before = replace(
        before, source="/somewhere/results/baselines/digits.jsonl", run=replace(before.run, baseline_reason="gcc 13")
    )

    text = re.sub(r"\s+", " ", Page(render(compared(a_full_run(), before))).text)

    assert "Since baseline digits, accepted as a baseline: “gcc 13”" in text
    assert "/somewhere" not in text


def test_the_table_begins_with_what_matters_and_says_once_what_is_alike(full: Report) -> None:
    names = [column["name"] for column in _table(full)["columns"]]
    assert names[:6] == ["metric", "architecture", "precision", "device", "subnet", "layer"]
    assert names[6:10] == ["verdict", "change, %", "before", "value"]
    assert _table(full)["same"]["data set"] == "digits"


def test_a_part_of_a_run_is_compared_with_that_part_only() -> None:
    whole = a_full_run("20251231T000000Z-aaaaaa")
    tests = {m.test for m in whole.measurements}
    of_one = tuple(m for m in whole.measurements if m.device == "host" and m.metric in ("latency", "accuracy"))
    part = a_full_run(measurements=of_one, outcomes=tuple(an_outcome(test=m.test) for m in of_one))
    assert len({m.test for m in of_one}) < len(tests)
    elsewhere = replace(whole, measurements=tuple(replace(m, test=f"{m.test}[{m.device}]") for m in whole.measurements))

    html = render(compared(part, replace(elsewhere, measurements=(*elsewhere.measurements, *of_one))))

    text = re.sub(r"\s+", " ", Page(html).text)
    assert {row["verdict"] for row in measurements(html)} == {"same"}
    assert "No regression." in text
    assert "are left out: this run was not asked for them" in text
    assert "is missing" not in text


def test_a_test_that_failed_only_now_is_a_regression() -> None:
    own = an_outcome(test="suites/test_own.py::test_own")
    before = a_full_run("20251231T000000Z-aaaaaa", outcomes=(own,))
    run = a_full_run(outcomes=(an_outcome(), replace(own, outcome="failed", reason="no")))

    text = re.sub(r"\s+", " ", Page(render(compared(run, before))).text)

    assert "1 regression. " in text
    assert "suites/test_own.py::test_own failed and passed before" in text


def test_what_differs_around_the_runs_is_listed() -> None:
    run = a_full_run()
    before = replace(run, run=replace(run.run, versions={"numpy": "1.0"}))

    assert "1 fact around the two runs differs tools: numpy 1.0 -> 2.0" in re.sub(
        r"\s+", " ", Page(render(compared(run, before))).text
    )


def test_of_a_test_that_ran_again_the_last_time_counts() -> None:
    again = an_outcome(outcome="failed", reason="it broke")
    text = re.sub(r"\s+", " ", Page(render(collect(outcomes_only(again, replace(again, outcome="passed", reason=None))))).text)
    assert "1 passed" in text
    assert "it broke" not in text


def test_the_command_can_be_run_again() -> None:
    command = ("pytest", "suites", "-k", "mlp1 and host", "--matrix", "my file.toml")
    run = outcomes_only()
    page = Page(render(collect(replace(run, run=replace(run.run, command=command)))))
    (shown,) = re.findall(r"Command(pytest.*)", page.text)
    assert shlex.split(shown) == list(command)


def test_the_title_says_what_was_run_where() -> None:
    html = render(collect(a_full_run()))
    assert "<title>REDS Bench: digits on host, nano33ble-emu, pico-emu, 2026-01-01 00:00 UTC</title>" in html
    assert "<h1>digits on host, nano33ble-emu, pico-emu</h1>" in html
    assert "<h1>digits</h1>" in render(collect(outcomes_only()))


def test_notes_stand_where_what_they_explain_is(page: Page) -> None:
    assert "Counts of nano33ble-emu: retired instructions" in page.text
    assert "Accuracy on host, nano33ble-emu, pico-emu: 360 test samples." in page.text
    assert "Nano33ble-emu" not in page.text  # a device's id is written as it is
    assert "Switch: " not in page.text  # the table at a glance has no such column


def test_a_page_without_figures_does_without_the_plotting_library() -> None:
    html = render(collect(outcomes_only()))
    assert "vegaEmbed=" not in html
    assert len(html.encode()) < 60_000


def test_reasons_are_shown_and_skips_grouped(page: Page) -> None:
    text = re.sub(r"\s+", " ", page.text)
    assert "assert 3 < 2 seen: 3" in text
    assert "the link was cut" in text
    assert "skipped 3 tests: no board" in text


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


def test_nothing_in_a_record_becomes_markup() -> None:
    html = render(compared(hostile_run(), hostile_run()))
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
    for script in (vega_script(), own_script()):
        assert "</script" not in script.source
        assert "<!--" not in script.source
