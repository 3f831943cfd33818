"""List the devices of the inventory: which can be measured, and what the others lack."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from harness.commands.output import add_json, print_json, print_table
from targets.availability import check
from targets.inventory import Device, Inventory

NAME = "devices"
SUMMARY = "which devices can be measured"
EXAMPLES = """examples:
  python -m harness devices
  python -m harness devices --json | python -m json.tool
  python -m harness devices --require nano33ble-emu      exit code 1 unless it can be measured
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--devices-file", type=Path, metavar="PATH", help="the inventory (default: devices.toml if there is one)")
    parser.add_argument("--require", action="append", default=[], metavar="ID", help="fail unless this device can be measured")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the devices; 1 if a required one cannot be measured."""
    inventory = Inventory.load(options.devices_file)
    rows = [_facts(device) for device in inventory.devices.values()]
    for wanted in options.require:
        inventory.device(wanted)
    if options.json:
        print_json(rows)
    else:
        texts = [[row["id"], row["kind"], "yes" if row["available"] else "no", _note(row)] for row in rows]
        print_table(["device", "kind", "available", "what it lacks"], texts)
    return int(any(row["id"] in options.require and not row["available"] for row in rows))


def _facts(device: Device) -> dict[str, Any]:
    availability = check(device)
    return {
        "id": device.id,
        "kind": device.kind,
        "available": availability.available,
        "reason": availability.reason,
        "remedy": availability.remedy,
    }


def _note(row: dict[str, Any]) -> str:
    return "; ".join(part for part in (row["reason"], row["remedy"]) if part and not row["available"])
