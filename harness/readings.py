"""What a history needs of a run, and no more: values by key, without raw samples.

Reading 1,000 runs as full records takes several times as long as picking the lines that are asked for.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from harness.lines import Facts, facts_of, from_facts
from harness.records import SCHEMA_VERSION, DeviceFacts, Key, Measurement, Run
from harness.run_file import RunFile, read
from reds.errors import ConfigError, ProtocolError, unknown_name

KEY_FIELDS = tuple(field.name for field in fields(Key))
NUMBERS = {"sample_count"}  # the other fields of a key are text

# A field that only the facts of a device have: finds their lines.
DEVICE_MARK = b'"device_kind"'

# What differs from run to run in a line. Quotes inside a JSON string are escaped, so this cannot stand inside one; a line that
# was cut off within it does not match.
NUMBERS_OF_LINE = re.compile(rb'"value": (-?(?:0|[1-9][0-9]*))([.][0-9]+)?([eE][-+]?[0-9]+)?, "samples": \[[-+.0-9eE, ]*\], ')

Description = tuple[Key, str, str, bool, str]  # a Reading without its value


class Reading(NamedTuple):
    """One value; a tuple, as there are hundreds of thousands. `bundle` is the SHA-256 of the trained network."""

    key: Key
    value: float
    unit: str
    better: str
    deterministic: bool
    bundle: str


@dataclass(frozen=True)
class RunReadings:
    """A run, the facts of its devices by id, and the values that were asked for."""

    run: Run
    devices: Mapping[str, DeviceFacts]
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Selection:
    """Which values: those whose key has all of these.

    Attributes:
        wanted: field of Key -> its value; empty for all.
    """

    wanted: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))

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
        return all(getattr(key, name) == value for name, value in self.wanted.items())

    def mark(self) -> bytes:
        """Bytes that every line of such a measurement holds, however its JSON is laid out."""
        metric = self.wanted.get("metric")
        plain = isinstance(metric, str) and metric.isascii() and metric.isprintable() and not set(metric) & set('"\\/')
        return f'"{metric}"'.encode() if plain else b'"metric"'


ALL = Selection()


def of_run(run: RunFile, selection: Selection = ALL) -> RunReadings:
    """The values of a run that was read as a whole."""
    chosen = (m for m in run.measurements if selection.matches(m.key))
    readings = tuple(Reading(m.key, m.value, m.unit, m.better, m.deterministic, m.bundle) for m in chosen)
    return RunReadings(run.run, {device.id: device for device in run.devices}, readings)


def of_file(path: Path, selection: Selection) -> RunReadings:
    """The values of a run's file, of which only the lines in question are parsed.

    Raises:
        MissingError, ProtocolError: as `harness.run_file.read`; a fault in a line that is not asked for goes unnoticed.
    """
    content = path.read_bytes()
    header = facts_of(content[: content.find(b"\n")])
    if header is None or header.get("kind") != Run.kind or header.get("schema_version") != SCHEMA_VERSION:
        return of_run(read(path), selection)
    try:
        devices = [from_facts(_facts(line), str(path)) for line in _lines_with(content, DEVICE_MARK)]
        readings = [_reading(line) for line in _lines_with(content, selection.mark())]
    except (KeyError, TypeError, ValueError, ProtocolError):
        return of_run(read(path), selection)  # repairs a torn line, or names the field that is wrong
    run = from_facts(header, f"{path}, line 1")
    assert isinstance(run, Run)
    by_id = {device.id: device for device in devices if isinstance(device, DeviceFacts)}
    chosen = (reading for reading in readings if reading is not None and selection.matches(reading.key))
    return RunReadings(run, by_id, tuple(chosen))


def _lines_with(content: bytes, mark: bytes) -> Iterator[bytes]:
    """The whole lines that hold a mark."""
    position = content.find(mark)
    while position >= 0:
        start = content.rfind(b"\n", 0, position) + 1
        end = content.find(b"\n", position)
        if end < 0:
            return  # the last line is not whole
        yield content[start:end]
        position = content.find(mark, end)


def _facts(line: bytes) -> Facts:
    facts = json.loads(line)
    if not isinstance(facts, dict):
        raise TypeError
    return facts


def _reading(line: bytes) -> Reading | None:
    """The value of a measurement's line, None if it is another record; KeyError, TypeError or ValueError if it is not whole."""
    numbers = NUMBERS_OF_LINE.search(line)
    if numbers is None:  # laid out by somebody else
        facts = _facts(line)
        described, value = _describe(facts), facts.get("value", math.nan)
    else:
        described = _description(line[: numbers.start()] + line[numbers.end() :])
        whole = numbers.lastindex == 1
        value = int(numbers[1]) if whole else float(b"".join(part or b"" for part in numbers.groups()))
    if described is None:
        return None
    if not math.isfinite(value):
        raise ValueError
    key, unit, better, deterministic, bundle = described
    return Reading(key, value, unit, better, deterministic, bundle)


@lru_cache(maxsize=100_000)
def _description(line: bytes) -> Description | None:
    """What a line says besides its numbers; parsed once for all runs that say the same."""
    return _describe(_facts(line))


def _describe(facts: Facts) -> Description | None:
    if facts["kind"] != Measurement.kind:
        return None
    key = key_of(*map(facts.get, KEY_FIELDS))
    return key, facts["unit"], facts["better"], facts["deterministic"], facts["bundle"]


@lru_cache(maxsize=100_000)
def key_of(*parts: Any) -> Key:
    """The key of these fields, in the order of KEY_FIELDS; made once for the many runs that have it."""
    return Key(*parts)
