"""What a run leaves behind: the records that its file holds (harness/run_file.py), schema version 4."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from reds.errors import ConfigError

SCHEMA_VERSION = 4
BETTER = ("lower", "higher")
OUTCOMES = ("passed", "failed", "skipped", "error")
FAILURES = ("failed", "error")
# Why a test was skipped: its device was not there, its image does not fit on the device, or the test itself says so.
ABSENT, MISFIT, OWN_DOING = CAUSES = ("absent", "misfit", "own doing")
# What a matrix has names for, as fields of records.
AXES = ("architecture", "dataset", "precision", "device", "subnet")
REASON_CHARACTERS = 2000
LARGEST_NOISE = 10.0  # a tenfold time; more would judge nothing any more


@dataclass(frozen=True)
class Run:
    """The circumstances of a run: the first line of its file.

    Attributes:
        id: UTC stamp and a short random part; also the name of the file.
        started: UTC, ISO 8601 with the zone.
        matrix: name or path of the matrix.
        git_sha: commit of the working tree, None outside a repository; `git_dirty` tells whether it had changes.
        host: facts on this computer: system, machine, cpu, cpu_count, python.
        versions: versions of the packages and tools that shape results.
        command: the command line.
        asked: names of the architectures, data sets, precisions, devices and subnetworks that were to be measured.
        whole: test files, folders and tests of which all was to be run, as in the ids of tests ("suites", "." for all); none
            where single tests were chosen, as by -k.
        narrowed: those of `AXES` whose names the command line gave instead of the matrix: "device" with --device.
        tests: how many tests were to run. Fewer outcomes tell that the run was cut short.
        baseline_reason, baseline_date: why and when (UTC, ISO 8601) this run was made a baseline; None unless it was.
        baseline_previous: id of the run that was the baseline until then; None if there was none.
        noise: in a baseline, the A/A noise floors that were measured for it: by `noise_key` the relative shift that one pair of
            runs of the same program in a hundred exceeds.

    `asked`, `whole`, `narrowed` and `tests` are None where no suites were run, and in files of versions before 3 (`narrowed`: 4).
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
    asked: tuple[str, ...] | None = None
    whole: tuple[str, ...] | None = None
    narrowed: tuple[str, ...] | None = None
    tests: int | None = None
    baseline_reason: str | None = None
    baseline_date: str | None = None
    baseline_previous: str | None = None
    noise: Mapping[str, float] | None = None
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if any(not 0 <= floor <= LARGEST_NOISE for floor in (self.noise or {}).values()):
            raise ConfigError(f"run {self.id}: a noise floor is a number from 0 to {LARGEST_NOISE:g}", seen=repr(self.noise)[:80])
        for name, text in (("started", self.started), ("baseline_date", self.baseline_date)):
            if text is not None and not _is_moment(text):
                do = "a time in ISO 8601 with its zone, such as 2026-09-01T12:00:00+00:00"
                raise ConfigError(f"run {self.id}: `{name}` is no time", seen=repr(text)[:80], do=do)

    @property
    def order(self) -> tuple[datetime, str]:
        """Sorts runs by the time when they started."""
        return datetime.fromisoformat(self.started), self.id


