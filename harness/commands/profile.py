"""Time each layer of a network on a device: where the time goes, and the table that a search for latency takes.

NETWORK is a bundle folder, or the name of an architecture, which is then measured with random weights: what a layer takes does
not depend on them.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.commands.output import add_json, print_json, print_table
from harness.leases import Leases
from harness.profiling import LayerProfile, Settings, profile, table
from reds.bundle import Bundle, untrained
from reds.errors import ConfigError
from reds.image.layouts import CHOICES
from reds.zoo import architecture
from targets.availability import require
from targets.connect import connect
from targets.inventory import Inventory

NAME = "profile"
SUMMARY = "time each layer of a network on a device"
EXAMPLES = """examples:
  python -m harness profile ds_cnn_s --device nano33ble-emu
  python -m harness profile build/finished --device host --precision float32 --json
  python -m harness profile ds_cnn_s --device pico-emu --table ds_cnn_s-pico.csv --points 8
"""
TABLE_COLUMNS = ("layer", "kind", "input_channels", "output_channels", "macs", "ticks", "unit")
_LEAST_POINTS, _MOST_POINTS = 2, 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("network", metavar="NETWORK", help="a bundle folder or the name of an architecture")
    parser.add_argument("--device", required=True, metavar="ID", help="which device (python -m harness devices)")
    parser.add_argument("--devices-file", type=Path, metavar="PATH", help="the inventory (default: devices.toml if there is one)")
    parser.add_argument("--precision", choices=("int8", "float32"), default="int8", help="default: int8")
    parser.add_argument("--layout", choices=sorted(CHOICES), help="order of the weights (default: the device's own)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="inferences where the clock varies (default: 5)")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write a CSV of each layer at many pairs of widths")
    parser.add_argument("--points", type=int, default=8, metavar="N", help="with --table: widths of each group (default: 8)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Measure and print, or write the table."""
    if options.repeats < 1 or not _LEAST_POINTS <= options.points <= _MOST_POINTS:
        allowed = f"--repeats is at least 1 and --points {_LEAST_POINTS} to {_MOST_POINTS}"
        raise ConfigError(allowed, seen=f"{options.repeats} and {options.points}")
    device = Inventory.load(options.devices_file).device(options.device)
    require(device)
    path = Path(options.network)
    bundle = Bundle.load(path) if path.is_dir() else untrained(architecture(options.network), seed=0)
    settings = Settings(options.precision, options.layout or device.layouts, options.repeats)
    with tempfile.TemporaryDirectory() as logs, _leases().hold(device), connect(device, Path(logs)) as target:
        rows = table(target, bundle, settings, options.points) if options.table else tuple(profile(target, bundle, settings))
    if options.table:
        _write(options.table, rows)
        print(f"wrote {options.table}: {len(rows)} layers and pairs of widths on {device.id}", file=sys.stderr)
    if options.json:
        print_json([row.to_dict() for row in rows])
    elif not options.table:
        _print(rows)
    return 0


def _leases() -> Leases:
    return Leases(say=lambda text: print(text, file=sys.stderr))


def _write(path: Path, rows: Iterable[LayerProfile]) -> None:
    with path.open("w", newline="") as file:
        writer: csv.DictWriter[str] = csv.DictWriter(file, TABLE_COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(row.to_dict() for row in rows)


def _print(rows: Sequence[LayerProfile]) -> None:
    unit = rows[0].unit
    words, numbers = ("layer", "kind"), ("in", "out", "MACs", unit, "per MAC", "share", "weights", "maps")
    for subnet in dict.fromkeys(row.subnet for row in rows):
        layers = [row for row in rows if row.subnet == subnet]
        whole = sum(row.ticks for row in layers)
        macs, arena = sum(row.macs for row in layers), layers[0].arena_bytes
        print(f"subnetwork {subnet}: {whole:,.0f} {unit}, {macs:,} MACs, {arena:,} bytes of arena")
        print_table([*words, *numbers], [_cells(row, whole) for row in layers], numbers)


def _cells(row: LayerProfile, whole: float) -> list[str]:
    return [
        row.layer,
        row.kind,
        f"{row.input_channels}",
        f"{row.output_channels}",
        f"{row.macs:,}",
        f"{row.ticks:,.0f}",
        f"{row.ticks / row.macs:.2f}" if row.macs else "-",
        f"{row.ticks / whole:.1%}" if whole else "-",
        f"{row.weight_bytes:,}",
        f"{row.activation_bytes:,}",
    ]
