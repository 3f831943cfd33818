"""Whether a device can be used here and now, without starting or building anything."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from reds.errors import DeviceError, MissingError
from targets.emulators import qemu, rp2040js
from targets.firmware.platformio_environment import INSTALL
from targets.firmware_identity import COMPILER_REMEDIES
from targets.inventory import Device
from targets.port_access import obstacle
from targets.usb import SystemBus, on_usb
from targets.wire.port import scheme

APT = "apt-get install"


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
    """What the device lacks, if anything. Takes some milliseconds.

    Debian packages are named together in one command; what else is missing may need them, so its remedy comes later.
    """
    missing = [need for need in (*_NEEDS[device.kind], *_place(device)) if not need.is_there()]
    if not missing:
        return Availability(True)
    packages = dict.fromkeys(name for need in missing if need.remedy.startswith(APT) for name in need.remedy.split()[2:])
    if not packages:
        return Availability(False, f"{missing[0].what} is missing", missing[0].remedy)
    names = [need.what for need in missing if need.remedy.startswith(APT)]
    reason = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} missing"
    return Availability(False, reason, f"{APT} {' '.join(packages)}")


def require(device: Device) -> None:
    """MissingError, with the remedy, unless the device is available."""
    availability = check(device)
    if not availability.available:
        raise MissingError(f"{device.id} cannot be used", seen=availability.reason, do=availability.remedy)


def _program(name: str, remedy: str) -> Need:
    return Need(name, remedy, lambda: shutil.which(name) is not None)


def _node_version() -> int:
    """The major version of the installed Node.js; 0 if it does not say."""
    done = subprocess.run([rp2040js.PROGRAM, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)\.", done.stdout)
    return int(version[1]) if version else 0


def _compiler(name: str) -> Need:
    return _program(name, COMPILER_REMEDIES[name])


def _package(module: str, name: str) -> Need:
    return Need(f"the Python package {name}", INSTALL, lambda: util.find_spec(module) is not None)


_BUILD = (_package("platformio", "platformio"), _package("SCons", "scons"), _package("elftools", "pyelftools"))
_ARM = _compiler("arm-none-eabi-gcc")
_QEMU = _program(qemu.PROGRAM, "apt-get install qemu-system-arm")
_NODE = _program(rp2040js.PROGRAM, "apt-get install nodejs npm")
_RECENT_NODE = Need(
    f"Node.js {rp2040js.LEAST_NODE} or newer",
    "replace Node.js, which is older here",
    lambda: shutil.which(rp2040js.PROGRAM) is None or _node_version() >= rp2040js.LEAST_NODE,
)
_SERIAL = _package("serial", "pyserial")
# Only to install rp2040js; a user may have Node.js without it.
_NPM = Need("npm", "apt-get install npm", lambda: rp2040js.installed() or shutil.which("npm") is not None)
_RP2040JS = Need("rp2040js", f"npm ci --prefix {rp2040js.FOLDER}", rp2040js.installed)

_NEEDS: Mapping[str, tuple[Need, ...]] = {
    "host": (*_BUILD, _compiler("gcc")),
    "nano33ble-emu": (*_BUILD, _ARM, _QEMU),
    "pico-emu": (*_BUILD, _ARM, _NODE, _RECENT_NODE, _NPM, _RP2040JS),
    "nano33ble": (*_BUILD, _SERIAL),
    "pico": (*_BUILD, _SERIAL),
    "nanorp2040connect": (*_BUILD, _SERIAL),
}


def _plugged_in(device: Device) -> bool:
    """Whether something is there; that it is the wrong thing is for `connect` to say, which fails instead of skipping."""
    try:
        return on_usb(device, SystemBus()) is not None
    except DeviceError:
        return True


def _place(device: Device) -> tuple[Need, ...]:
    """What keeps a board from being used at its place."""
    if not device.is_board:
        return ()
    if device.port is None:
        return (Need(f"a board with {device.place} on USB", "plug it in", lambda: _plugged_in(device)),)
    if scheme(device.port):
        return ()  # of a URL only opening it tells
    problem = obstacle(Path(device.port))
    return () if problem is None else (Need(problem.what, problem.remedy, lambda: False),)
