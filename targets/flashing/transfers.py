"""Ways of writing a program to a board whose boot loader waits for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reds.errors import TransferError
from targets.firmware import Firmware
from targets.firmware.builder import upload
from targets.flashing.steps import Limits, waited_for
from targets.flashing.uf2 import segments, uf2
from targets.flashing.volume import volume_at

FILE = "REDS.UF2"


@dataclass(frozen=True)
class Place:
    """Where a board is.

    Attributes:
        port: its serial port, None in BOOTSEL.
        usb_path: None if it is not on this computer's USB, or this cannot be told.
    """

    port: str | None
    usb_path: str | None

    def __str__(self) -> str:
        return self.port or f"USB {self.usb_path}"


Transfer = Callable[[Firmware, Place, Path, Limits], None]
"""Writes a firmware to the board at a place, with a log. Raises TransferError or another FlashError."""


def by_platformio(firmware: Firmware, place: Place, log: Path, limits: Limits) -> None:
    """Let PlatformIO do it, with the tool that it has for the board (bossac, picotool)."""
    upload(firmware, place.port, log, limit_s=limits.transfer_s)


def by_volume(firmware: Firmware, place: Place, _log: Path, limits: Limits) -> None:
    """Copy the program as UF2 to the volume of an RP2040 in BOOTSEL, which restarts when it has the last block."""
    path = place.usb_path
    volume = None if path is None else waited_for(lambda: volume_at(path), limits.volume_s)
    if volume is None:
        do = "mount the volume RPI-RP2 (udisksctl mount -b /dev/disk/by-label/RPI-RP2), or let the desktop do so"
        raise TransferError("the volume of the RP2040 is not mounted", seen=f"board at {place}", do=do)
    program = uf2(segments(firmware.elf))
    try:
        with (volume / FILE).open("wb") as file:
            file.write(program)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # The board restarts, and takes its volume away, when it has everything: the end of the copy may fail for that.
        if volume_at(path or "") is not None:
            do = "press BOOTSEL and plug the board in again"
            raise TransferError(f"{volume / FILE} cannot be written", seen=error.strerror, do=do) from error
