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
from targets.port_access import obstacle
from targets.target import Identity
from targets.usb import SystemBus, located
from targets.wire.conversation import Conversation
from targets.wire.messages import decode_hello
from targets.wire.port import SerialLink, is_network, open_port, scheme

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
    """Find the board and open its port; upload the firmware first if it runs another version and is plugged in here.

    Raises:
        MissingError: the board is not plugged in, or its port cannot be opened.
        FlashError: the upload failed.
        DeviceError: by its USB ids or by what it answers it is another board than the inventory says; or it runs another
            firmware and is reached over a network.
    """
    link = _ready(device, firmware, log)
    with closing(link):
        yield Connection(link, BoardEvidence(link.path))


def _ready(device: Device, firmware: Firmware, log: Path) -> SerialLink:
    """The link to the board, with the firmware on it."""
    link = _opened(device)
    try:
        identity = _identity(device, link)
    except BaseException:
        link.close()
        raise
    if identity is not None and identity.firmware_sha256 == firmware.sha256:
        return link
    link.close()
    if identity is not None and identity.board != device.environment:
        raise DeviceError(
            f"the board that is {device.id} in the inventory says that it is another",
            seen=f"board {identity.board} at {link.path}, not {device.environment}",
            do="correct devices.toml; or, if it is the right board and somebody put another board's firmware on it: "
            f"pio run -e {device.environment} -t upload",
        )
    if device.port is not None and is_network(device.port):
        seen = "no answer to HELLO" if identity is None else f"{identity.board} with firmware {identity.firmware_sha256}"
        do = f"upload {device.environment} where the board is plugged in"
        raise DeviceError(f"the board at {device.port} does not run firmware {firmware.sha256}", seen=seen, do=do)
    upload(firmware, link.path, log)
    return _back(device, Path(link.path))


def _opened(device: Device) -> SerialLink:
    """A link to the board, wherever its port is now."""
    port = located(device, SystemBus()).port
    assert port is not None
    if not scheme(port) and (problem := obstacle(Path(port))) is not None:
        raise MissingError(f"the port {port} cannot be opened", seen=f"{problem.what} is missing", do=problem.remedy)
    return open_port(port, device.baud, device.answer_timeout_s)


def identify(device: Device, timeout_s: float = HELLO_TIMEOUT_S) -> Identity | None:
    """Ask a board who it is, whatever it runs; None if it does not speak our protocol.

    Raises:
        MissingError: it is not plugged in, or its port cannot be opened.
        DeviceError: its USB ids are of another board than the inventory says.
    """
    with closing(_opened(device)) as link:
        return _identity(device, link, timeout_s)


def _identity(device: Device, link: SerialLink, longest_s: float = HELLO_TIMEOUT_S) -> Identity | None:
    """What the board says of itself; None if it does not speak our protocol."""
    timeout_s = min(longest_s, device.answer_timeout_s)
    try:
        return decode_hello(Conversation(device.id, link, timeout_s, BoardEvidence(link.path)).greet()).identity
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
        f"{device.id} ({device.place}) did not come back after the upload",
        seen=f"{waited_s:g} s of waiting; {last.seen}",
        do="press the board's reset button; name the board by its serial number, which does not change",
    )
