"""What one inference and one switch cost on each device, beside TensorFlow Lite Micro where that was measured.

    python -m tests.benchmarks.kernels [DEVICE ...] [--json]

The network is a 128-128-128-10 perceptron with random weights, in one image with its halves, quarters and eighths. The medians
are in the device's own clock; instructions and model cycles are exact.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from reds.bundle import Bundle, untrained
from reds.export import image
from reds.image import Image, read_image
from reds.subnets import halving
from reds.zoo import mlp
from targets.availability import check
from targets.connect import connect
from targets.inventory import Device, Inventory
from targets.target import FirstInferenceTime, InferenceTime, SwitchTime, Target

PEERS = Path(__file__).resolve().parents[2] / "results" / "peers" / "tflite_micro.csv"
NAME = "mlp_128_128_128_10"
REPEATS = 5
PIPE_WIDTH = 160  # columns where no terminal is


@dataclass(frozen=True)
class Row:
    """One precision on one device; counts in `unit`."""

    device: str
    precision: str
    unit: str
    macs: int
    inference: float
    peer: int | None
    switch: float
    first_after_switch: float
    image_bytes: int
    load_seconds: float


def network() -> Bundle:
    """The perceptron, its weights random, with three nested subnetworks."""
    architecture = mlp(NAME, 128, (128, 128), 10)
    subnets = halving(architecture, (1.0, 0.5, 0.25, 0.125), ("hidden1", "hidden2"))
    return replace(untrained(architecture, seed=0), subnets=subnets)


def peers() -> dict[tuple[str, str], int]:
    """The peer's counts by device and precision."""
    with PEERS.open() as file:
        return {(row["board"], row["precision"]): int(row["value"]) for row in csv.DictReader(file) if row["network"] == NAME}


def measure(target: Target, device: Device, precision: str, data: bytes, inputs: np.ndarray) -> Row:
    """Load the image and time it."""
    started = time.perf_counter()
    target.load(data)
    load_seconds = time.perf_counter() - started
    described: Image = read_image(data)
    sample = described.quantise_inputs(inputs[:1])[0]
    inference = target.time(InferenceTime(0, sample, REPEATS))
    last = len(described.levels) - 1
    pairs = [(a, b) for a in range(last + 1) for b in range(last + 1) if a != b]
    switch = max(statistics.median(target.time(SwitchTime(a, b, REPEATS)).samples) for a, b in pairs)
    first = target.time(FirstInferenceTime(last, 0, sample, REPEATS))
    return Row(
        device.id,
        precision,
        inference.clock.kind,
        described.levels[0].macs,
        statistics.median(inference.samples),
        peers().get((device.id, precision)),
        switch,
        statistics.median(first.samples),
        len(data),
        round(load_seconds, 4),
    )


def rows(devices: list[Device]) -> Iterator[Row]:
    """Every device that is available, in both precisions."""
    bundle = network()
    inputs = np.random.default_rng(0).normal(size=(64, 128)).astype(np.float32)
    images = {precision: image(bundle, precision, inputs) for precision in ("float32", "int8")}
    for device in devices:
        availability = check(device)
        if not availability.available:
            print(f"{device.id}: left out, {availability.reason} ({availability.remedy})", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as logs, connect(device, Path(logs)) as target:
            for precision, data in images.items():
                yield measure(target, device, precision, data, inputs)


def table(measured: list[Row]) -> Table:
    """The rows as people read them."""
    shown = Table(title="128-128-128-10 perceptron, the whole network")
    for column in ("device", "precision", "unit"):
        shown.add_column(column)
    for column in (
        "MACs",
        "inference",
        "per MAC",
        "TFLM + CMSIS-NN",
        "ratio",
        "switch (dearest)",
        "first after",
        "image B",
        "load s",
    ):
        shown.add_column(column, justify="right")
    for row in measured:
        shown.add_row(
            row.device,
            row.precision,
            row.unit,
            f"{row.macs}",
            f"{row.inference:.0f}",
            f"{row.inference / row.macs:.2f}",
            f"{row.peer}" if row.peer else "-",
            f"{row.inference / row.peer:.2f}" if row.peer else "-",
            f"{row.switch:.0f}",
            f"{row.first_after_switch:.0f}",
            f"{row.image_bytes}",
            f"{row.load_seconds:.3f}",
        )
    return shown


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    inventory = Inventory.load(None)
    parser.add_argument("device", nargs="*", help=f"device ids (default: all of {', '.join(inventory.devices)})")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    arguments = parser.parse_args()
    measured = list(rows([inventory.device(name) for name in arguments.device or inventory.devices]))
    if arguments.json:
        print(json.dumps([asdict(row) for row in measured], indent=1))
    else:
        Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
