"""This computer as a device: the firmware as a process, which ends when its standard input does."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from targets.connection import Connection, over_pipes
from targets.firmware import Firmware
from targets.inventory import Device


def attach(_device: Device, firmware: Firmware, log: Path) -> AbstractContextManager[Connection]:
    """Start the process."""
    return over_pipes([str(firmware.elf)], log)
