"""A board at a serial port: opened, asked who it is, and given the firmware of this checkout if it runs another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reds.errors import DeviceError, MissingError, ProtocolError, TimedOutError
from targets.connection import Connection
from targets.firmware import Firmware
from targets.flashing import Flasher, Limits
from targets.inventory import Device
from targets.port_access import obstacle
from targets.target import Identity
from targets.usb import Mode, SystemBus, UsbBoard, located, on_usb
from targets.wire.conversation import Conversation
from targets.wire.messages import decode_hello
from targets.wire.port import SerialLink, is_network, open_port, scheme

HELLO_TIMEOUT_S = 3.0  # for a board that may run anything
GREETINGS = 2  # a board that was silent once, as in the middle of a restart, is not flashed for that


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
        FlashError: it could not be given the firmware; each step is a kind of its own.
        DeviceError: by its USB ids or by what it answers it is another board than the inventory says; or it runs another
            firmware and is reached over a network.
    """
    link = ready(device, firmware, log)
    with closing(link):
        yield Connection(link, BoardEvidence(link.path))


def ready(device: Device, firmware: Firmware, log: Path, limits: Limits | None = None) -> SerialLink:
    """The link to the board, with the firmware on it. Raises as `attach`."""
    flasher = Flasher(device, SystemBus(), lambda: _opened(device), lambda *of: _identity(device, *of), log, limits or Limits())
    board = _on_usb(device)
    if board is not None and board.mode is not Mode.PROGRAM:  # an upload was broken off, or somebody pressed its button
        return flasher.flash(firmware, board, board.port)
    link, identity = _greeted(device)
    if identity is not None and identity.firmware_sha256 == firmware.sha256:
        return link
    link.close()
    _check_flashable(device, firmware, link.path, identity)
    return flasher.flash(firmware, board, link.path)


def _greeted(device: Device) -> tuple[SerialLink, Identity | None]:
    """A link to the board, and what it said of itself: a silent one is asked again through a port opened anew."""
    for left in reversed(range(GREETINGS)):
        link = _opened(device)
        try:
            identity = _identity(device, link)
        except BaseException:
            link.close()
            raise
        if identity is not None or not left:
            return link, identity
        link.close()
    raise AssertionError("a board is asked at least once")


def _on_usb(device: Device) -> UsbBoard | None:
    """The board on this computer's USB; None if it is not there or reached otherwise, as through a converter."""
    if device.port is not None and scheme(device.port):
        return None
    board = on_usb(device, SystemBus())
    return board if board is not None and board.is_known else None


def _check_flashable(device: Device, firmware: Firmware, path: str, identity: Identity | None) -> None:
    """Raise DeviceError where another firmware must not, or cannot, take the place of what runs there."""
    if identity is not None and identity.board != device.environment:
        raise DeviceError(
            f"the board that is {device.id} in the inventory says that it is another",
            seen=f"board {identity.board} at {path}, not {device.environment}",
            do="correct devices.toml; or, if it is the right board and somebody put another board's firmware on it: "
            f"pio run -e {device.environment} -t upload",
        )
    if device.port is not None and is_network(device.port):
        seen = "no answer to HELLO" if identity is None else f"{identity.board} with firmware {identity.firmware_sha256}"
        do = f"upload {device.environment} where the board is plugged in"
        raise DeviceError(f"the board at {device.port} does not run firmware {firmware.sha256}", seen=seen, do=do)


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
