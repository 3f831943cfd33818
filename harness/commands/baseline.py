"""Make a run the baseline that later runs are judged by; the reason is kept in its file."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from harness.commands.runs import add_results, read_run
from harness.commands.unreadable import LeftOut
from harness.judging import sides
from harness.judging.noise_floor import noise_floors
from harness.lines import to_line
from harness.matrix import SUITES
from harness.records import FAILURES, last_outcomes, noise_key
from harness.run_file import RunFile, read
from harness.sources import is_of_suites, runs
from harness.wording import counted, damage
from reds.errors import ConfigError
from reds.files import write_whole

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
    parser.add_argument(
        "--force",
        action="store_true",
        help="even if tests failed or were chosen one by one, the working tree had changes, or values of the baseline before are "
        "missing",
    )
    parser.add_argument(
        "--noise",
        metavar="FOLDER|URL",
        help="runs of the same program, whose A/A noise floors are kept with the baseline (see: python -m harness noise)",
    )
    parser.add_argument(
        "--baselines", type=Path, default=BASELINES, metavar="DIR", help="where baselines lie (default: results/baselines)"
    )
    add_results(parser)


def run(options: argparse.Namespace) -> int:
    """Write the baseline.

    Raises:
        ConfigError: the name or the reason is none, or the run is not fit to be a baseline.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", options.name):
        raise ConfigError("a baseline's name has letters, digits, dots, hyphens and underscores", seen=repr(options.name))
    if not options.reason.strip():
        raise ConfigError("a baseline needs a reason", do='--reason "what changed, and why that is right"')
    found = read_run(options.name_of_run, options.results)
    if not found.measurements:
        raise ConfigError(f"{sides.name(found)} is no baseline", seen="it holds no measurements", do="name another run")
    if not is_of_suites(found.run):
        do = "name a run of pytest suites; tables that are rebuilt are compared with the published ones"
        raise ConfigError(f"{sides.name(found)} is no baseline", seen="a table that harness paper rebuilt", do=do)
    path = options.baselines / f"{options.name}.jsonl"
    before = read(path) if path.exists() else None
    loss = None if before is None else losses(before, found)
    faults = unfitness(found)
    if loss:
        faults.append(Fault(loss, "measure all of it, or choose another --name"))
    if faults and not options.force:
        do = "; ".join(dict.fromkeys(fault.do for fault in faults))
        raise ConfigError(
            f"{sides.name(found)} is no baseline", seen="; ".join(fault.seen for fault in faults), do=f"{do}; or use --force"
        )
    previous = None if before is None else predecessor(before, found)
    noise = _noise(found, options.noise) if options.noise else None
    promote(found, path, options.reason.strip(), previous, noise)
    if noise:
        print(f"with {counted(len(noise), 'noise floor')}: " + ", ".join(f"{key} {floor:.1%}" for key, floor in noise.items()))
    elif before is not None and before.run.noise:
        print("the noise floors of the baseline before are not in it: --noise FOLDER measures them")
    if loss:
        print(f"dropped: {loss}")
    written = read(path)
    where, part = sides.name(written), sides.part(written)
    if part:
        print(f"{where} is {part}")
    print(f"{where}: run {found.run.id}, {counted(len(found.measurements), 'measurement')}; before: {previous or 'none'}")
    return 0


@dataclass(frozen=True)
class Fault:
    """Something that speaks against expecting the values of a run from now on, and what to do about it."""

    seen: str
    do: str


def losses(before: RunFile, run: RunFile) -> str | None:
    """What later runs would no longer be judged by: how many values of a baseline the run lacks, and whose."""
    known = {m.key for m in run.measurements}
    expected = list(dict.fromkeys(m.key for m in before.measurements))
    lost = [key for key in expected if key not in known]
    if not lost:
        return None
    devices = Counter(key.device or "no device" for key in lost)
    architectures = Counter(key.architecture for key in lost)
    where = "; ".join(
        ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) for counts in (devices, architectures)
    )
    return f"{len(lost):,} of the {counted(len(expected), 'value')} of the baseline before are not in it ({where})"


def predecessor(before: RunFile, run: RunFile) -> str | None:
    """Id of the run that a baseline takes the place of; of one that is promoted again still the one before it."""
    return before.run.baseline_previous if before.run.id == run.run.id else before.run.id


def unfitness(run: RunFile) -> list[Fault]:
    """What speaks against expecting the values of a run from now on."""
    failed = [outcome.test for outcome in last_outcomes(run.outcomes).values() if outcome.outcome in FAILURES]
    faults = [Fault(f"{counted(len(failed), 'test')} failed, first {failed[0]}", "repair that and run again")] if failed else []
    if chosen := sides.chosen_tests(run.run):
        faults.append(Fault(f"it is a part of its matrix: {chosen}", "run all of the suites"))
    if run.cut_short:
        faults.append(Fault(run.cut_short, "run again"))
    if run.run.git_dirty:
        seen = "the working tree had changes, so no commit says what was measured"
        faults.append(Fault(seen, "commit the changes and run again"))
    if run.damaged_lines:
        faults.append(Fault(damage(run.damaged_lines), "run again"))
    return faults


def _noise(run: RunFile, where: str) -> Mapping[str, float]:
    """The noise floors of what a run measured, from other runs.

    Raises:
        ConfigError: those runs tell of none.
    """
    measured = {noise_key(m.metric, m.device) for m in run.measurements}
    floors = {noise_key(*floor.place): floor.noise for floor in noise_floors(runs(where, unreadable=LeftOut()))}
    found = {key: floor for key, floor in floors.items() if floor is not None and key in measured}
    if not found:
        do = "measure several times without a change, with the same devices: pytest suites --results FOLDER"
        raise ConfigError(f"too few values of the same program in {where} for a noise floor", do=do)
    return found


def promote(run: RunFile, path: Path, reason: str, previous: str | None, noise: Mapping[str, float] | None = None) -> None:
    """Write a run as a baseline, whole or not at all.

    Args:
        run: the run.
        path: of the baseline, replaced if it is there.
        reason: why.
        previous: id of the run that was the baseline before.
        noise: as in `harness.records.Run`.
    """
    date = datetime.now(UTC).isoformat(timespec="seconds")
    header = replace(run.run, baseline_reason=reason, baseline_date=date, baseline_previous=previous, noise=noise)
    write_whole(path, b"".join(map(to_line, (header, *run.devices, *run.measurements, *run.outcomes))))
