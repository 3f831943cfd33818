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


def _is(device: Device, board: UsbBoard) -> bool:
    if device.serial_number is not None:
        return board.serial_number == device.serial_number
    if device.usb_path is not None:
        return board.usb_path == device.usb_path
    local = device.port is not None and not scheme(device.port) and board.port is not None
    return local and Path(device.port or "").resolve() == Path(board.port or "").resolve()


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
