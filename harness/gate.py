"""Part of the plugin: `pytest suites --compare BASELINE` judges the run against an earlier one and fails on a regression."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from harness.commands.runs import RUNS, read_run
from harness.judging import Comparison, Tally, Verdict, compare, tables, tally
from harness.keys import PLAN, RUN_FILE
from harness.run_file import RunFile, read
from reds.errors import BenchError


@dataclass(frozen=True)
class GateResult:
    """What the gate found.

    Attributes:
        comparisons: the values that this run measured, or should have measured in the tests that ran.
        left_out: values of the baseline whose tests did not run (another selection, an absent device).
    """

    comparisons: tuple[Comparison, ...]
    left_out: int

    @property
    def counts(self) -> Tally:
        """The comparisons by verdict."""
        return tally(self.comparisons)

    @property
    def regressions(self) -> list[Comparison]:
        """What fails the run: values that got worse, and values that a test no longer gives."""
        wanted = (Verdict.WORSE, Verdict.MISSING, Verdict.FAILED)
        return [c for c in tables.most_telling_first(self.comparisons) if c.verdict in wanted]

    @property
    def passed(self) -> bool:
        """Whether there is something to judge and no regression."""
        return self.counts.common > 0 and not self.regressions


BASELINE = pytest.StashKey[RunFile]()
RESULT = pytest.StashKey[GateResult]()


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
    outcome = judge(baseline, read(path), config)
    config.stash[RESULT] = outcome
    if not outcome.passed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def judge(baseline: RunFile, run: RunFile, config: pytest.Config) -> GateResult:
    """Compare a run with the baseline; what it was not asked to measure, or could not for lack of a device, is not missing."""
    comparisons = compare(baseline, run, config.stash[PLAN].matrix.thresholds)
    ran = {outcome.test for outcome in run.outcomes if outcome.outcome != "skipped"}
    judged = tuple(c for c in comparisons if c.verdict is not Verdict.MISSING or c.test in ran)
    return GateResult(judged, len(comparisons) - len(judged))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what regressed, or that nothing did."""
    outcome = config.stash.get(RESULT, None)
    if outcome is None:
        return
    baseline = config.stash[BASELINE]
    terminalreporter.section(f"compared with {baseline.source}")
    if not outcome.counts.common:
        do = "give a baseline of the same matrix and devices"
        terminalreporter.write_line(f"the run and {baseline.source} have no value in common; {do}", red=True)
        return
    for comparison in outcome.regressions:
        terminalreporter.write_line(describe(comparison), red=True)
    if outcome.left_out:
        terminalreporter.write_line(f"{outcome.left_out} values of the baseline were not asked for or not available in this run")
    for line in outcome.counts.lines:
        terminalreporter.write_line(line)
    verdict = f"{len(outcome.regressions)} regressions" if outcome.regressions else "no regression"
    terminalreporter.write_line(verdict, bold=True, red=not outcome.passed, green=outcome.passed)


def describe(comparison: Comparison) -> str:
    """A regression in a line: what, from what to what, why, and the test that measured it."""
    value, a, b, unit, change, noise, verdict, why = tables.cells(comparison)
    parts = [f"{verdict}: {value} {a} -> {b} {unit}", change, noise and f"noise {noise}", why]
    return f"{', '.join(part for part in parts if part)}\n    {comparison.test}"
