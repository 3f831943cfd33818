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
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")  # ids become parts of file names, test ids and commands


@dataclass(frozen=True)
class Device:
    """One device.

    Attributes:
        id: how commands, test ids, file names and records name it: letters, digits and ._- (not first: a dot or hyphen).
        kind: what it is and how it is reached: "host", "nano33ble-emu", "pico-emu", "nano33ble" or "pico".
        environment: the PlatformIO environment of its firmware; HELLO states it as the board id.
        port: where a board is: a port or any URL of pyserial (/dev/ttyACM0, socket://host:port, rfc2217://host:port).
        baud: line speed of a real serial line.
        answer_timeout_s: the longest that one answer may take; one inference has to fit.
    """

    id: str
    kind: str
    environment: str
    port: str | None
    baud: int
    answer_timeout_s: float

    @property
    def layouts(self) -> str:
        """The name in `reds.image.layouts.CHOICES` of the order of weights that images for it have."""
        return KINDS[self.kind].layouts

    @property
    def has_program_memory(self) -> bool:
        """Whether an image that its RAM does not hold can be built into its firmware."""
        return KINDS[self.kind].has_program_memory


@dataclass(frozen=True)
class Kind:
    """What is the same for all devices of a kind."""

    environment: str
    answer_timeout_s: float
    has_port: bool
    layouts: str  # of `reds.image.layouts.CHOICES`: the order of weights that its core runs fastest
    has_program_memory: bool  # more than RAM; the host has RAM for everything, and pico-emu has nothing but RAM


KINDS: Mapping[str, Kind] = {
    "host": Kind("native", 30, has_port=False, layouts="host", has_program_memory=False),
    "nano33ble-emu": Kind("nano33ble-emu", 60, has_port=False, layouts="cortex-m4", has_program_memory=True),
    "pico-emu": Kind("pico-emu", 120, has_port=False, layouts="cortex-m0plus", has_program_memory=False),
    "nano33ble": Kind("nano33ble", 60, has_port=True, layouts="cortex-m4", has_program_memory=True),
    "pico": Kind("pico", 60, has_port=True, layouts="cortex-m0plus", has_program_memory=True),
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
            port = "/dev/serial/by-id/usb-Arduino_Nano_33_BLE_0123456789ABCDEF-if00"

        Raises:
            MissingError: the path names no file.
            ConfigError: not TOML, an unknown key or kind, or a value that does not fit.
        """
        devices = {name: _device(name, {"kind": name}) for name, kind in KINDS.items() if not kind.has_port}
        if path is None and not Path(FILE).exists():
            return cls(devices)
        return cls(devices | _read(path or Path(FILE)))

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
        raise ConfigError(f"{path} is not TOML", seen=str(error)) from error
    for key in document:
        if key != _DEVICES:
            raise unknown_name(f"table in {path}", key, [_DEVICES])
    tables = document.get(_DEVICES, {})
    for name, table in tables.items() if isinstance(tables, dict) else [(_DEVICES, tables)]:
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {name!r} is not a table", do=f"write [{_DEVICES}.some-id] and its keys below")
    return {name: _device(name, table) for name, table in tables.items()}


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
    kind, port = KINDS[name], _text(device_id, table, "port")
    if kind.has_port != (port is not None):
        problem = "needs a port" if kind.has_port else "takes no port"
        raise ConfigError(f"device {device_id!r} of kind {name} {problem}", seen=str(port), do='port = "/dev/ttyACM0"')
    return Device(
        id=device_id,
        kind=name,
        environment=_text(device_id, table, "environment") or kind.environment,
        port=port,
        baud=_baud(device_id, table),
        answer_timeout_s=_timeout_s(device_id, table, kind.answer_timeout_s),
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
