"""Part of the plugin: `pytest suites --compare BASELINE` judges the run by an earlier one and fails on a regression."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any, Literal

import pytest
from _pytest.junitxml import xml_key

from harness.commands.runs import RUNS, read_run
from harness.judging import JudgedRun, judge_run, sides
from harness.keys import PLAN, RUN_FILE
from harness.run_file import RunFile, read
from harness.wording import one_line
from reds.errors import BenchError

BASELINE = pytest.StashKey[RunFile]()
RESULT = pytest.StashKey[JudgedRun]()
# Options of pytest with which no test runs, by the names that it keeps them under.
RUNS_NOTHING = {
    "collectonly": "--collect-only",
    "showfixtures": "--fixtures",
    "show_fixtures_per_test": "--fixtures-per-test",
    "setuponly": "--setup-only",
    "setupplan": "--setup-plan",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The gate's option."""
    group = parser.getgroup("reds-bench")
    group.addoption(
        "--compare",
        metavar="NAME|PATH",
        help="judge the run by this one and fail on a regression: a baseline, a file, a run, or a git revision with a baseline",
    )
    group.addoption(
        "--compare-all",
        action="store_true",
        help="fail also on what the run was not asked for (-k, --deselect, --device, another matrix) or had no device for",
    )


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Read the baseline before anything is measured; one that cannot be read is a usage error."""
    name = session.config.option.compare
    if name is None and session.config.option.compare_all:
        raise pytest.UsageError("--compare-all says how to compare: give --compare NAME too")
    if name is not None:
        _check_tests_run(session.config)
    if name is None or hasattr(session.config, "workerinput"):  # with xdist, the controller alone judges
        return
    try:
        session.config.stash[BASELINE] = read_run(name, session.config.option.results or RUNS)
    except BenchError as error:
        raise pytest.UsageError(str(error)) from error


def _check_tests_run(config: pytest.Config) -> None:
    """Raise UsageError where an option, perhaps from addopts, keeps tests from running: there would be nothing to judge."""
    idle = [option for name, option in RUNS_NOTHING.items() if getattr(config.option, name, False)]
    if idle:
        raise pytest.UsageError(f"--compare judges what tests measure, and {', '.join(idle)} runs none: leave one of them out")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Judge what was measured before anything is reported, and say the outcome in the very last line."""
    _judge(session)
    result = yield
    judged = session.config.stash.get(RESULT, None)
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if judged is not None and reporter is not None:
        reporter.write_line(verdict(judged), bold=True, red=not judged.passed, green=judged.passed)
    return result


def _judge(session: pytest.Session) -> None:
    """A regression fails a run whose tests passed."""
    config = session.config
    baseline, path = config.stash.get(BASELINE, None), config.stash.get(RUN_FILE, None)
    if baseline is None or path is None:
        return
    if not path.exists():
        if session.exitstatus == pytest.ExitCode.OK:
            print("--compare: no test that measures was run, so nothing was judged", file=sys.stderr)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return
    judged = judge_run(baseline, read(path), config.stash[PLAN].matrix.thresholds)
    if config.option.compare_all:
        judged = judged.with_all
    config.stash[RESULT] = judged
    if not judged.passed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    _add_to_junit(config, judged)


def verdict(judged: JudgedRun) -> str:
    """The outcome in a line."""
    return f"gate: {'passed' if judged.passed else 'FAILED'}, {judged.headline} against {one_line(sides.name(judged.before))}"


def _add_to_junit(config: pytest.Config, judged: JudgedRun) -> None:
    """A test case of its own in the JUnit XML, so that what shows tests shows the gate as well."""
    xml = config.stash.get(xml_key, None)
    if xml is None:
        return
    text = "" if judged.passed else "\n".join([verdict(judged), *judged.regression_lines, *judged.failure_lines])
    outcomes: tuple[tuple[Literal["call", "teardown"], bool], ...] = (("call", judged.passed), ("teardown", True))
    for when, passed in outcomes:
        outcome: Literal["passed", "failed"] = "passed" if passed else "failed"
        xml.pytest_runtest_logreport(
            pytest.TestReport(
                nodeid=f"harness/gate.py::compared[{sides.name(judged.before)}]",
                location=("harness/gate.py", None, "compared"),
                keywords={},
                outcome=outcome,
                longrepr=None if passed else text,
                when=when,
            )
        )


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> Generator[None, object, object]:
    """Say what regressed, or that nothing did, below everything else."""
    result = yield
    judged = config.stash.get(RESULT, None)
    if judged is not None:
        _show(terminalreporter, judged)
    return result


def _show(terminalreporter: pytest.TerminalReporter, judged: JudgedRun) -> None:
    name = sides.name(judged.before)
    terminalreporter.section(f"compared with {name}")
    terminalreporter.write_line(sides.identity(judged.before.run))
    if judged.before.run.baseline_reason and (part := sides.part(judged.before)):
        terminalreporter.write_line(f"{name} is {one_line(part)}")
    if not judged.comparable:
        do = "give a baseline of the same matrix and devices"
        terminalreporter.write_line(f"the run and {name} have no value in common; {do}", red=True)
        terminalreporter.write_line(f"A is {name}, B this run; {one_line(judged.nothing_in_common)}")
        return
    for fact in sides.facts_that_differ(judged.before, judged.run):
        terminalreporter.write_line(f"differs: {fact}")
    for line in judged.regression_lines:
        terminalreporter.write_line(line, red=True)
    if len(judged.groups) < len(judged.regressions):
        terminalreporter.write_line("one by one: python -m harness compare BASELINE latest")
    for line in (*judged.failure_lines, *judged.lines):
        terminalreporter.write_line(line)
