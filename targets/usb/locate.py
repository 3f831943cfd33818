"""From a device of the inventory to the board on the bus: by what stays (serial number, USB path), never by the port's number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reds.errors import DeviceError, MissingError
from targets.inventory import Device
from targets.usb.boards import Bus, UsbBoard
from targets.wire.port import scheme


def on_usb(device: Device, bus: Bus) -> UsbBoard | None:
    """The board on the bus that a device of the inventory is; None if it is not there, or not on this computer's USB.

    Raises:
        DeviceError: several boards answer to its serial number, or the board there is of another kind.
    """
    matching = [board for board in bus.boards() if _is(device, board)]
    if len(matching) > 1:
        places = ", ".join(board.usb_path for board in matching)
        raise DeviceError(
            f"several boards have the serial number {device.serial_number} of {device.id}",
            seen=f"boards at USB {places}",
            do=f'name it by where it is plugged in: usb_path = "{matching[0].usb_path}"',
        )
    if not matching:
        return None
    board = matching[0]
    if board.kind not in (None, device.kind):
        raise DeviceError(
            f"{device.id} is a {device.kind} in the inventory, but a {board.kind} is plugged in there",
            seen=str(board),
            do="correct its kind in devices.toml, or name the right board",
        )
    return board


def names(device: Device, bus: Bus) -> tuple[str, ...]:
    """All names of the thing on the desk that a device is: two devices are one thing if they share a name.

    A board on USB goes by its serial number and by its USB path, whichever of them the inventory uses: an RP2040 in BOOTSEL shows
    the latter alone. Numbers of ports are no names there, they change hands.
    """
    own = f"port {_resolved(device.port)}" if device.port is not None else device.place
    if device.port is not None and scheme(device.port):
        return (own,)
    boards = bus.boards()
    found = [board for board in boards if _is(device, board)]
    if len(found) != 1:
        return (own,)
    board = found[0]
    known = {f"USB path {board.usb_path}"} | ({own} if device.port is None else set())
    if board.serial_number is not None and sum(other.serial_number == board.serial_number for other in boards) == 1:
        known.add(f"serial number {board.serial_number}")
    return tuple(sorted(known))


def _resolved(port: str) -> str:
    """A path without detours; a URL as it is."""
    return port if scheme(port) else str(Path(port).resolve())


def _is(device: Device, board: UsbBoard) -> bool:
    if device.serial_number is not None:
        return board.serial_number == device.serial_number
    if device.usb_path is not None:
        return board.usb_path == device.usb_path
    if device.port is None or scheme(device.port) or board.port is None:
        return False
    return _resolved(device.port) == _resolved(board.port)


def located(device: Device, bus: Bus) -> Device:
    """The device with the port where its board is now. A device whose port the inventory names keeps it.

    Raises:
        MissingError: no such board is plugged in, or it has no port because it is in BOOTSEL.
        DeviceError: as `on_usb`.
    """
    if device.port is not None and scheme(device.port):
        return device
    board = on_usb(device, bus)
    if device.serial_number is None and device.usb_path is None:
        return device
    if board is None:
        seen = "; ".join(str(other) for other in bus.boards() if other.is_known) or "no board on USB"
        raise MissingError(f"{device.id} is not plugged in: no board with {device.place}", seen=seen, do="plug it in")
    if board.port is None:
        raise MissingError(
            f"{device.id} has no serial port", seen=str(board), do="it waits for a program: upload one, or press its reset button"
        )
    return replace(device, port=board.port)
