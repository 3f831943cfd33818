"""What a run leaves behind: one file of JSON lines, the run first, then each measurement as it is made.

Every line is appended under a lock and with a single write: several processes may share a file, and a crash costs at most the
line under way.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from reds.errors import ConfigError, MissingError, ProtocolError

SCHEMA_VERSION = 1
BETTER = ("lower", "higher")
LEFT_OUT_IF_NONE = frozenset({"git_sha", "precision", "device", "subnet", "macs"})  # the other such fields have defaults


@dataclass(frozen=True)
class Run:
    """The circumstances of a run: the first line of its file.

    Attributes:
        id: UTC stamp and a short random part; also the name of the file.
        started: UTC, ISO 8601.
        matrix: name or path of the matrix.
        git_sha: commit of the working tree, None outside a repository; `git_dirty` tells whether it had changes.
        host: facts on this computer: system, machine, cpu, cpu_count, python.
        versions: versions of the packages and tools that shape results.
        command: the command line.
    """

    kind: ClassVar[str] = "run"

    id: str
    started: str
    matrix: str
    git_sha: str | None
    git_dirty: bool
    host: Mapping[str, str]
    versions: Mapping[str, str]
    command: tuple[str, ...]
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Measurement:
    """One measured value and everything needed to read, repeat or doubt it.

    Attributes:
        metric: "latency", "switch", "accuracy", ...
        unit: unit of value and samples; for times the unit of the device's own clock, never a conversion.
        better: "lower" or "higher".
        value: the headline; the median of the samples where there are several.
        samples: raw samples, in the order they were taken.
        deterministic: whether the same inputs always give the same value.
        architecture, dataset: the network.
        precision, device, subnet: None where the metric does not depend on them.
        from_subnet: what was selected before, for the cost of switching.
        macs: true multiply-adds of one inference of the subnetwork.
        attempts: how often it was tried; more than 1 is evidence of a flaky device.
        clock: kind of the device's clock; None where no clock was read.
        overhead: what reading that clock takes itself; already taken off the samples.
        firmware, image: SHA-256 of what ran on the device and of the `.reds` image.
        bundle: SHA-256 of the trained network (its weights and subnetworks).
        seed: of training, search and the choice of samples.
        sample_count: inputs that the value was taken over; None where it does not depend on inputs.
        sample_indices: which inputs of the test split; None stands for the whole split or none.
        test: the test that measured it.
    """

    kind: ClassVar[str] = "measurement"

    metric: str
    unit: str
    better: str
    value: float
    samples: tuple[float, ...]
    deterministic: bool
    architecture: str
    dataset: str
    precision: str | None
    device: str | None
    subnet: str | None
    macs: int | None
    seed: int
    bundle: str
    test: str
    from_subnet: str | None = None
    attempts: int = 1
    clock: str | None = None
    overhead: float | None = None
    firmware: str | None = None
    image: str | None = None
    sample_count: int | None = None
    sample_indices: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.better not in BETTER:
            raise ConfigError(f"{self.metric}: `better` is {' or '.join(BETTER)}", seen=repr(self.better))
        if not all(math.isfinite(number) for number in (self.value, *self.samples)):
            raise ConfigError(f"{self.metric}: a measurement is a finite number", seen=f"{self.value}, samples {self.samples}")

    @property
    def key(self) -> Key:
        """What was measured on what: equal in two runs for values that may be compared."""
        place = (self.architecture, self.dataset, self.precision, self.device, self.subnet, self.from_subnet)
        return Key(self.metric, *place, self.sample_count)


@dataclass(frozen=True)
class Key:
    """The identity of a measured quantity across runs."""

    metric: str
    architecture: str
    dataset: str
    precision: str | None
    device: str | None
    subnet: str | None
    from_subnet: str | None
    sample_count: int | None

    def __str__(self) -> str:
        place = "-".join(part for part in (self.architecture, self.dataset, self.precision, self.device) if part)
        level = f"{self.from_subnet}->{self.subnet}" if self.from_subnet else self.subnet
        return f"{self.metric}[{place}-{level}]" if level else f"{self.metric}[{place}]"


def to_line(record: Run | Measurement) -> bytes:
    """The record as one line of JSON; what is None is left out."""
    facts = {key: value for key, value in asdict(record).items() if value is not None}
    return json.dumps({"kind": record.kind, **facts}, allow_nan=False).encode() + b"\n"


Record = TypeVar("Record", Run, Measurement)


def _from_facts(kind: type[Record], facts: Mapping[str, Any], where: str) -> Record:
    known = {field.name for field in fields(kind)}
    values: dict[str, Any] = dict.fromkeys(LEFT_OUT_IF_NONE & known)
    values |= {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items() if key in known}
    try:
        return kind(**values)
    except (TypeError, ConfigError) as error:
        raise ProtocolError(f"{where} is not a {kind.kind} record", seen=str(error)) from error


@dataclass(frozen=True)
class RunFile:
    """A run and its measurements, as read from a file.

    Attributes:
        damaged_lines: numbers of lines that are not whole (the writer was killed, the disk was full); they are left out.
    """

    path: Path
    run: Run
    measurements: tuple[Measurement, ...]
    damaged_lines: tuple[int, ...]


def create(path: Path, run: Run) -> None:
    """Start the file of a run.

    Raises:
        FileExistsError: there is one already.
        OSError: the folder cannot be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(to_line(run))


