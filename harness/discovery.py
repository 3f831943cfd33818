"""Boards that are plugged in and the inventory does not know yet: asked who they are, and added to devices.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tomlkit

from harness import device_state
from harness.leases import Leases
from reds.errors import BenchError, BusyError, ConfigError
from reds.files import write_whole
from targets.inventory import FILE, KINDS, Device, Inventory
from targets.serial_board import identify
from targets.target import Identity
from targets.usb import Bus, Mode, UsbBoard

HELLO_TIMEOUT_S = 1.0  # a board that runs our firmware answers within milliseconds
_SERIAL_CHARACTERS = 6  # of a serial number that tell boards apart for people
OTHER_PROGRAM = "other program"


@dataclass(frozen=True)
class Found:
    """A board on USB.

    Attributes:
        board: where and what it is.
        device: what it is in the inventory, or will be; None if it cannot be added, as its kind is not known.
        is_new: whether the inventory did not know it.
        answer: what it said of itself, or why it said nothing.
    """

    board: UsbBoard
    device: Device | None
    is_new: bool
    answer: str


def discover(inventory: Inventory, bus: Bus, leases: Leases) -> tuple[Found, ...]:
    """All boards on USB that this project knows, each asked who it is unless somebody uses it.

    What they say is kept (`harness.device_state`). New boards get an id made of their kind and the end of their serial number, or
    of their place.
    """
    boards = [board for board in bus.boards() if board.is_known]
    taken = set(inventory.devices)
    found = []
    for board in boards:
        known = _known(board, inventory, boards)
        device = known or _new(board, boards, taken)
        if device is None:
            found.append(Found(board, None, False, _ADD_BY_HAND.format(board.usb_path)))
            continue
        taken.add(device.id)
        found.append(Found(board, device, known is None, _answer(device, board, leases)))
    return tuple(found)


_ADD_BY_HAND = 'BOOTSEL, of a Pico or a Nano RP2040 Connect; add it by hand: its kind, and usb_path = "{}"'


def _known(board: UsbBoard, inventory: Inventory, boards: Sequence[UsbBoard]) -> Device | None:
    """The device of the inventory that a board is, by any name; one in BOOTSEL also by where it was seen last."""
    for device in inventory.devices.values():
        if device.serial_number is not None and device.serial_number == board.serial_number:
            return device
        if device.usb_path == board.usb_path or _is_at(device, board):
            return device
    if board.mode is Mode.BOOTSEL:
        elsewhere = {other.serial_number for other in boards}
        for device in inventory.devices.values():
            if device_state.state(device.id).usb_path == board.usb_path and device.serial_number not in elsewhere:
                return device
    return None


def _is_at(device: Device, board: UsbBoard) -> bool:
    if device.port is None or board.port is None or not device.port.startswith("/"):
        return False
    return Path(device.port).resolve() == Path(board.port).resolve()


def _new(board: UsbBoard, boards: Sequence[UsbBoard], taken: set[str]) -> Device | None:
    """A device for a board: by its serial number if that is its own, by its place otherwise; None where the kind is not known."""
    if board.kind is None:
        return None
    own = board.serial_number is not None and sum(other.serial_number == board.serial_number for other in boards) == 1
    end = board.serial_number[-_SERIAL_CHARACTERS:].lower() if own and board.serial_number else f"at-{board.usb_path}"
    device_id = base = re.sub(r"[^A-Za-z0-9._-]", "_", f"{board.kind}-{end}")
    number = 2
    while device_id in taken:
        device_id, number = f"{base}-{number}", number + 1
    kind = KINDS[board.kind]
    return Device(
        id=device_id,
        kind=board.kind,
        environment=kind.environment,
        port=None,
        baud=115200,
        answer_timeout_s=kind.answer_timeout_s,
        serial_number=board.serial_number if own else None,
        usb_path=None if own else board.usb_path,
    )


def _answer(device: Device, board: UsbBoard, leases: Leases) -> str:
    """Ask a board who it is; what to tell of it."""
    if board.mode is not Mode.PROGRAM:
        return board.mode
    try:
        with leases.hold(device):
            identity = identify(device, HELLO_TIMEOUT_S)
    except BusyError as error:
        return f"busy: {error.seen}"
    except BenchError as error:
        return f"{error.what}: {error.seen}" if error.seen else error.what
    if identity is None:
        return OTHER_PROGRAM
    device_state.seen(device.id, identity, board.usb_path)
    return _said(device, identity)


def _said(device: Device, identity: Identity) -> str:
    firmware = f"firmware {identity.firmware_sha256[:12]}"
    if identity.board != device.environment:
        return f"{firmware} of another board: {identity.board}, not {device.environment}"
    return firmware


def add(found: Iterable[Found], path: Path | None) -> tuple[str, ...]:
    """Add new boards to an inventory file and leave all that stands there as it is; the ids that were added.

    Args:
        found: what was discovered.
        path: the file, None for the default; made if there is none.

    Raises:
        ConfigError: the file is not TOML, or new tables have no place in it.
    """
    new = [one.device for one in found if one.is_new and one.device is not None]
    if not new:
        return ()
    file = (path or Path(FILE)).resolve()  # a link stays one
    try:
        before = file.read_bytes().decode()
    except FileNotFoundError:
        before = ""
    write_whole(file, merged(before, new, str(file)).encode())
    return tuple(device.id for device in new)


def merged(before: str, new: Sequence[Device], where: str) -> str:
    """The text of an inventory with tables for new boards at its end; everything before keeps its bytes.

    Raises:
        ConfigError: its devices stand in a form that takes no further tables.
    """
    tables = tomlkit.table(is_super_table=True)
    for device in new:
        table = tomlkit.table()
        table.add("kind", device.kind)
        key = "serial_number" if device.serial_number is not None else "usb_path"
        table.add(key, getattr(device, key))
        tables.append(device.id, table)
    addition = tomlkit.document()
    addition.append("devices", tables)
    end = "\r\n" if "\r\n" in before else "\n"
    gap = "" if not before else end if before.endswith("\n") else 2 * end
    text = before + gap + tomlkit.dumps(addition).replace("\n", end)
    try:
        kept = tomllib.loads(before).get("devices", {}) == {
            name: table for name, table in tomllib.loads(text)["devices"].items() if name not in {device.id for device in new}
        }
    except tomllib.TOMLDecodeError as error:
        ids = ", ".join(device.id for device in new)
        raise ConfigError(
            f"{where} takes no further tables", seen=str(error), do=f"write its devices as [devices.ID], then {ids} can be added"
        ) from error
    assert kept
    return text
