"""The devices that can be measured: the host and the emulated boards always, boards as `devices.toml` names them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from reds.errors import ConfigError, MissingError, unknown_name

FILE = "devices.toml"
_DEVICES = "devices"
_USB_BAUD = 115200  # means nothing over USB
_FASTEST_BAUD = 2**32 - 1  # that RFC 2217 can state
_LONGEST_TIMEOUT_S = 3600
_PLACES = ("port", "serial_number", "usb_path")
_TWICE = re.compile(r"Cannot (declare|overwrite)")  # how the parser speaks of a table or key that is there already
_USB_PATH = re.compile(r"\d+-\d+(\.\d+)*")
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")  # ids become parts of file names, test ids and commands


@dataclass(frozen=True)
class Device:
    """One device.

    Attributes:
        id: how commands, test ids, file names and records name it: letters, digits and ._- (not first: a dot or hyphen).
        kind: what it is and how it is reached: a key of `KINDS`.
        environment: the PlatformIO environment of its firmware; HELLO states it as the board id.
        port: where a board is: a port or any URL of pyserial (/dev/ttyACM0, socket://host:port, rfc2217://host:port).
        baud: line speed of a real serial line.
        answer_timeout_s: the longest that one answer may take; one inference has to fit.
        serial_number: instead of a port, what the board's USB descriptor says; its port is looked up when it is connected.
        usb_path: instead of a port, where the board is plugged in ("1-2.4"), for boards that have no serial number of their own.
    """

    id: str
    kind: str
    environment: str
    port: str | None
    baud: int
    answer_timeout_s: float
    serial_number: str | None = None
    usb_path: str | None = None

    @property
    def is_board(self) -> bool:
        """Whether it is a thing outside this process that others may use too, rather than a program that is started for each."""
        return KINDS[self.kind].is_board

    @property
    def place(self) -> str:
        """By what it is found, for people: "serial number 0123", "USB path 1-2", its port; empty if it needs no place."""
        if self.serial_number is not None:
            return f"serial number {self.serial_number}"
        return f"USB path {self.usb_path}" if self.usb_path is not None else self.port or ""

    @property
    def layouts(self) -> str:
        """The name in `reds.image.layouts.CHOICES` of the order of weights that images for it have."""
        return KINDS[self.kind].layouts

    @property
    def has_program_memory(self) -> bool:
        """Whether an image that its RAM does not hold can be built into its firmware."""
        return KINDS[self.kind].program_bytes > 0


@dataclass(frozen=True)
class Kind:
    """What is the same for all devices of a kind.

    Attributes:
        environment: PlatformIO environment of its firmware.
        answer_timeout_s: the longest that an answer may take unless the inventory says otherwise.
        is_board: whether it stands on the desk, and has a place there.
        layouts: of `reds.image.layouts.CHOICES`: the order of weights that its core runs fastest.
        program_bytes: memory for code and an image built in, as PlatformIO's board files state it; 0 where there is nothing but
            RAM (pico-emu), or RAM for everything (the host).
        has_fpu: whether its core computes with float32 in hardware.
    """

    environment: str
    answer_timeout_s: float
    is_board: bool
    layouts: str
    program_bytes: int
    has_fpu: bool


KINDS: Mapping[str, Kind] = {
    "host": Kind("native", 30, is_board=False, layouts="host", program_bytes=0, has_fpu=True),
    "nano33ble-emu": Kind("nano33ble-emu", 60, is_board=False, layouts="cortex-m4", program_bytes=983_040, has_fpu=True),
    "pico-emu": Kind("pico-emu", 120, is_board=False, layouts="cortex-m0plus", program_bytes=0, has_fpu=False),
    "nano33ble": Kind("nano33ble", 60, is_board=True, layouts="cortex-m4", program_bytes=983_040, has_fpu=True),
    "pico": Kind("pico", 60, is_board=True, layouts="cortex-m0plus", program_bytes=2_097_152, has_fpu=False),
    "nanorp2040connect": Kind(
        "nanorp2040connect", 60, is_board=True, layouts="cortex-m0plus", program_bytes=2_097_152, has_fpu=False
    ),
}


@dataclass(frozen=True)
class Inventory:
    """The known devices by id."""

    devices: Mapping[str, Device]

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """The devices of a file, and those that need none: one of each kind without a port, under the kind's name.

        Without a path, `devices.toml` of the current folder is read if there is one. The file holds one table for each device:

            [devices.nano-by-the-window]
            kind = "nano33ble"
            serial_number = "0123456789ABCDEF"

        Raises:
            MissingError: the path names no file.
            ConfigError: not TOML, an unknown key or kind, a value that does not fit, or two devices with one place.
        """
        if path is None and not Path(FILE).exists():
            return cls.built_in()
        return cls({**cls.built_in().devices, **_read(path or Path(FILE))})

    @classmethod
    def built_in(cls) -> Self:
        """The devices that need no file."""
        return cls({name: _device(name, {"kind": name}) for name, kind in KINDS.items() if not kind.is_board})

    def device(self, device_id: str) -> Device:
        """The device of an id; ConfigError with the nearest ones if there is none."""
        if device_id not in self.devices:
            raise unknown_name("device", device_id, self.devices)
        return self.devices[device_id]


def _read(path: Path) -> dict[str, Device]:
    try:
        document = tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise MissingError(f"there is no file {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        do = "give every device a name of its own, and every key once" if _TWICE.match(str(error)) else None
        raise ConfigError(f"{path} is not TOML", seen=str(error), do=do) from error
    for key in document:
        if key != _DEVICES:
            raise unknown_name(f"table in {path}", key, [_DEVICES])
    tables = document.get(_DEVICES, {})
    for name, table in tables.items() if isinstance(tables, dict) else [(_DEVICES, tables)]:
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {name!r} is not a table", do=f"write [{_DEVICES}.some-id] and its keys below")
    return _apart(path, {name: _device(name, table) for name, table in tables.items()})


def _apart(path: Path, devices: dict[str, Device]) -> dict[str, Device]:
    """The devices; ConfigError if two of them are one board."""
    seen: dict[str, str] = {}
    for name, device in devices.items():
        if not device.place:
            continue
        local = device.port is not None and device.port.startswith("/")
        other = seen.setdefault(str(Path(device.place).resolve()) if local else device.place, name)
        if other != name:
            raise ConfigError(
                f"{path}: the devices {other!r} and {name!r} are one board", seen=device.place, do="remove one of them"
            )
    return devices


def _device(device_id: str, table: Mapping[str, Any]) -> Device:
    if not _ID.fullmatch(device_id):
        raise ConfigError(f"{device_id!r} is no id for a device", do="use letters, digits and . _ - (not . or - first)")
    known = [field.name for field in fields(Device) if field.name != "id"]
    for key in table:
        if key not in known:
            raise unknown_name(f"key of device {device_id!r}", key, known)
    name = _text(device_id, table, "kind")
    if name is None:
        raise ConfigError(f"device {device_id!r} has no kind", do=f"one of {', '.join(KINDS)}")
    if name not in KINDS:
        raise unknown_name(f"kind of device {device_id!r}", name, KINDS)
    kind = KINDS[name]
    places = {key: _text(device_id, table, key) for key in _PLACES}
    given = [key for key, value in places.items() if value is not None]
    if len(given) != int(kind.is_board):
        problem = f"needs one of {', '.join(_PLACES)}" if kind.is_board else "takes no port, serial number or USB path"
        raise ConfigError(
            f"device {device_id!r} of kind {name} {problem}",
            seen=", ".join(given) or "none",
            do='serial_number = "0123456789ABCDEF"; `python -m harness devices --discover` finds it' if kind.is_board else None,
        )
    if places["usb_path"] is not None and not _USB_PATH.fullmatch(places["usb_path"]):
        raise ConfigError(f"usb_path of device {device_id!r} is no path of hubs' ports", seen=places["usb_path"], do='as "1-2.4"')
    return Device(
        id=device_id,
        kind=name,
        environment=_text(device_id, table, "environment") or kind.environment,
        baud=_baud(device_id, table),
        answer_timeout_s=_timeout_s(device_id, table, kind.answer_timeout_s),
        **places,
    )


def _text(device_id: str, table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    if value is not None and (not isinstance(value, str) or not value):
        raise ConfigError(f"{key} of device {device_id!r} is not a text", seen=repr(value))
    return value


def _baud(device_id: str, table: Mapping[str, Any]) -> int:
    value = table.get("baud", _USB_BAUD)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _FASTEST_BAUD:
        raise ConfigError(f"baud of device {device_id!r} is not a positive whole number", seen=repr(value))
    return value


def _timeout_s(device_id: str, table: Mapping[str, Any], default: float) -> float:
    value = table.get("answer_timeout_s", default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LONGEST_TIMEOUT_S:
        raise ConfigError(
            f"answer_timeout_s of device {device_id!r} is not a positive number up to {_LONGEST_TIMEOUT_S}", seen=repr(value)
        )
    return float(value)
