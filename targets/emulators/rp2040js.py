"""The Pico's RP2040 in rp2040js, a Cortex-M0+ with a cycle model; needs Node.js."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from targets.connection import Connection, over_pipes
from targets.firmware import Firmware
from targets.inventory import Device

PROGRAM = "node"
FOLDER = Path(__file__).with_name("rp2040js")
PACKAGE = FOLDER / "node_modules" / "rp2040js"


def attach(_device: Device, firmware: Firmware, log: Path) -> AbstractContextManager[Connection]:
    """Start the firmware in rp2040js."""
    return over_pipes([PROGRAM, str(FOLDER / "run.mjs"), str(firmware.bin)], log)
