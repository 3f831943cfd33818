"""What a history needs of a run, and no more: values by quantity, without raw samples.

Picking them out of the lines of 1,000 runs takes a tenth of the time of reading the runs as full records.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

from harness.line_pattern import line_pattern
from harness.lines import facts_of, from_facts
from harness.migrations import SAME_LINES_FROM, migrate
from harness.records import SCHEMA_VERSION, DeviceFacts, Key, Measurement, Run
from harness.run_file import LINE_START, RunFile, parse
from reds.errors import ConfigError, ProtocolError, unknown_name

KEY_FIELDS = tuple(field.name for field in fields(Key))
QUANTITY_FIELDS = (*KEY_FIELDS, "unit", "better", "deterministic")
NUMBERS = {"sample_count"}  # the other fields of a key are text

LINE = line_pattern(Measurement, values=("value", "bundle"), together=QUANTITY_FIELDS)
BUFFER_BYTES = 1 << 18  # a fraction of a file of 1,000 records

DEVICE_START = LINE_START + b'device", '
MEASUREMENT_START = LINE_START + b'measurement", "metric": '
LINE_END = b"}\n"
OTHER_STARTS = (MEASUREMENT_START, LINE_START + b'outcome", ')


@dataclass(frozen=True, eq=False)
class Quantity:
    """What was measured on what, and in which unit; `quantity_of` makes one object for all the values that many runs have of it.

    Attributes:
        better: "lower" or "higher".
        deterministic: whether the same inputs always give the same value.
    """

    key: Key
    unit: str
    better: str
    deterministic: bool


# A value, and the SHA-256 of the trained network. A plain tuple, as there are hundreds of thousands.
Reading = tuple[Quantity, float, str]


@dataclass(frozen=True)
class RunReadings:
    """A run, the facts of its devices by id, and the values that were asked for.

    Attributes:
        source, damaged_lines: as in `harness.run_file.RunFile`; there are none in a database.
    """

    run: Run
    devices: Mapping[str, DeviceFacts]
    readings: tuple[Reading, ...]
    source: str = ""
    damaged_lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Selection:
    """Which values: those whose key has all of these.

    Attributes:
        wanted: field of Key -> its value; empty for all.
        metrics: any of these; empty for all.
    """

    wanted: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))
    metrics: tuple[str, ...] = ()

    @classmethod
    def parse(cls, words: list[str]) -> Selection:
        """Read a metric and FIELD=VALUE words.

        Raises:
            ConfigError: no such field, a field twice, or a number that is none.
        """
        wanted: dict[str, str | int] = {}
        for word in words:
            name, sign, value = word.partition("=")
            name, value = (name, value) if sign else ("metric", name)
            if name not in KEY_FIELDS:
                raise unknown_name("field", name, KEY_FIELDS)
            if name in wanted:
                raise ConfigError(f"{name} is given twice", seen=f"{wanted[name]!r} and {value!r}")
            if name in NUMBERS and not value.isdecimal():
                raise ConfigError(f"{name} is a number", seen=repr(value))
            wanted[name] = int(value) if name in NUMBERS else value
        return cls(wanted)

    def matches(self, key: Key) -> bool:
        """Whether this is one of the values asked for."""
        of_metric = not self.metrics or key.metric in self.metrics
        return of_metric and all(getattr(key, name) == value for name, value in self.wanted.items())


ALL = Selection()


@cache
def quantity_of(key: Key, unit: str, better: str, deterministic: bool) -> Quantity:
    """The one object for this quantity."""
    return Quantity(key, unit, better, deterministic)


def of_run(run: RunFile, selection: Selection = ALL) -> RunReadings:
    """The values of a run that was read as a whole."""
    chosen = [(m.key, m) for m in run.measurements if selection.matches(m.key)]
    readings = tuple((quantity_of(key, m.unit, m.better, m.deterministic), m.value, m.bundle) for key, m in chosen)
    return RunReadings(run.run, {device.id: device for device in run.devices}, readings, run.source, run.damaged_lines)


class FileReader:
    """Reads the values of many runs' files, of which only the lines in question are looked at.

    What a line says of its quantity is parsed and checked once, and known by its bytes in the lines and files that follow.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._line_starts = tuple(MEASUREMENT_START + metric for metric in _metrics(selection))
        self._quantities: dict[tuple[bytes, ...], Quantity | None] = {}  # None: not asked for

    def read(self, path: Path) -> RunReadings:
        """The values of a run's file: those that reading it as a whole gives.

        Raises:
            ProtocolError: as `harness.run_file.read`; a fault in what is not asked for goes unnoticed.
        """
        with path.open("rb", buffering=BUFFER_BYTES) as lines:
            header = facts_of(next(lines, b""))
            version = None if header is None or header.get("kind") != Run.kind else header.get("schema_version")
            if header is not None and isinstance(version, int) and SAME_LINES_FROM <= version <= SCHEMA_VERSION:
                run = from_facts(migrate(header, version), f"{path}, line 1")
                assert isinstance(run, Run)
                devices: dict[str, DeviceFacts] = {}
                try:
                    return RunReadings(run, devices, tuple(self._readings(lines, devices)), str(path))
                except (ValueError, ProtocolError):
                    pass  # reading the whole file repairs a torn line, or names the field that is wrong
        return of_run(parse(path.read_bytes(), str(path)), self._selection)

    def _readings(self, lines: Iterable[bytes], devices: dict[str, DeviceFacts]) -> Iterator[Reading]:
        """The values, while `devices` is filled; ValueError or ProtocolError at a line that is not as this program writes it."""
        wanted, quantities = self._line_starts, self._quantities
        for line in lines:
            if line.startswith(wanted):
                found = LINE.fullmatch(line)
                if found is None:
                    raise ValueError
                of_metric, value, of_place, bundle, *others = found.groups()
                said = (of_metric, of_place, *others)
                try:
                    quantity = quantities[said]
                except KeyError:
                    quantity = self._learn(said, line)
                if quantity is not None:
                    yield quantity, int(value) if value.isdigit() else _number(value), _text(bundle)
            elif line.startswith(DEVICE_START):
                device = _device(line)
                devices[device.id] = device
            elif not (line.startswith(OTHER_STARTS) and line.endswith(LINE_END)) or (line.rfind(b"{") and line.rfind(LINE_START)):
                raise ValueError

    def _learn(self, said: tuple[bytes, ...], line: bytes) -> Quantity | None:
        """The quantity of a line, None if it is not asked for."""
        measurement = from_facts(json.loads(line), "")
        assert isinstance(measurement, Measurement)  # as its pattern says
        key = measurement.key
        chosen = self._selection.matches(key)
        quantity = quantity_of(key, measurement.unit, measurement.better, measurement.deterministic) if chosen else None
        self._quantities[said] = quantity
        return quantity


def _metrics(selection: Selection) -> list[bytes]:
    """The metrics as they stand in lines of such measurements; nothing if any will do, or JSON may spell one in several ways."""
    metrics = [selection.wanted["metric"]] if "metric" in selection.wanted else list(selection.metrics)
    return [f'"{metric}", '.encode() for metric in metrics] if metrics and all(map(_is_plain, metrics)) else [b""]


def _is_plain(metric: str | int) -> bool:
    return isinstance(metric, str) and metric.isascii() and metric.isprintable() and not set(metric) & set('"\\/')


def _device(line: bytes) -> DeviceFacts:
    if not line.endswith(b"\n"):
        raise ValueError
    device = from_facts(json.loads(line), "")
    assert isinstance(device, DeviceFacts)
    return device


@lru_cache(maxsize=10_000)
def _text(text: bytes) -> str:
    return json.loads(text)


def _number(text: bytes) -> float:
    value = float(text) if b"." in text else json.loads(text)  # as the pattern says, a number
    if not math.isfinite(value):
        raise ValueError
    return value
