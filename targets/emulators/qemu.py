"""The Nano 33 BLE's core in QEMU: machine mps2-an386, a Cortex-M4F whose clock counts instructions."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from targets.connection import Connection, over_pipes
from targets.firmware import Firmware
from targets.inventory import Device

PROGRAM = "qemu-system-arm"
_MACHINE = ["-machine", "mps2-an386", "-nodefaults", "-nic", "none", "-display", "none", "-monitor", "none", "-serial", "none"]
# The firmware reads and writes QEMU's standard input and output, and ends QEMU when the input ends.
_LINK = ["-semihosting-config", "enable=on,target=native"]
# One instruction takes 2^10 ns of the machine's time, whatever the host does: the timers count instructions (hal_mps2.c).
_CLOCK = ["-icount", "shift=10,sleep=off"]


def command(firmware: Firmware) -> list[str]:
    """How to run a firmware in QEMU with its link on standard input and output."""
    return [PROGRAM, *_MACHINE, *_LINK, *_CLOCK, "-kernel", str(firmware.elf)]


def attach(_device: Device, firmware: Firmware, log: Path) -> AbstractContextManager[Connection]:
    """Start the firmware in QEMU."""
    return over_pipes(command(firmware), log)
