"""An open way to a device, as every way of reaching one makes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from targets.process import DeviceProcess
from targets.wire.conversation import Evidence
from targets.wire.link import Link


@dataclass(frozen=True)
class Connection:
    """A link, and what can be known of the device when the link fails."""

    link: Link
    evidence: Evidence


@contextmanager
def over_pipes(command: list[str], log: Path) -> Iterator[Connection]:
    """Start a program that is, or emulates, a device and whose standard input and output are the link.

    Raises:
        MissingError: the program cannot be started.
    """
    with DeviceProcess(command, log) as process, process.link() as link:
        yield Connection(link, process)
