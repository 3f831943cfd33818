"""Whether a device can be used here and now, without starting or building anything."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from targets.emulators import qemu, rp2040js
from targets.firmware.identity import COMPILER_REMEDIES
from targets.firmware.platformio_environment import INSTALL
from targets.inventory import Device
from targets.serial_board import is_network


@dataclass(frozen=True)
class Availability:
    """Whether a device is available; if not, what it lacks and how to get it (a command where there is one)."""

    available: bool
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Need:
    """One thing that a device cannot do without."""

    what: str
    remedy: str
    is_there: Callable[[], bool]


def check(device: Device) -> Availability:
    """The first thing that the device lacks, if any. Takes milliseconds."""
    for need in (*_NEEDS[device.kind], *_port(device)):
        if not need.is_there():
            return Availability(False, f"{need.what} is missing", need.remedy)
    return Availability(True)


def _program(name: str, remedy: str) -> Need:
    return Need(name, remedy, lambda: shutil.which(name) is not None)


def _compiler(name: str) -> Need:
    return _program(name, COMPILER_REMEDIES[name])


def _package(module: str, name: str) -> Need:
    return Need(f"the Python package {name}", INSTALL, lambda: util.find_spec(module) is not None)


_BUILD = (_package("platformio", "platformio"), _package("SCons", "scons"), _package("elftools", "pyelftools"))
_ARM = _compiler("arm-none-eabi-gcc")
_QEMU = _program(qemu.PROGRAM, "apt-get install qemu-system-arm")
_NODE = _program(rp2040js.PROGRAM, "apt-get install nodejs npm")
_SERIAL = _package("serial", "pyserial")
_RP2040JS = Need("rp2040js", f"npm ci --prefix {rp2040js.FOLDER}", rp2040js.PACKAGE.is_dir)


_NEEDS: Mapping[str, tuple[Need, ...]] = {
    "host": (*_BUILD, _compiler("gcc")),
    "nano33ble-emu": (*_BUILD, _ARM, _QEMU),
    "pico-emu": (*_BUILD, _ARM, _NODE, _RP2040JS),
    "nano33ble": (*_BUILD, _SERIAL),
    "pico": (*_BUILD, _SERIAL),
}


def _port(device: Device) -> tuple[Need, ...]:
    port = device.port
    if port is None or is_network(port):
        return ()
    return (Need(f"a board at {port}", "plug it in", Path(port).exists),)
