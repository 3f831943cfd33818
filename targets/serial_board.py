"""A board at a serial port: opened, asked who it is, and given the firmware of this checkout if it runs another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reds.errors import BenchError, DeviceError, MissingError, ProtocolError, TimedOutError
from targets.connection import Connection
from targets.firmware import Firmware
from targets.firmware.builder import upload
from targets.inventory import Device
from targets.target import Identity
from targets.wire.conversation import Conversation
from targets.wire.messages import decode_hello
from targets.wire.port import SerialLink, is_network, open_port

LONGEST_FAREWELL_S = 3.0  # from the end of an upload until the port of the old program is gone
LONGEST_RESTART_S = 20.0  # from then until the board's port can be opened again
HELLO_TIMEOUT_S = 3.0  # for a board that may run anything
POLL_S = 0.2


@dataclass(frozen=True)
class BoardEvidence:
    """What is known of a board when its link fails: where it was."""

    port: str
    log: Path | None = None

    def seen(self) -> str:
        return f"the board was at {self.port}"


@contextmanager
def attach(device: Device, firmware: Firmware, log: Path) -> Iterator[Connection]:
    """Open the board's port; upload the firmware first if the board runs another and is plugged in here.

    Raises:
        MissingError: the port cannot be opened.
        FlashError: the upload failed.
        DeviceError: the board runs another firmware and is reached over a network.
    """
    assert device.port is not None
    link = _ready(device, firmware, log)
    with closing(link):
        yield Connection(link, BoardEvidence(device.port))


def _ready(device: Device, firmware: Firmware, log: Path) -> SerialLink:
    """The link to the board, with the firmware on it."""
    assert device.port is not None
    link = _opened(device)
    try:
        identity = _identity(device, link)
    except BaseException:
        link.close()
        raise
    if identity is not None and identity.firmware_sha256 == firmware.sha256:
        return link
    link.close()
    if is_network(device.port):
        seen = "no answer to HELLO" if identity is None else f"{identity.board} with firmware {identity.firmware_sha256}"
        do = f"upload {device.environment} where the board is plugged in"
        raise DeviceError(f"the board at {device.port} does not run firmware {firmware.sha256}", seen=seen, do=do)
    upload(firmware, link.path, log)
    return _back(device, Path(link.path))


def _opened(device: Device) -> SerialLink:
    assert device.port is not None
    return open_port(device.port, device.baud, device.answer_timeout_s)


def _identity(device: Device, link: SerialLink) -> Identity | None:
    """What the board says of itself; None if it does not speak our protocol."""
    assert device.port is not None
    timeout_s = min(HELLO_TIMEOUT_S, device.answer_timeout_s)
    try:
        return decode_hello(Conversation(device.id, link, timeout_s, BoardEvidence(device.port)).greet()).identity
    except (TimedOutError, ProtocolError, DeviceError):
        return None  # another program, or an older firmware: the upload replaces it


def _back(device: Device, port: Path, farewell_s: float = LONGEST_FAREWELL_S, restart_s: float = LONGEST_RESTART_S) -> SerialLink:
    """The link to a board that an upload has restarted.

    The port of the program before may be there for a moment yet, and must not be taken for that of the new one. A port that
    stays (of a converter, not of the board itself) is used after that moment.
    """
    deadline = time.monotonic() + farewell_s
    while port.exists() and time.monotonic() < deadline:
        time.sleep(POLL_S)
    deadline = time.monotonic() + restart_s
    while True:
        try:
            return _opened(device)
        except MissingError as error:
            if time.monotonic() > deadline:
                raise _gone(device, restart_s, error) from error
        time.sleep(POLL_S)


def _gone(device: Device, waited_s: float, last: BenchError) -> MissingError:
    return MissingError(
        f"the port {device.port} did not come back after the upload",
        seen=f"{waited_s:g} s of waiting; {last.seen}",
        do="press the board's reset button; name the port by /dev/serial/by-id, which does not change",
    )
