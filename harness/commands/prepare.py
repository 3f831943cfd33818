"""Make what the tests of a matrix need and do not have yet: trained models, and the firmware of its devices."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.artifacts import make, missing_recipes
from harness.combinations import models
from harness.plan import Selection, make_plan
from targets.firmware import build

NAME = "prepare"
SUMMARY = "make what a matrix needs"
EXAMPLES = """examples:
  python -m harness prepare
  python -m harness prepare --matrix suites/poster.toml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--matrix", default="digits", metavar="NAME|PATH", help="suites/NAME.toml, or a file (default: digits)")
    parser.add_argument("--devices-file", type=Path, metavar="PATH", help="the inventory (default: devices.toml if there is one)")


def run(options: argparse.Namespace) -> int:
    """Make the missing models in a process of their own, then the firmware of every device that is there."""
    plan = make_plan(options.matrix, options.devices_file, Selection())
    wanted = list(models(plan.matrix))
    missing = missing_recipes(plan.matrix, wanted)
    if missing:
        make(missing)
    print(f"matrix {plan.matrix.name}: {len(missing)} of {len(wanted)} models made, the others were there", flush=True)
    for device_id, device in plan.devices.items():
        availability = plan.availability[device_id]
        if availability.available:
            firmware = build(device.environment)
            print(f"{device_id}: firmware {firmware.sha256[:12]}, {firmware.flash_bytes} bytes of flash", flush=True)
        else:
            print(f"{device_id}: left out, {availability.reason}; {availability.remedy}", flush=True)
    return 0