def append(path: Path, measurement: Measurement) -> None:
    """Add one measurement to the file of a run that was created before; it is on disk when this returns.

    Raises:
        MissingError: there is no room left, or the file cannot be written.
    """
    try:
        _append_line(path, to_line(measurement))
    except OSError as error:
        do = "make room or choose another folder with --results; what was recorded before stays readable"
        raise MissingError(f"a measurement could not be stored in {path}", seen=str(error), do=do) from error


def _append_line(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # several processes append; released when the file is closed
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":  # a write that was cut off must not take this one along
            line = b"\n" + line
        written = os.write(descriptor, line)
        if written != len(line):
            raise OSError(f"only {written} of {len(line)} bytes of a record were written to {path}")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> RunFile:
    """Read a run; lines that were cut off are left out and counted.

    Raises:
        MissingError: no such file.
        ProtocolError: not the file of a run, of another schema version, or with whole lines that are not measurements.
    """
    if not path.is_file():
        raise MissingError(f"there is no run file {path}", do="make one: pytest suites")
    content = path.read_bytes()
    *lines, rest = content.split(b"\n")
    if not lines:
        raise ProtocolError(f"{path} is not the file of a run", seen=f"{content[:40]!r}", do="give a .jsonl of results/runs")
    header = _facts(lines[0])
    if header is None or header.get("kind") != Run.kind:
        raise ProtocolError(f"{path} is not the file of a run", seen=f"its first line: {lines[0][:80]!r}")
    if header.get("schema_version") != SCHEMA_VERSION:
        raise ProtocolError(
            f"{path} has schema version {header.get('schema_version')}",
            do=f"this program reads version {SCHEMA_VERSION}; use the version of REDS Bench that wrote the file",
        )
    run = _from_facts(Run, header, f"{path}, line 1")
    measurements, damaged = [], [len(lines) + 1] if rest else []
    for number, line in enumerate(lines[1:], start=2):
        facts = _facts(line)
        if facts is None:
            damaged.append(number)
        elif facts.get("kind") == Measurement.kind:
            measurements.append(_from_facts(Measurement, facts, f"{path}, line {number}"))
        else:
            raise ProtocolError(f"{path}, line {number} is not a measurement", seen=f"kind {facts.get('kind')!r}")
    return RunFile(path, run, tuple(measurements), tuple(sorted(damaged)))


def _facts(line: bytes) -> dict[str, Any] | None:
    """The JSON object of a line, None if the line is not whole."""
    try:
        facts = json.loads(line)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


def find(name: str, folder: Path) -> Path:
    """The file that a user named: a path, the id of a run in `folder` or the beginning of one, or "latest".

    Raises:
        MissingError: no such run.
        ConfigError: the beginning fits several runs.
    """
    if Path(name).is_file():
        return Path(name)
    runs = sorted(folder.glob("*.jsonl"))
    if name == "latest" and runs:
        return runs[-1]
    fitting = [path for path in runs if path.stem.startswith(name)]
    if len(fitting) > 1:
        raise ConfigError(f"{name!r} fits {len(fitting)} runs", seen=", ".join(path.stem for path in fitting[:5]))
    if not fitting:
        raise MissingError(f"there is no run {name!r} in {folder}", do="make one (pytest suites) or give the path of a file")
    return fitting[0]
