"""The Pico's RP2040 in rp2040js, a Cortex-M0+ with a cycle model; needs Node.js."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path

from targets.connection import Connection, over_pipes
from targets.firmware import Firmware
from targets.inventory import Device

PROGRAM = "node"
FOLDER = Path(__file__).with_name("rp2040js")
LEAST_NODE = 18  # package.json's `engines`


def installed(folder: Path = FOLDER) -> bool:
    """Whether node_modules holds the very packages that package-lock.json names."""
    try:
        # npm keeps in the second file what it has installed.
        wanted, found = (_packages(folder / name) for name in ("package-lock.json", "node_modules/.package-lock.json"))
    except FileNotFoundError:
        return False
    return wanted == found


def _packages(lock_file: Path) -> dict[str, tuple[str, str]]:
    """Version and hash of each package of a lock file, but for the project itself."""
    packages = json.loads(lock_file.read_text())["packages"]
    return {place: (entry["version"], entry["integrity"]) for place, entry in packages.items() if place}


def command(firmware: Firmware) -> list[str]:
    """How to run a firmware in rp2040js with its link on standard input and output."""
    return [PROGRAM, str(FOLDER / "run.mjs"), str(firmware.bin)]


def attach(_device: Device, firmware: Firmware, log: Path) -> AbstractContextManager[Connection]:
    """Start the firmware in rp2040js."""
    return over_pipes(command(firmware), log)
