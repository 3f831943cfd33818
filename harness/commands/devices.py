"""List the devices of the inventory: which can be measured, what the others lack, and what is known of each."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from harness import device_state
from harness.commands.output import add_json, print_json, print_table
from harness.leases import Leases
from reds.errors import DeviceError, MissingError
from targets.availability import check
from targets.inventory import FILE, Device, Inventory
from targets.usb import Mode, SystemBus, on_usb

NAME = "devices"
SUMMARY = "which devices can be measured, who uses them, and which boards are plugged in"
EXAMPLES = """examples:
  python -m harness devices
  python -m harness devices --discover                   add the boards that are plugged in to devices.toml
  python -m harness devices --json | python -m json.tool
  python -m harness devices --require nano33ble-emu      exit code 1 unless it can be measured
"""
HASH_CHARACTERS = 12
COLUMNS = ("device", "kind", "state", "at", "firmware", "last seen", "failures")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--devices-file", type=Path, metavar="PATH", help="the inventory (default: devices.toml if there is one)")
    parser.add_argument("--require", action="append", default=[], metavar="ID", help="fail unless this device can be measured")
    parser.add_argument(
        "--discover",
        action="store_true",
        help="ask the boards on USB who they are and add those that the inventory does not know",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the devices; 1 if a required one cannot be measured."""
    added = _discover(options.devices_file) if options.discover else ()
    file = options.devices_file or (Path(FILE) if added else None)
    nothing_to_write = options.discover and file is not None and not file.exists()
    inventory = Inventory.built_in() if nothing_to_write else Inventory.load(file)
    for wanted in options.require:
        inventory.device(wanted)
    leases = Leases()
    rows = [_facts(device, leases) | {"added": device.id in added} for device in inventory.devices.values()]
    if options.json:
        print_json(rows)
    else:
        print_table(COLUMNS, [_cells(row) for row in rows], numbers=("failures",))
        for row in rows:
            for note in _notes(row):
                print(f"{row['id']}: {note}")
    return int(any(row["id"] in options.require and not row["available"] for row in rows))


def _discover(path: Path | None) -> tuple[str, ...]:
    """Find boards, say what was found, add the new ones; their ids."""
    try:
        from harness.discovery import add, discover  # noqa: PLC0415 - only this needs tomlkit
    except ModuleNotFoundError as error:
        raise MissingError(f"the Python package {error.name} is missing", do="pip install 'reds-bench[devices]'") from error
    inventory = Inventory.load(path) if path is None or path.exists() else Inventory.built_in()
    found = discover(inventory, SystemBus(), Leases(say=_say))
    for one in found:
        known = "cannot be added" if one.device is None else f"{'new' if one.is_new else 'known'}: {one.device.id}"
        _say(f"{one.board}: {one.answer} ({known})")
    if not found:
        _say("no board on USB")
    added = add(found, path)
    if added:
        _say(f"added to {path or FILE}: {', '.join(added)}")
    return added


def _facts(device: Device, leases: Leases) -> dict[str, Any]:
    availability, known = check(device), device_state.state(device.id)
    owner = leases.owner(device)
    at, problem, in_bootsel = _place(device, known.usb_path)
    if in_bootsel:
        state = str(Mode.BOOTSEL)
    elif not availability.available:
        state = "absent"
    elif owner is not None:
        state = "busy"
    else:
        state = "out" if known.out or problem else "ready"
    return {
        "id": device.id,
        "kind": device.kind,
        "state": state,
        "at": at,
        "firmware": known.firmware,
        "last_seen": known.last_seen,
        "owner": owner,
        "failures": known.failures,
        "last_failure": problem or known.out,
        "available": availability.available,
        "reason": availability.reason,
        "remedy": availability.remedy,
    }


def _place(device: Device, last_usb_path: str | None) -> tuple[str, str | None, bool]:
    """Where a device is, what is wrong with what is there, and whether that is an RP2040 in BOOTSEL."""
    if not device.is_board or (device.port is not None and "://" in device.port):
        return device.place, None, False
    bus = SystemBus()
    try:
        board = on_usb(device, bus)
    except DeviceError as error:
        return device.place, error.what, False
    if board is not None:
        return board.port or f"USB {board.usb_path}", None, board.mode is Mode.BOOTSEL
    bootsel = any(other.mode is Mode.BOOTSEL and other.usb_path == last_usb_path for other in bus.boards())
    return f"USB {last_usb_path}" if bootsel else device.place, None, bootsel


def _cells(row: dict[str, Any]) -> list[str]:
    firmware = (row["firmware"] or "")[:HASH_CHARACTERS]
    seen = (row["last_seen"] or "").removesuffix("+00:00").replace("T", " ")
    return [row["id"], row["kind"], row["state"], row["at"], firmware, seen, str(row["failures"] or "")]


def _notes(row: dict[str, Any]) -> list[str]:
    """What a row has no room for."""
    lacking = "; ".join(part for part in (row["reason"], row["remedy"]) if part and not row["available"])
    user = f"in use by {row['owner']}" if row["owner"] else ""
    failure = f"failed when it was last used: {row['last_failure']}" if row["state"] == "out" else ""
    return [note for note in (lacking, user, failure) if note]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
