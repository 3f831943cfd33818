"""This computer's USB: serial ports as pyserial lists them, RP2040s in BOOTSEL (which have none) as the kernel does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from targets.usb.boards import BOOTSEL, UsbBoard

SYSFS = Path("/sys/bus/usb/devices")
_DEVICE = re.compile(r"\d+-\d+(?:\.\d+)*")  # not the controllers ("usb1") and not the interfaces of devices ("1-2:1.0")


class PortInfo(Protocol):
    """What is used of pyserial's `ListPortInfo`."""

    @property
    def device(self) -> str: ...
    @property
    def vid(self) -> int | None: ...
    @property
    def pid(self) -> int | None: ...
    @property
    def serial_number(self) -> str | None: ...
    @property
    def location(self) -> str | None: ...


def listed_ports() -> Iterable[PortInfo]:
    """The serial ports of this computer."""
    from serial.tools import list_ports  # noqa: PLC0415 - only boards need pyserial

    return list_ports.comports()


class SystemBus:
    """The real `Bus`.

    Args:
        ports: lists serial ports.
        sysfs: where the kernel (of Linux) describes USB devices; elsewhere boards in BOOTSEL are not seen.
    """

    def __init__(self, ports: Callable[[], Iterable[PortInfo]] = listed_ports, sysfs: Path | None = None) -> None:
        self._ports, self._sysfs = ports, sysfs or SYSFS

    def boards(self) -> tuple[UsbBoard, ...]:
        found = [*self._with_port(), *self._in_bootsel()]
        return tuple(sorted(found, key=lambda board: (_hops(board.usb_path), board.port or "")))

    def _with_port(self) -> Iterable[UsbBoard]:
        for port in self._ports():
            if port.vid is not None and port.pid is not None and port.location:
                # A device of several interfaces is listed by the interface of its port: "1-2.4:1.0".
                path = port.location.partition(":")[0]
                yield UsbBoard(port.vid, port.pid, port.serial_number or None, path, port.device)

    def _in_bootsel(self) -> Iterable[UsbBoard]:
        if not self._sysfs.is_dir():
            return
        for folder in self._sysfs.iterdir():
            if _DEVICE.fullmatch(folder.name) and _ids(folder) == BOOTSEL:
                # The serial number that the boot ROM states is the same for every RP2040.
                yield UsbBoard(*BOOTSEL, serial_number=None, usb_path=folder.name, port=None)


def _ids(folder: Path) -> tuple[int, int] | None:
    """Vendor and product of a USB device; None of one that is just being unplugged."""
    try:
        return int((folder / "idVendor").read_text(), 16), int((folder / "idProduct").read_text(), 16)
    except (OSError, ValueError):
        return None


def _hops(usb_path: str) -> tuple[int, ...]:
    """A path as numbers, so that 1-10 comes after 1-2."""
    return tuple(int(number) for number in re.findall(r"\d+", usb_path))
