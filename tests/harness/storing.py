"""Runs of a made-up history, for tests of what reads them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness import run_file
from harness.records import DeviceFacts, Measurement, Outcome, Run
from harness.run_file import RunFile
from tests.harness.examples import a_measurement, a_run, an_outcome, some_device_facts

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def run_of_day(day: int, **changes: object) -> Run:
    """The header of the run of that day; its commit is the number of the day."""
    started = FIRST + timedelta(days=day)
    run = replace(a_run(f"{started:%Y%m%dT%H%M%SZ}-{day:06x}"), started=started.isoformat(), git_sha=f"{day:040x}")
    return replace(run, **changes)


def write_run(folder: Path, run: Run, *records: Measurement | DeviceFacts | Outcome) -> Path:
    """Write a run to the folder."""
    path = folder / f"{run.id}.jsonl"
    run_file.create(path, run)
    if records:
        run_file.append(path, *records)
    return path


def file_of(run: Run, measurements: Iterable[Measurement], devices: Iterable[DeviceFacts] = ()) -> RunFile:
    """A run as if it had been read."""
    return RunFile(run.id, run, tuple(measurements), tuple(devices))


def run_of_values(day: int, *values: float) -> RunFile:
    """A whole run of that day with these latencies, one for each subnetwork."""
    measured = [a_measurement(value=value, subnet=str(number)) for number, value in enumerate(values)]
    return replace(file_of(run_of_day(day), measured, [some_device_facts()]), outcomes=(an_outcome(),))


def git(root: Path, *arguments: str) -> str:
    """Run git as somebody."""
    settings = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(root), *settings, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
