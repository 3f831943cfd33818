"""Make a run the baseline that later runs are judged by; the reason is kept in its file."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from harness.commands.runs import add_results, read_run
from harness.lines import to_line
from harness.matrix import SUITES
from harness.records import FAILURES, last_outcomes
from harness.run_file import RunFile, read
from harness.wording import counted
from reds.errors import ConfigError, DeviceError

BASELINES = SUITES.parent / "results" / "baselines"
NAME = "baseline"
SUMMARY = "make a run the baseline"
EXAMPLES = """examples:
  python -m harness baseline latest --name digits --reason "first release"
  python -m harness baseline 20260801T120000Z --name digits --reason "gcc 13; latencies fell by 4 %"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("name_of_run", metavar="RUN", help='a file, the id of a run or its beginning, or "latest"')
    parser.add_argument("--name", required=True, help="of the baseline: letters, digits, dots, hyphens and underscores")
    parser.add_argument("--reason", required=True, help="why these values are the ones to expect from now on")
    parser.add_argument("--force", action="store_true", help="even if tests failed or the working tree had changes")
    parser.add_argument(
        "--baselines", type=Path, default=BASELINES, metavar="DIR", help="where baselines lie (default: results/baselines)"
    )
    add_results(parser)


def run(options: argparse.Namespace) -> int:
    """Write the baseline.

    Raises:
        ConfigError: the name or the reason is none.
        DeviceError: the run is not fit to be a baseline.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", options.name):
        raise ConfigError("a baseline's name has letters, digits, dots, hyphens and underscores", seen=repr(options.name))
    if not options.reason.strip():
        raise ConfigError("a baseline needs a reason", do='--reason "what changed, and why that is right"')
    found = read_run(options.name_of_run, options.results)
    faults = unfitness(found)
    if faults and not options.force:
        raise DeviceError(
            f"{found.source} is no baseline", seen="; ".join(faults), do="repair that and run again, or use --force"
        )
    path = options.baselines / f"{options.name}.jsonl"
    previous = read(path).run.id if path.exists() else None
    promote(found, path, options.reason.strip(), previous)
    print(f"{path}: run {found.run.id}, {counted(len(found.measurements), 'measurement')}; before: {previous or 'none'}")
    return 0


def unfitness(run: RunFile) -> list[str]:
    """What speaks against expecting the values of a run from now on."""
    failed = [outcome.test for outcome in last_outcomes(run.outcomes).values() if outcome.outcome in FAILURES]
    faults = [f"{counted(len(failed), 'test')} failed, first {failed[0]}"] if failed else []
    if run.run.git_dirty:
        faults.append("the working tree had changes, so no commit says what was measured")
    if run.damaged_lines:
        faults.append(f"damaged lines: {', '.join(map(str, run.damaged_lines))}")
    if not run.measurements:
        faults.append("it holds no measurements")
    return faults


def promote(run: RunFile, path: Path, reason: str, previous: str | None) -> None:
    """Write a run as a baseline, whole or not at all.

    Args:
        run: the run.
        path: of the baseline, replaced if it is there.
        reason: why.
        previous: id of the run that was the baseline before.
    """
    date = datetime.now(UTC).isoformat(timespec="seconds")
    header = replace(run.run, baseline_reason=reason, baseline_date=date, baseline_previous=previous)
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = path.with_name(f".{path.name}.tmp")
    staging.write_bytes(b"".join(map(to_line, (header, *run.devices, *run.measurements, *run.outcomes))))
    staging.replace(path)