def noise_key(metric: str, device: str | None) -> str:
    """How `Run.noise` names a metric on a device."""
    return f"{metric} on {device}"


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


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
        attempts: 1, and one more for each request that was sent again and each connection that was made anew since the value that
            was recorded before on the device; more than 1 is evidence of a flaky device or line.
        clock: kind of the device's clock; None where no clock was read.
        overhead: what reading that clock takes itself; already taken off the samples.
        firmware, image: SHA-256 of what ran on the device and of the `.reds` image.
        bundle: SHA-256 of the trained network (its weights and subnetworks).
        seed: of training, search and the choice of samples.
        sample_count: inputs that the value was taken over; None where it does not depend on inputs.
        sample_indices: which inputs of the test split; None stands for the whole split or none.
        layer: name of the architecture's layer, for what is measured layer by layer.
        correct: for accuracy: "1" for each of these inputs that was classified rightly and "0" for each other one, in the order
            of `sample_indices` or of the whole split.
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
    layer: str | None = None
    correct: str | None = None

    def __post_init__(self) -> None:
        if self.better not in BETTER:
            raise ConfigError(f"{self.metric}: `better` is {' or '.join(BETTER)}", seen=repr(self.better))
        if not self.samples:
            raise ConfigError(f"{self.metric}: a measurement has at least one sample")
        if not all(math.isfinite(number) for number in (self.value, *self.samples)):
            raise ConfigError(f"{self.metric}: a measurement is a finite number", seen=f"{self.value}, samples {self.samples}")
        if self.correct is not None and (len(self.correct) != self.sample_count or set(self.correct) - {"0", "1"}):
            seen = f"{len(self.correct)} characters for {self.sample_count} inputs: {self.correct[:40]!r}"
            raise ConfigError(f"{self.metric}: `correct` holds one 0 or 1 for each input", seen=seen)

    @property
    def key(self) -> Key:
        """What was measured on what: equal in two runs for values that may be compared."""
        place = (self.architecture, self.dataset, self.precision, self.device, self.subnet, self.from_subnet)
        return Key(self.metric, *place, self.sample_count, self.layer)


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
    layer: str | None = None

    def __str__(self) -> str:
        level = f"{self.from_subnet}->{self.subnet}" if self.from_subnet else self.subnet
        parts = (self.architecture, self.dataset, self.precision, self.device, level, self.layer)
        return f"{self.metric}[{'-'.join(part for part in parts if part)}]"


@dataclass(frozen=True)
class DeviceFacts:
    """What a device said of itself when a session first connected to it.

    Attributes:
        id: its name in the inventory.
        device_kind: the inventory's `kind`: "host", "nano33ble-emu", "nano33ble", ...
        board: the board that its firmware was built for, as the firmware says.
        clock: kind of its clock, the unit of its times.
        clock_hz: units per second of the device's own time, None where the unit is not time.
        compiler, runtime_version: of the firmware.
        firmware: SHA-256 of the firmware.
        pool_bytes: memory for image and activations.
    """

    kind: ClassVar[str] = "device"

    id: str
    device_kind: str
    board: str
    clock: str
    clock_hz: int | None
    compiler: str
    runtime_version: str
    firmware: str
    pool_bytes: int


@dataclass(frozen=True)
class Outcome:
    """How a test ended.

    Attributes:
        test: its id.
        outcome: "passed", "failed" (what it asserts does not hold), "skipped", or "error" (before or after the test itself).
        seconds: of this computer's clock, set-up and tear-down included.
        reason: why it did not pass, at most `REASON_CHARACTERS`; None if it did.
        architecture, dataset, precision, device, subnet: what it measures; None where it does not depend on them.
        cause: of a skipped test, one of `CAUSES`; None for any other, and where an older file does not tell.
    """

    kind: ClassVar[str] = "outcome"

    test: str
    outcome: str
    seconds: float
    reason: str | None
    architecture: str | None
    dataset: str | None
    precision: str | None
    device: str | None
    subnet: str | None
    cause: str | None = None

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ConfigError(f"{self.test}: an outcome is {', '.join(OUTCOMES)}", seen=repr(self.outcome))
        if self.cause is not None and self.cause not in CAUSES:
            raise ConfigError(f"{self.test}: the cause of a skip is {', '.join(CAUSES)}", seen=repr(self.cause))


def last_outcomes(outcomes: Iterable[Outcome]) -> dict[str, Outcome]:
    """How each test ended at last: one that was run again stands for itself by its last time."""
    return {outcome.test: outcome for outcome in outcomes}


Record = Run | Measurement | DeviceFacts | Outcome
KINDS: Mapping[str, type[Record]] = {record.kind: record for record in (Run, Measurement, DeviceFacts, Outcome)}
