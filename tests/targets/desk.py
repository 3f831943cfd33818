"""A desk with boards plugged in: pyserial's list of ports and the kernel's folder of USB devices, both made up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from targets.usb import system_bus

NANO, PICO, CONNECT, BOOTSEL, CONVERTER = (0x2341, 0x805A), (0x2E8A, 0x00C0), (0x2341, 0x005E), (0x2E8A, 0x0003), (0x0403, 0x6001)


class Desk:
    """What is plugged in where.

    Args:
        sysfs: an empty folder that stands for /sys/bus/usb/devices.
    """

    def __init__(self, sysfs: Path) -> None:
        self.sysfs = sysfs
        self._ports: dict[str, ListPortInfo] = {}
        for name in ("usb1", "1-0:1.0"):  # a controller and its interface
            self._describe(name, 0x1D6B, 0x0002)

    def plug(self, usb_path: str, ids: tuple[int, int], serial_number: str | None = None, port: str | None = None) -> None:
        """Plug something in, in place of what was there."""
        self.unplug(usb_path)
        self._describe(usb_path, *ids)
        if port is not None:
            info = ListPortInfo(port)
            info.vid, info.pid = ids
            info.serial_number, info.location = serial_number, f"{usb_path}:1.0"
            self._ports[usb_path] = info

    def unplug(self, usb_path: str) -> None:
        """Take away what is plugged in there, if anything."""
        self._ports.pop(usb_path, None)
        shutil.rmtree(self.sysfs / usb_path, ignore_errors=True)

    def ports(self) -> list[ListPortInfo]:
        """As pyserial lists them, with a port that is not on USB."""
        return [ListPortInfo("/dev/ttyS0"), *self._ports.values()]

    def use(self, patch: pytest.MonkeyPatch) -> None:
        """Let this be the USB of this computer."""
        patch.setattr(list_ports, "comports", self.ports)
        patch.setattr(system_bus, "SYSFS", self.sysfs)

    def _describe(self, name: str, vendor: int, product: int) -> None:
        folder = self.sysfs / name
        folder.mkdir(parents=True)
        (folder / "idVendor").write_text(f"{vendor:04x}\n")
        (folder / "idProduct").write_text(f"{product:04x}\n")
