"""The one exception root of the project, with one subclass per kind of failure.

A message says what failed, what was seen, what to do and where the log is; each part is optional but the first.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar


class BenchError(Exception):
    """Root of every error this project raises on purpose.

    Args:
        what: what failed, as a sentence without a full stop.
        seen: what was found instead of what was expected.
        do: what the reader can do about it.
        log: the file that holds the details.
    """

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, seen: str | None = None, do: str | None = None, log: Path | None = None) -> None:
        self.what, self.seen, self.do, self.log = what, seen, do, log
        parts = [what]
        if seen:
            parts.append(f"seen: {seen}")
        if do:
            parts.append(f"do: {do}")
        if log:
            parts.append(f"log: {log}")
        super().__init__("\n  ".join(parts))


class ConfigError(BenchError):
    """A name, key or value that the user wrote is wrong."""

    kind = "config"
    exit_code = 2


class MissingError(BenchError):
    """A tool, file, package or device that is needed is not there."""

    kind = "missing"


class BusyError(BenchError):
    """Somebody else holds the device."""

    kind = "busy"


class FlashError(BenchError):
    """A board has not the firmware that it should have. Each step that can fail is a kind of its own."""

    kind = "flash"


class BuildError(FlashError):
    """The firmware could not be built; no board was touched."""

    kind = "flash-build"


class TouchError(FlashError):
    """The board's port could not be opened at 1200 baud, which asks for the boot loader."""

    kind = "flash-touch"


class BootLoaderError(FlashError):
    """The board's boot loader did not appear."""

    kind = "flash-boot-loader"


class TransferError(FlashError):
    """The program could not be written to the board."""

    kind = "flash-transfer"


class NoReturnError(FlashError):
    """The board did not come back with the new program."""

    kind = "flash-return"


class NoGreetingError(FlashError):
    """The new program does not answer."""

    kind = "flash-hello"


class OtherFirmwareError(FlashError):
    """The board answers with another firmware than the one it was given."""

    kind = "flash-match"


class TransportError(BenchError):
    """The byte stream to the device broke."""

    kind = "transport"


class ResetError(TransportError):
    """The device started anew in mid-conversation and forgot what it was told."""

    kind = "reset"


class ProtocolError(BenchError):
    """Bytes arrived that the protocol or a file format does not allow."""

    kind = "protocol"


class TimedOutError(BenchError):
    """The device did not answer in time."""

    kind = "timeout"


class DeviceError(BenchError):
    """The device answered that it could not do what it was asked."""

    kind = "device"


class NoRoomError(DeviceError):
    """What the device was given does not fit in its memory."""


class HealthError(DeviceError):
    """A device failed the check before its tests: what it measured or computed would be wrong."""

    kind = "health"


class ParityError(BenchError):
    """Two computations that must agree do not."""

    kind = "parity"


class BudgetError(BenchError):
    """A budget cannot be met."""

    kind = "budget"


def unknown_name(what: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error for a name that is not among `known`; it names the nearest valid ones."""
    valid = sorted(known)
    near = difflib.get_close_matches(name, valid, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return ConfigError(f"unknown {what} {name!r}", do=f"{hint}valid: {', '.join(valid) or '(none)'}")
