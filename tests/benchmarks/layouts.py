"""The orders in which an image may hold its weights: what an inference takes with each, and how long the images are.

    python -m tests.benchmarks.layouts [NETWORK ...] [--device ID ...] [--json]

docs/image-format.md, "Weights", explains the orders. Inferences are counted without float ends. Emulated boards count exactly; of
this computer's counts the least is told. With shells an image can be cut off behind the section of any level: the last columns
say how long its smaller parts are. Every value goes into the file of a run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.environment import describe_run, new_run_id
from harness.recorder import write_device_facts
from harness.records import Measurement
from harness.run_file import append, create
from reds.errors import BenchError
from reds.image import truncate
from reds.image.layouts import ROWS, SHELLS, TRANSPOSED, Layout, Layouts, Orders
from targets.availability import check
from targets.connect import connect
from targets.inventory import Inventory
from targets.target import InferenceTime, Target
from tests.benchmarks.kernel_networks import KEYWORDS, bundle
from tests.benchmarks.kernel_rows import Deployed, Subject

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "results" / "runs"
LEVELS = ("100", "25")
# The rows of a panel that the device's kernels work on at once; the Pico's kernel takes any number.
PANEL_ROWS: Mapping[str, int] = {"nano33ble-emu": 6, "pico-emu": 4, "host": 16}
PRECISIONS: Mapping[str, tuple[str, ...]] = {
    "nano33ble-emu": ("int8", "float32"),
    "pico-emu": ("int8",),  # no FPU
    "host": ("int8", "float32"),
}
REPEATS = 200  # where the clock varies
PIPE_WIDTH = 170


@dataclass(frozen=True)
class Row:
    """One network with one order of weights.

    Attributes:
        inferences: the least, in `unit`, by the level's name.
        image_bytes: of the whole image.
        part_bytes: of the prefix that holds a level and the smaller ones, by the level's name; shells only.
        built_in: whether the image lies in program memory, as RAM does not hold it.
    """

    network: str
    device: str
    precision: str
    layout: str
    unit: str
    inferences: Mapping[str, float]
    image_bytes: int
    part_bytes: Mapping[str, int]
    built_in: bool


def layouts_of(device: str) -> tuple[Layout, ...]:
    """Every order, with the panels that suit a device."""
    return ROWS, TRANSPOSED, Layout("panels", PANEL_ROWS[device]), SHELLS


def everywhere(layout: Layout) -> Layouts:
    """This order for all layers."""
    return Layouts(Orders(layout, layout), Orders(layout, layout))


def measure(subject: Subject, layout: Layout, target: Target, path: Path) -> Row:
    """One image: loaded, timed, recorded in the file of a run."""
    deployed = Deployed.of(subject)
    loaded, identity = target.load(deployed.content), target.identify()
    write_device_facts(path, subject.device, target.identify())
    subnets, repeats = subject.bundle.subnets, 1 if identity.clock.deterministic else REPEATS
    timings = {name: target.time(InferenceTime(subnets.level(name), deployed.sample, repeats)) for name in LEVELS}
    parts = {subnet.name: len(truncate(deployed.content, subnet.name)) for subnet in subnets} if layout == SHELLS else {}
    row = Row(
        network=subject.network,
        device=subject.device.id,
        precision=subject.precision,
        layout=layout.name,
        unit=identity.clock.kind,
        inferences={name: min(timing.samples) for name, timing in timings.items()},
        image_bytes=len(deployed.content),
        part_bytes=parts,
        built_in=loaded.built_in,
    )
    append(path, *records(subject, row, firmware=target.identify().firmware_sha256))
    return row


def records(subject: Subject, row: Row, firmware: str) -> Iterator[Measurement]:
    """A row as records: the metric names the layout."""
    exact, architecture = row.device != "host", subject.bundle.architecture
    macs = {subnet.name: architecture.cost(subnet.widths).macs for subnet in subject.bundle.subnets}
    latencies = [(f"latency_{row.layout}", row.unit, name, value, exact) for name, value in row.inferences.items()]
    sizes = [
        (f"image_bytes_{row.layout}", "bytes", name, size, True)
        for name, size in (row.part_bytes or {"100": row.image_bytes}).items()
    ]
    for metric, unit, subnet, value, deterministic in [*latencies, *sizes]:
        yield Measurement(
            metric=metric,
            unit=unit,
            better="lower",
            value=float(value),
            samples=(float(value),),
            deterministic=deterministic,
            architecture=row.network,
            dataset="random",
            precision=row.precision,
            device=row.device,
            subnet=subnet,
            macs=macs[subnet],
            seed=0,
            bundle=subject.bundle.content_hash(),
            test="tests.benchmarks.layouts",
            clock=row.unit if unit == row.unit else None,
            firmware=firmware,
        )


def rows(networks: Sequence[str], devices: Sequence[str], path: Path) -> Iterator[Row]:
    """Every network in every order on every device that is available."""
    inventory = Inventory.load(None)
    bundles = {name: bundle(name) for name in networks}
    for device in (inventory.device(name) for name in devices):
        availability = check(device)
        if not availability.available:
            print(f"{device.id}: left out, {availability.reason} ({availability.remedy})", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as logs, connect(device, Path(logs)) as target:
            for precision in PRECISIONS[device.id]:
                for name in networks:
                    for layout in layouts_of(device.id):
                        yield measure(Subject(name, bundles[name], device, precision, everywhere(layout)), layout, target, path)


def table(measured: Sequence[Row]) -> Table:
    """The rows as people read them; the least of each network's is marked."""
    shown = Table(caption="< the fastest; * in program memory")
    for column in ("network", "device", "precision", "layout", "unit"):
        shown.add_column(column, no_wrap=True)
    for column in (*LEVELS, "image B", *(f"to {name}, B" for name in ("75", "50", "25"))):
        shown.add_column(column, justify="right", no_wrap=True)
    for row in measured:
        others = [
            other
            for other in measured
            if (other.network, other.device, other.precision) == (row.network, row.device, row.precision)
        ]
        fastest = {name: min(other.inferences[name] for other in others) for name in LEVELS}
        shown.add_row(
            row.network,
            row.device,
            row.precision,
            row.layout,
            row.unit,
            *(f"{row.inferences[name]:,.0f} {'<' if row.inferences[name] == fastest[name] else ' '}" for name in LEVELS),
            f"{row.image_bytes:,} {'*' if row.built_in else ' '}",
            *(f"{row.part_bytes[name]:,}" if row.part_bytes else "-" for name in ("75", "50", "25")),
        )
    return shown


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", nargs="*", default=KEYWORDS, help=f"of {', '.join(KEYWORDS)} (default: all)")
    parser.add_argument("--device", action="append", choices=list(PRECISIONS), help="default: all")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    arguments = parser.parse_args()
    run = describe_run(new_run_id(), "layouts", sys.argv, ROOT)
    path = RUNS / f"{run.id}.jsonl"
    create(path, run)
    measured = list(rows(arguments.network, arguments.device or list(PRECISIONS), path))
    if arguments.json:
        print(json.dumps([asdict(row) for row in measured], indent=1))
    else:
        Console(width=max(PIPE_WIDTH, shutil.get_terminal_size().columns)).print(table(measured))
    print(f"records: {path.relative_to(ROOT)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"error: {error}")
