"""What a run leaves for people who were not there: the summary in Markdown, and the options that ask for it."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from harness.judging import Thresholds, judge_run
from harness.publishing import markdown
from harness.records import Measurement, Outcome
from harness.run_file import RunFile
from tests.harness.examples import a_measurement, a_run, an_outcome
from tests.harness.running import Done

PASSED, FAILED = an_outcome(), an_outcome(outcome="failed", reason="it is `5`\nand not 4", test="suites/test_own.py::test_own")


def a_file(*measurements: Measurement, outcomes: tuple[Outcome, ...] = (PASSED,)) -> RunFile:
    return RunFile("somewhere", a_run(), measurements, outcomes=outcomes)


def compared(before: RunFile, after: RunFile) -> str:
    return markdown(after, judge_run(before, after, Thresholds()))


def test_a_run_alone_is_summed_up_by_its_table() -> None:
    text = markdown(a_file(a_measurement(value=23456), outcomes=(PASSED, FAILED)), None)

    assert text.startswith("## REDS Bench: digits\n\n1 passed, 1 failed; 1 measurement; commit 000000000000\n\n")
    assert r"* suites/test\_own.py::test\_own: failed: it is \`5\`" in text
    assert "23,456 instr" in text.partition("```")[2]


def test_a_run_that_was_cut_short_says_so() -> None:
    run = replace(a_file(a_measurement()), run=replace(a_run(), tests=9))

    assert "cut short: 8 of 9 tests did not run" in markdown(run, None)
    assert "**no regression, cut short: 8 of 9 tests did not run** against" in compared(a_file(a_measurement()), run)


def test_a_comparison_shows_what_changed_and_nothing_else() -> None:
    kept = a_measurement(subnet="50", value=500)
    same = compared(a_file(a_measurement(), kept), a_file(a_measurement(), kept))
    slower = compared(a_file(a_measurement(), kept), a_file(a_measurement(value=1100, image="x" * 64), kept))

    assert "**no regression** against somewhere: 2 same; 2 deterministic values compared, 0 differ" in same
    assert "|" not in same
    assert "**1 regression** against somewhere" in slower
    (row,) = (line for line in slower.splitlines() if line.startswith("| latency"))
    assert "| 1,000 | 1,100 | instr | +10.00 % |" in row


def test_of_a_test_that_ran_again_the_last_time_counts() -> None:
    text = markdown(a_file(a_measurement(), outcomes=(FAILED, replace(FAILED, outcome="passed", reason=None))), None)

    assert "1 passed; 1 measurement" in text
    assert "failed" not in text


def test_nothing_in_a_record_becomes_markup() -> None:
    hostile = "</td> <img src=x> | `a` **b** [c](d)\n# e\n```\nf"
    before = replace(a_file(a_measurement(architecture=hostile)), source=hostile)
    run = replace(a_run(), matrix=hostile, versions={"numpy": hostile})
    after = a_file(a_measurement(architecture=hostile, value=2000), outcomes=(an_outcome(outcome="error", reason=hostile),))
    after = replace(after, run=run, source=hostile)

    judged = markdown(after, judge_run(before, after, Thresholds()))
    alone = markdown(after, None)

    for text in (judged, alone):
        html = MarkdownIt("commonmark").enable("table").render(text)
        assert not re.findall(r"<(?:img|a |h1|em)|</td> <img", html)
        assert html.count("<h2>") == 1
        assert "&lt;img src=x&gt;" in html
    assert alone.count("````") == 2  # a fence that the text cannot end


def test_a_run_that_measured_nothing_is_summed_up() -> None:
    assert "no test ran; 0 measurements" in markdown(a_file(outcomes=()), None)
    assert "**nothing in common** against somewhere" in compared(a_file(a_measurement()), a_file())


def test_a_table_that_no_page_would_show_is_cut() -> None:
    before = a_file(*(a_measurement(subnet=str(n)) for n in range(300)))
    after = a_file(*(a_measurement(subnet=str(n), value=2000, image="x" * 64) for n in range(300)))

    text = compared(before, after)

    assert sum(line.startswith("| latency") for line in text.splitlines()) == 200
    assert "100 further values changed." in text
    assert "<details><summary>300 values that changed, one by one</summary>" in text
    assert [line for line in text.splitlines() if line.startswith("* worse")] == [
        r"* worse: latency: nano33ble-emu, 1 network, 300 subnetworks (300 values): +1,000 instr each (+100.00 %)"
    ]


def test_new_values_are_counted_by_device_and_are_no_changes() -> None:
    new = [a_measurement(subnet=str(n)) for n in range(300)]

    text = compared(a_file(a_measurement()), a_file(a_measurement(), *new))

    assert "* new: 299 values of nano33ble-emu" in text.replace("\\", "")
    assert "|" not in text
    assert "further" not in text


@pytest.mark.slow
@pytest.mark.toolchain
@pytest.mark.skipif(shutil.which("gcc") is None, reason="the host's device process is built with gcc")
class TestOptions:
    def test_a_summary_is_appended(self, measure: Callable[..., Done], tmp_path: Path) -> None:
        summary = tmp_path / "summary.md"
        summary.write_text("before\n")

        done = measure("-k", "test_parity and int8", "--summary", str(summary), "-n", "2")

        assert done.process.returncode == 0, done.output
        assert summary.read_text().startswith("before\n## REDS Bench")
        assert summary.read_text().count("2 passed; 2 measurements") == 1
        assert f"summary: {summary}" in done.output

    def test_a_summary_that_cannot_be_written_fails_the_run(self, measure: Callable[..., Done], tmp_path: Path) -> None:
        done = measure("-k", "test_parity and int8", "--summary", str(tmp_path / "nowhere" / "summary.md"))

        assert done.process.returncode == pytest.ExitCode.TESTS_FAILED
        assert "error: [Errno 2] No such file or directory" in done.output
        assert "INTERNALERROR" not in done.output
        assert len(done.run.measurements) == 2
