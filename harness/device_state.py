"""What is known of each device from earlier runs: when it was last seen, what it ran, how often it failed. One file for each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import filelock

from reds.cache import cache_folder
from reds.errors import BenchError, MissingError
from reds.files import write_whole
from targets.inventory import Device
from targets.target import Identity
from targets.usb import Bus, Mode

LONGEST_LOCK_S = 10.0  # somebody else writes a few hundred bytes


@dataclass(frozen=True)
class DeviceState:
    """What earlier runs left of a device.

    Attributes:
        last_seen: when it last said who it is (UTC, ISO 8601); None if never.
        firmware: SHA-256 (hexadecimal) of the firmware that it said it runs.
        usb_path: where it was plugged in then; an RP2040 that has gone into BOOTSEL is still there.
        failures: in how many runs it has failed.
        out: what it failed with, if it has not been seen since.
    """

    last_seen: str | None = None
    firmware: str | None = None
    usb_path: str | None = None
    failures: int = 0
    out: str | None = None


def state(device_id: str) -> DeviceState:
    """What is known of a device; nothing if it is new, or its file is damaged."""
    return _read(_path(device_id))


def seen(device_id: str, identity: Identity, usb_path: str | None = None) -> None:
    """Note that a device has said who it is."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    facts = {"last_seen": now, "firmware": identity.firmware_sha256, "out": None}
    _change(device_id, lambda old: replace(old, **facts, usb_path=usb_path or old.usb_path))


def found_again(device: Device, bus: Bus) -> Device:
    """A board whose serial number is not on the bus because it has gone into BOOTSEL, where it has none: by its last USB path."""
    if device.serial_number is None or any(board.serial_number == device.serial_number for board in bus.boards()):
        return device
    path = state(device.id).usb_path
    if path is None or not any(board.usb_path == path and board.mode is Mode.BOOTSEL for board in bus.boards()):
        return device
    return replace(device, serial_number=None, usb_path=path)


def failed(device_id: str, cause: BenchError) -> None:
    """Note that a device failed in a run."""
    _change(device_id, lambda old: replace(old, failures=old.failures + 1, out=cause.what))


def _change(device_id: str, change: Callable[[DeviceState], DeviceState]) -> None:
    """Change what is known. What cannot be noted (a full disk, a lock that hangs) must not fail a measurement: it is left."""
    path = _path(device_id)
    try:
        with filelock.FileLock(path.with_suffix(".lock"), timeout=LONGEST_LOCK_S):
            write_whole(path, json.dumps(asdict(change(_read(path))), indent=1).encode())
    except (OSError, MissingError, filelock.Timeout):
        return


def _path(device_id: str) -> Path:
    return cache_folder("devices") / f"{device_id}.json"


def _read(path: Path) -> DeviceState:
    try:
        return parsed(path.read_bytes())
    except OSError:
        return DeviceState()


def parsed(content: bytes) -> DeviceState:
    """The state in a file's content; of a damaged one, those facts that are whole."""
    try:
        facts = json.loads(content)
    except (ValueError, RecursionError):
        return DeviceState()
    if not isinstance(facts, dict):
        return DeviceState()
    texts = {name: facts.get(name) for name in ("last_seen", "firmware", "usb_path", "out")}
    failures = facts.get("failures")
    return DeviceState(
        failures=failures if isinstance(failures, int) and not isinstance(failures, bool) and failures >= 0 else 0,
        **{name: value for name, value in texts.items() if isinstance(value, str)},
    )
