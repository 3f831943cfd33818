"""Part of the plugin: how each test ended goes to the run's file, what it measures to pytest's own reports (JUnit XML)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest

from harness import run_file
from harness.combinations import Facts, Subject, SubjectIndex
from harness.keys import PLAN, RUN_FILE, subject_of
from harness.records import OWN_DOING, REASON_CHARACTERS, Outcome
from reds.errors import BenchError, MissingError

NO_FACTS: Facts = dict.fromkeys(("architecture", "dataset", "precision", "device", "subnet"))


@dataclass(frozen=True)
class Phase:
    """Set-up, call or tear-down of a test, once it is over."""

    report: pytest.TestReport
    reason: str | None


PHASES = pytest.StashKey[list[Phase]]()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Name what the test measures in its properties, whatever becomes of it."""
    facts = _facts(subject_of(item))
    item.user_properties.extend((name, value) for name, value in facts.items() if value is not None)


def _facts(subject: Subject | None) -> Facts:
    return NO_FACTS if subject is None else subject.facts


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how a phase ended, and once the test is over write its outcome.

    The project's own errors are shown by their message alone: it says what failed, what was seen and what to do.
    """
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, BenchError) and subject_of(item) is not None:
        report.longrepr = call.excinfo.getrepr(style="value")  # pyright: ignore[reportAttributeAccessIssue]
    phases = [] if call.when == "setup" else item.stash[PHASES]
    item.stash[PHASES] = [*phases, Phase(report, _reason(report, call.excinfo))]
    if call.when == "teardown":
        _write(item, item.stash[PHASES])
    return report


def _reason(report: pytest.TestReport, raised: pytest.ExceptionInfo[BaseException] | None) -> str | None:
    """Why a phase was not passed."""
    if report.passed:
        return None
    if report.skipped:
        expected = getattr(report, "wasxfail", None)
        if expected is not None:
            return f"expected to fail: {expected}"
        message = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        return message.removeprefix("Skipped: ")
    if raised is None:  # a test that was expected to fail, strictly, and passed
        return str(report.longrepr)
    return str(raised.value) if isinstance(raised.value, BenchError) else raised.exconly()


def _write(item: pytest.Item, phases: list[Phase]) -> None:
    subject = subject_of(item)
    name, reason = _outcome(phases)
    seconds = sum(phase.report.duration for phase in phases)
    reason = None if reason is None else reason[:REASON_CHARACTERS]
    cause = _cause(item.config, subject) if name == "skipped" else None
    _append(item.config, Outcome(item.nodeid, name, round(seconds, 6), reason, **_facts(subject), cause=cause))


def _cause(config: pytest.Config, subject: Subject | None) -> str:
    """Why a test was skipped; one of no subject needs no device."""
    return OWN_DOING if subject is None else config.stash[PLAN].skip_cause(subject)


def _append(config: pytest.Config, outcome: Outcome) -> None:
    path = config.stash[RUN_FILE]
    if not path.exists():  # no test of this session measures anything
        return
    try:
        run_file.append(path, outcome)
    except MissingError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.TESTS_FAILED)


def _outcome(phases: list[Phase]) -> tuple[str, str | None]:
    """How the test ended, and why it did not pass."""
    for phase in phases:
        if phase.report.failed:
            return "failed" if phase.report.when == "call" else "error", phase.reason
    for phase in phases:
        if phase.report.skipped:
            return "skipped", phase.reason
    return "passed", None


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport, sched: Any) -> None:
    """With xdist: a test whose worker died has nobody else to say so."""
    config: pytest.Config = sched.config
    facts = _facts(SubjectIndex(config.stash[PLAN].matrix).find(crashitem))
    _append(config, Outcome(crashitem, "error", 0.0, str(report.longrepr)[:REASON_CHARACTERS], **facts))
