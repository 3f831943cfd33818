"""What is known of a board from its USB descriptors alone, before anything is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Mode(StrEnum):
    """Which program of a board is at the bus."""

    PROGRAM = "program"
    BOOT_LOADER = "boot loader"
    BOOTSEL = "BOOTSEL"


@dataclass(frozen=True)
class Product:
    """What a vendor and product id say: the kind of the inventory (None: several kinds share the id) and the program."""

    kind: str | None
    mode: Mode


_ARDUINO, _RASPBERRY_PI = 0x2341, 0x2E8A
BOOTSEL = (_RASPBERRY_PI, 0x0003)
"""An RP2040 whose boot ROM waits for a program: a Pico and a Nano RP2040 Connect look the same, without a number of their own."""

# Sources. ArduinoCore-mbed: boards.txt lists the ids that a board may show, a variant's pins_arduino.h (BOARD_PRODUCTID) the one
# of a running sketch, which is what our firmware is: 805a, 005e and 00c0. PlatformIO's boards/*.json name the same. Raspberry
# Pi's list of product ids (raspberrypi/usb-pid) has 0003, 0005 and 000a; MicroPython's board files have 015e.
PRODUCTS: Mapping[tuple[int, int], Product] = {
    (_ARDUINO, 0x805A): Product("nano33ble", Mode.PROGRAM),
    (_ARDUINO, 0x005A): Product("nano33ble", Mode.BOOT_LOADER),
    (_ARDUINO, 0x015A): Product("nano33ble", Mode.PROGRAM),
    (_ARDUINO, 0x025A): Product("nano33ble", Mode.PROGRAM),
    (_ARDUINO, 0x005E): Product("nanorp2040connect", Mode.PROGRAM),
    (_ARDUINO, 0x805E): Product("nanorp2040connect", Mode.PROGRAM),
    (_ARDUINO, 0x015E): Product("nanorp2040connect", Mode.PROGRAM),
    (_ARDUINO, 0x025E): Product("nanorp2040connect", Mode.PROGRAM),
    (_RASPBERRY_PI, 0x00C0): Product("pico", Mode.PROGRAM),  # the Arduino core's
    (_RASPBERRY_PI, 0x000A): Product("pico", Mode.PROGRAM),  # the Pico SDK's
    (_RASPBERRY_PI, 0x0005): Product("pico", Mode.PROGRAM),  # MicroPython
    BOOTSEL: Product(None, Mode.BOOTSEL),
}
_UNKNOWN = Product(None, Mode.PROGRAM)


@dataclass(frozen=True)
class UsbBoard:
    """One device on the bus that may be a board.

    Attributes:
        vendor: USB vendor id.
        product: USB product id.
        serial_number: what its descriptor says; None in BOOTSEL, and of converters that have none.
        usb_path: the hubs' ports on the way to it, "1-2.4": the same as long as nobody moves the cable.
        port: its serial port, "/dev/ttyACM0"; None in BOOTSEL. Numbers change whenever a board comes back.
    """

    vendor: int
    product: int
    serial_number: str | None
    usb_path: str
    port: str | None

    @property
    def kind(self) -> str | None:
        """Kind of the inventory, None if the ids do not tell."""
        return PRODUCTS.get((self.vendor, self.product), _UNKNOWN).kind

    @property
    def mode(self) -> Mode:
        """Which program is at the bus."""
        return PRODUCTS.get((self.vendor, self.product), _UNKNOWN).mode

    @property
    def is_known(self) -> bool:
        """Whether the ids are of a board that this project knows."""
        return (self.vendor, self.product) in PRODUCTS

    @property
    def ids(self) -> str:
        """Vendor and product as people write them: "2341:805a"."""
        return f"{self.vendor:04x}:{self.product:04x}"

    def __str__(self) -> str:
        serial = f"serial number {self.serial_number}" if self.serial_number else "no serial number"
        return f"{self.ids} at USB {self.usb_path}, {serial}, {self.port or self.mode}"


class Bus(Protocol):
    """Where boards are plugged in."""

    def boards(self) -> tuple[UsbBoard, ...]:
        """What is there now: everything with a serial port, and RP2040s in BOOTSEL; ordered by USB path."""
        ...
