"""Part of the plugin: what a run leaves for people who were not there: a report in HTML, a summary in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from harness import summary
from harness.gate import RESULT
from harness.judging import JudgedRun, Verdict, sides, tables
from harness.judging.comparison import first_line
from harness.keys import RUN_FILE
from harness.markdown import escaped, fenced
from harness.records import FAILURES, OUTCOMES, last_outcomes
from harness.run_file import RunFile, read
from harness.terminal import UNLIMITED
from harness.wording import counted
from reds.errors import BenchError, MissingError

MOST_ROWS = 200  # of a table in the summary; hosts of pull requests cut longer texts off
WRITTEN = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """What to write once the run is over."""
    group = parser.getgroup("reds-bench")
    group.addoption("--report", type=Path, metavar="FILE.html", help="write the run's report there, beside that of --compare")
    group.addoption("--summary", type=Path, metavar="FILE.md", help="append a summary there, with what differs from --compare")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was asked for; a failure to do so fails the run."""
    config = session.config
    path = config.stash.get(RUN_FILE, None)
    if path is None or not path.exists() or hasattr(config, "workerinput"):
        return
    try:
        config.stash[WRITTEN] = list(_publish(config, read(path)))
    except (BenchError, OSError) as error:
        config.stash[WRITTEN] = [f"error: {error}"]
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _publish(config: pytest.Config, run: RunFile) -> Iterator[str]:
    """Write, and say where."""
    judged = config.stash.get(RESULT, None)
    if config.option.summary is not None:
        with config.option.summary.open("a", encoding="utf-8") as file:
            file.write(markdown(run, judged))
        yield f"summary: {config.option.summary}"
    if config.option.report is not None:
        try:
            from harness.report import collect, write_page  # noqa: PLC0415 - it takes a plotting library
        except ModuleNotFoundError as error:
            do = "pip install 'reds-bench[bench]'"
            raise MissingError(f"the report needs the package {error.name}", do=do) from error
        yield f"report: {write_page(collect(run, judged), config.option.report)}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say where it was written."""
    for line in config.stash.get(WRITTEN, []):
        terminalreporter.write_line(line)


def markdown(run: RunFile, judged: JudgedRun | None) -> str:
    """What ran, what failed, and what changed, or the table of the run where it was compared with nothing."""
    return "\n\n".join((f"## REDS Bench: {escaped(run.run.matrix)}", *_parts(run, judged))) + "\n\n"


def _parts(run: RunFile, judged: JudgedRun | None) -> Iterator[str]:
    ended = last_outcomes(run.outcomes).values()
    counts = Counter(outcome.outcome for outcome in ended)
    tests = ", ".join(f"{counts[name]:,} {name}" for name in OUTCOMES if counts[name])
    yield f"{tests or 'no test ran'}; {counted(len(run.measurements), 'measurement')}; {sides.commit(run.run)}"
    if run.cut_short and judged is None:
        yield run.cut_short
    unhappy = [outcome for outcome in ended if outcome.outcome in FAILURES]
    if unhappy:
        yield _cut([f"* {escaped(outcome.test)}: {escaped(first_line(outcome))}" for outcome in unhappy], "tests did not pass")
    if judged is None:
        yield _table_of(run)
    else:
        yield from _compared(judged)


def _compared(judged: JudgedRun) -> Iterator[str]:
    """The outcome, what was compared with what, and the values that are not the same."""
    yield f"**{judged.headline}** against {escaped(sides.name(judged.before))}: {escaped('; '.join(judged.lines))}"
    yield "\n".join(f"* {escaped(line)}" for line in sides.described(judged.before, judged.run))
    if judged.groups:
        yield _cut([f"* {escaped(group.line)}" for group in judged.groups], "groups of values that got worse")
    new = Counter(c.key.device or "no device" for c in judged.comparisons if c.verdict is Verdict.NEW)
    if new:
        yield "\n".join(f"* new: {counted(count, 'value')} of {escaped(device)}" for device, count in new.items())
    changed = [c for c in tables.most_telling_first(judged.comparisons) if c.verdict not in (Verdict.SAME, Verdict.NEW)]
    if changed:
        yield f"<details><summary>{counted(len(changed), 'value')} that changed, one by one</summary>"
        yield tables.markdown(changed[:MOST_ROWS])
        if len(changed) > MOST_ROWS:
            yield f"{counted(len(changed) - MOST_ROWS, 'further value')} changed."
        yield "</details>"


def _cut(lines: Sequence[str], what: str) -> str:
    """No more lines than a page shows."""
    more = len(lines) - MOST_ROWS
    return "\n".join([*lines[:MOST_ROWS], *([f"* {more:,} further {what}"] if more > 0 else [])])


def _table_of(run: RunFile) -> str:
    """The run's table as text, in a block of its own."""
    rows = summary.rows(run.measurements)
    text = summary.render(rows, width=UNLIMITED, colour=False) if rows else "no row: nothing was measured on a device"
    return fenced(text)
