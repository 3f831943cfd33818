"""Part of the plugin: what a run leaves for people who were not there: a report in HTML, a summary in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import summary
from harness.gate import BASELINE, RESULT, GateResult
from harness.judging import Verdict, tables
from harness.keys import PLAN, RUN_FILE
from harness.records import OUTCOMES, Outcome
from harness.run_file import RunFile, read
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
    against = config.stash.get(BASELINE, None)
    if config.option.summary is not None:
        text = markdown(run, against, config.stash.get(RESULT, None))
        with config.option.summary.open("a", encoding="utf-8") as file:
            file.write(text)
        yield f"summary: {config.option.summary}"
    if config.option.report is not None:
        try:
            from harness.report import collect, write_page  # noqa: PLC0415 - it takes a plotting library
        except ModuleNotFoundError as error:
            do = "pip install 'reds-bench[bench]'"
            raise MissingError(f"the report needs the package {error.name}", do=do) from error
        write_page(collect(run, against, (), config.stash[PLAN].matrix.thresholds), config.option.report)
        yield f"report: {config.option.report}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say where it was written."""
    for line in config.stash.get(WRITTEN, []):
        terminalreporter.write_line(line)


def markdown(run: RunFile, against: RunFile | None, gate: GateResult | None) -> str:
    """What ran, what failed, and what changed, or the table of the run where it was compared with nothing."""
    return "\n\n".join((f"## REDS Bench: {run.run.matrix}", *_parts(run, against, gate))) + "\n\n"


def _parts(run: RunFile, against: RunFile | None, gate: GateResult | None) -> Iterator[str]:
    counts = Counter(outcome.outcome for outcome in run.outcomes)
    counted = ", ".join(f"{counts[name]} {name}" for name in OUTCOMES if counts[name])
    commit = f"commit {run.run.git_sha[:12]}{' with changes' if run.run.git_dirty else ''}" if run.run.git_sha else "no commit"
    yield f"{counted or 'no test ran'}; {len(run.measurements)} measurements; {commit}"
    unhappy = [outcome for outcome in run.outcomes if outcome.outcome in ("failed", "error")]
    if unhappy:
        yield "\n".join(_failure(outcome) for outcome in unhappy[:MOST_ROWS])
    if against is None or gate is None:
        yield _table_of(run)
        return
    changed = [c for c in tables.most_telling_first(gate.comparisons) if c.verdict is not Verdict.SAME]
    verdict = f"{len(gate.regressions)} regressions" if gate.regressions else "no regression"
    yield f"**{verdict if gate.counts.common else 'nothing in common'}** against {against.source}: {'; '.join(gate.counts.lines)}"
    if changed:
        yield tables.markdown(changed[:MOST_ROWS])
    if len(changed) > MOST_ROWS:
        yield f"{len(changed) - MOST_ROWS} further values changed."


def _failure(outcome: Outcome) -> str:
    reason = (outcome.reason or "").partition("\n")[0].replace("`", "'")
    return f"* {outcome.outcome}: `{outcome.test}`: `{reason}`"


def _table_of(run: RunFile) -> str:
    """The run's table as text, in a block of its own."""
    rows = summary.rows(run.measurements)
    text = summary.render(rows, width=summary.PIPE_WIDTH, colour=False) if rows else "no row: nothing was measured on a device"
    return f"```\n{text}\n```"
