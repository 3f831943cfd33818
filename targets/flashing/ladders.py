"""For each kind of board, how it gets into its boot loader and how a program is written then: the recovery ladder, written once.

Sources: Arduino's pages on the Nano 33 BLE and the Nano RP2040 Connect (double press of the reset button), the RP2040 data sheet,
section 2.8 (BOOTSEL), and the cores' reaction to a port opened at 1200 baud (ArduinoCore-mbed, cores/arduino/USB).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from targets.flashing.transfers import Transfer, by_platformio, by_volume
from targets.usb.boards import Mode


@dataclass(frozen=True)
class Ladder:
    """The ways up, tried in turn.

    Attributes:
        boot_mode: what the boot loader is on the bus.
        transfers: ways of writing a program to it; a later one is tried when an earlier one fails.
        by_hand: how a hand brings the board into its boot loader.
    """

    boot_mode: Mode
    transfers: tuple[Transfer, ...]
    by_hand: str


LADDERS: Mapping[str, Ladder] = {
    "nano33ble": Ladder(
        Mode.BOOT_LOADER, (by_platformio,), "press the board's reset button twice, quickly: the orange light pulses then"
    ),
    "pico": Ladder(Mode.BOOTSEL, (by_volume, by_platformio), "unplug the board, and hold BOOTSEL while plugging it in again"),
    "nanorp2040connect": Ladder(
        Mode.BOOTSEL, (by_volume, by_platformio), "press the board's reset button twice, quickly: a volume RPI-RP2 appears then"
    ),
}
