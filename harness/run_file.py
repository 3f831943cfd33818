"""The file of a run: JSON lines, the run first, then each record as it is made.

Lines are appended with a single write: several processes may share a file, and a crash costs at most the line under way.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.lines import Facts, facts_of, from_facts, to_line
from harness.migrations import check_version, migrate
from harness.records import DeviceFacts, Measurement, Outcome, Record, Run, last_outcomes
from harness.wording import counted
from reds.errors import MissingError, ProtocolError
from reds.files import write_whole

# How every line begins. Within a JSON text this cannot stand inside a string, where quotes are escaped.
LINE_START = b'{"kind": "'


@dataclass(frozen=True)
class RunFile:
    """A run and its records, as read from a file or a database.

    Attributes:
        source: path of the file, or URL and run id in a database.
        measurements, devices, outcomes: in the order in which they were written.
        damaged_lines: numbers of lines that are not whole (the writer was killed, the disk was full); what is lost is left out.
    """

    source: str
    run: Run
    measurements: tuple[Measurement, ...]
    devices: tuple[DeviceFacts, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    damaged_lines: tuple[int, ...] = ()

    @property
    def cut_short(self) -> str | None:
        """How many of its tests did not run, in words; None if all did, or where the run does not say how many there were."""
        tests = self.run.tests or 0
        left = tests - len(last_outcomes(self.outcomes))
        return f"cut short: {left:,} of {counted(tests, 'test')} did not run" if left > 0 else None


def create(path: Path, run: Run) -> None:
    """Start the file of a run.

    Raises:
        FileExistsError: there is one already.
        MissingError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    _write(path, to_line(run), os.O_CREAT | os.O_EXCL)


def append(path: Path, *records: Measurement | DeviceFacts | Outcome) -> None:
    """Add records to the file of a run that was created before; they are on disk when this returns.

    Raises:
        FileNotFoundError: there is no such file.
        MissingError: it cannot be written; what it held stays as it was.
    """
    _write(path, b"".join(map(to_line, records)), os.O_APPEND)


def restate(path: Path, run: Run) -> None:
    """Replace what the file of a run says of the run itself, whole or not at all; nobody may be writing to it.

    Raises:
        MissingError: it cannot be written; what it held stays as it was.
    """
    try:
        _, _, records = path.read_bytes().partition(b"\n")
        write_whole(path, to_line(run) + records)
    except OSError as error:
        raise _unwritable(path, error) from error


def _write(path: Path, lines: bytes, flags: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | flags, 0o666)
    except PermissionError as error:
        raise _unwritable(path, error) from error
    try:
        written = os.write(descriptor, lines)
        if written != len(lines):  # what the next write would say: the disk is full
            raise OSError(errno.ENOSPC, f"only {written} of {len(lines)} bytes were written")
        _flush(descriptor)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> MissingError:
    do = "make room, or write elsewhere (--results DIR); what was written before is still there"
    return MissingError(f"a record could not be written to {path}", seen=error.strerror, do=do)


def _flush(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a pipe or a device, which has no disk to wait for
            raise


def read(path: Path) -> RunFile:
    """Read a run; lines that were cut off are left out and counted. Files of older schema versions are migrated.

    Raises:
        MissingError: no such file.
        ProtocolError: not the file of a run, of an unknown schema version, or with whole lines that are not its records; the
            message names line and field.
    """
    if not path.is_file():
        raise MissingError(f"there is no run file {path}", do="make one: pytest suites")
    return parse(path.read_bytes(), str(path))


def parse(content: bytes, source: str) -> RunFile:
    """Read a run from the content of its file; as `read`.

    Args:
        content: the whole file.
        source: names it in messages.
    """
    *lines, rest = content.split(b"\n")
    version = _version(content[: content.find(b"\n") + 1] or content, source)
    records, damaged = [], [len(lines) + 1] if rest else []
    for number, line in enumerate(lines, start=1):
        facts = facts_of(line)
        if facts is None:
            damaged.append(number)
            facts = _after_the_tear(line)
        if facts is not None:
            records.append(from_facts(migrate(facts, version), f"{source}, line {number}"))
    return assemble(source, records, tuple(sorted(damaged)))


def read_header(path: Path) -> Run:
    """The run of a file without its records.

    Raises:
        ProtocolError: as `read`.
    """
    with path.open("rb") as file:
        line = file.readline()
    version = _version(line, str(path))
    run = from_facts(migrate(facts_of(line) or {}, version), f"{path}, line 1")
    assert isinstance(run, Run)
    return run


def _version(first_line: bytes, source: str) -> int:
    """The schema version that the first line of a file states; ProtocolError if that is not of a run, or the version unknown."""
    if not first_line.endswith(b"\n"):
        seen = f"no whole line: {first_line[:40]!r}" if first_line else "an empty file"
        raise ProtocolError(f"{source} is not the file of a run", seen=seen, do="give a .jsonl of results/runs")
    header = facts_of(first_line)
    if header is None or header.get("kind") != Run.kind:
        raise ProtocolError(f"{source} is not the file of a run", seen=f"its first line: {first_line[:80]!r}")
    return check_version(header.get("schema_version"), source)


def _after_the_tear(line: bytes) -> Facts | None:
    """The record that another writer appended to a line that was cut off, None if there is none."""
    start = line.rfind(LINE_START)
    return facts_of(line[start:]) if start > 0 else None


def assemble(source: str, records: Iterable[Record], damaged_lines: tuple[int, ...] = ()) -> RunFile:
    """The records of one run, wherever they come from, sorted by kind.

    Raises:
        ProtocolError: they are not those of exactly one run.
    """
    records = list(records)
    runs = [record for record in records if isinstance(record, Run)]
    if len(runs) != 1:
        raise ProtocolError(f"{source} holds {len(runs)} runs instead of one", do="keep a file for each")
    measurements = tuple(record for record in records if isinstance(record, Measurement))
    devices = tuple(record for record in records if isinstance(record, DeviceFacts))
    outcomes = tuple(record for record in records if isinstance(record, Outcome))
    return RunFile(source, runs[0], measurements, devices, outcomes, damaged_lines)
