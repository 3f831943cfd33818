"""Part of the plugin: `pytest suites --compare BASELINE` judges the run by an earlier one and fails on a regression."""

from __future__ import annotations

import sys
from collections.abc import Generator

import pytest

from harness.commands.runs import RUNS, read_run
from harness.judging import Comparison, JudgedRun, judge_run, sides, tables
from harness.keys import PLAN, RUN_FILE
from harness.run_file import RunFile, read
from reds.errors import BenchError

BASELINE = pytest.StashKey[RunFile]()
RESULT = pytest.StashKey[JudgedRun]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The gate's option."""
    parser.getgroup("reds-bench").addoption(
        "--compare",
        metavar="NAME|PATH",
        help="judge the run by this one and fail on a regression: a baseline, a file, a run, or a git revision with a baseline",
    )


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Read the baseline before anything is measured; one that cannot be read is a usage error."""
    name = session.config.option.compare
    if name is None or hasattr(session.config, "workerinput"):  # with xdist, the controller alone judges
        return
    try:
        session.config.stash[BASELINE] = read_run(name, session.config.option.results or RUNS)
    except BenchError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge what was measured; a regression fails a run whose tests passed."""
    config = session.config
    baseline, path = config.stash.get(BASELINE, None), config.stash.get(RUN_FILE, None)
    if baseline is None or path is None:
        return
    if not path.exists():
        if session.exitstatus == pytest.ExitCode.OK and not config.option.collectonly:
            print("--compare: no test that measures was run, so nothing was judged", file=sys.stderr)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return
    judged = judge_run(baseline, read(path), config.stash[PLAN].matrix.thresholds)
    config.stash[RESULT] = judged
    if not judged.passed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> Generator[None, object, object]:
    """Say what regressed, or that nothing did, below everything else."""
    result = yield
    judged = config.stash.get(RESULT, None)
    if judged is not None:
        _show(terminalreporter, judged)
    return result


def _show(terminalreporter: pytest.TerminalReporter, judged: JudgedRun) -> None:
    terminalreporter.section(f"compared with {judged.before.source}")
    terminalreporter.write_line(sides.identity(judged.before.run))
    if not judged.comparable:
        do = "give a baseline of the same matrix and devices"
        terminalreporter.write_line(f"the run and {judged.before.source} have no value in common; {do}", red=True)
        return
    for fact in sides.facts_that_differ(judged.before, judged.run):
        terminalreporter.write_line(f"differs: {fact}")
    for comparison in judged.regressions:
        terminalreporter.write_line(describe(comparison), red=True)
    for line in (*judged.failure_lines, *judged.lines):
        terminalreporter.write_line(line)
    terminalreporter.write_line(judged.headline, bold=True, red=not judged.passed, green=judged.passed)


def describe(comparison: Comparison) -> str:
    """A regression in a line: what, from what to what, why, and the test that measured it."""
    row = tables.row(comparison)
    parts = [f"{row.verdict}: {row.value} {row.a} -> {row.b} {row.unit}", row.change, row.noise and f"noise {row.noise}", row.why]
    return f"{', '.join(part for part in parts if part)}\n    {comparison.test}"
