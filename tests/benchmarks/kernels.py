"""What inferences and switches cost on emulated boards, beside TensorFlow Lite Micro with CMSIS-NN on the same cores.

    python -m tests.benchmarks.kernels [NETWORK ...] [--device ID ...] [--layout NAME] [--json]

An inference is counted from a float input to a softmax in float, as the peer's figures are (for the perceptron: from int8 to
int8, or from float to logits, as its peer's). Weights are random unless REDS_MODELS_DIR names a folder with the published
networks. Instructions and model cycles are exact; they are not the cycles of a board, and neither are modelled cycles
(instructions by class, each with the cycles that Arm documents). Every value goes into the file of a run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.environment import describe_run, new_run_id
from harness.run_file import create
from reds.errors import BenchError
from reds.image.layouts import CHOICES
from targets.availability import check
from targets.connect import connect
from targets.inventory import Device, Inventory
from tests.benchmarks import code_size
from tests.benchmarks.kernel_networks import NETWORKS, bundle
from tests.benchmarks.kernel_rows import Row, Subject, measure
from tests.benchmarks.peers import peers

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "results" / "runs"
# pico-emu has neither an FPU nor patience for float32.
PLACES = (("nano33ble-emu", "int8"), ("nano33ble-emu", "float32"), ("pico-emu", "int8"))
PEER = "TFLM + CMSIS-NN"
# A subnetwork should take at most this share of the whole network's inference: of its multiply-adds, and constant.
MAC_SHARE, CONSTANT_SHARE = 1.1, 0.03
LIMIT = f"of {MAC_SHARE:g} share + {CONSTANT_SHARE:.0%}"
PIPE_WIDTH = 240


def rows(networks: Sequence[str], devices: Sequence[str], layout: str | None, path: Path) -> Iterator[Row]:
    """Every network on every device that is available."""
    bundles = {name: bundle(name) for name in networks}
    for device, precision in places(devices):
        with tempfile.TemporaryDirectory() as logs, connect(device, Path(logs)) as target:
            for name in networks:
                subject = Subject(name, bundles[name], device, precision, CHOICES[layout or device.layouts])
                yield from measure(subject, target, path, Path(logs))


def places(devices: Sequence[str]) -> Iterator[tuple[Device, str]]:
    """The chosen devices that are available, with each precision to measure there; says which are left out."""
    inventory = Inventory.load(None)
    for device_id, precision in PLACES:
        device = inventory.device(device_id)
        availability = check(device)
        if device_id in devices and availability.available:
            yield device, precision
        elif device_id in devices:
            print(f"{device_id}: left out, {availability.reason} ({availability.remedy})", file=sys.stderr)


def inferences(measured: Sequence[Row]) -> Table:
    """Every row beside the peer's inference."""
    words = ("network", "device", "precision", "subnet", "unit")
    numbers = (
        "MACs",
        "inference",
        "per MAC",
        PEER,
        "ratio",
        "per MAC share",
        LIMIT,
        "modelled cycles",
        "switch",
        "arena B",
        "image B",
    )
    shown = _table("inference", words, numbers)
    known = peers()
    for row in measured:
        peer = known.get((row.network, row.device, row.precision, "inference")) if row.share == 1 else None
        shown.add_row(
            row.network,
            row.device,
            row.precision,
            row.subnet,
            row.unit,
            f"{row.macs:,}",
            f"{row.inference:,.0f}",
            f"{row.inference / row.macs:.2f}",
            f"{peer:,}" if peer else "-",
            f"{row.inference / peer:.2f}" if peer else "-",
            f"{row.relative:.3f}",
            f"{row.relative * row.share / (MAC_SHARE * row.share + CONSTANT_SHARE):.3f}",
            "-" if row.modelled_cycles is None else f"{row.modelled_cycles:,.0f}",
            f"{row.switch:,.0f}",
            f"{row.arena_bytes:,}",
            f"{row.image_bytes:,}" + (" *" if row.built_in else ""),
        )
    shown.caption = "* in program memory" if any(row.built_in for row in measured) else None
    return shown


def memory(measured: Sequence[Row]) -> Table:
    """Arena and change of model of the whole networks beside the peer's."""
    peer_columns = (f"arena B, {PEER}", "ratio", "switch", f"change of model, {PEER}", f"code B, {PEER}, this network alone")
    shown = _table("memory, and changing the network", ("network", "device", "precision"), ("arena B", *peer_columns))
    known = peers()
    for row in measured:
        if row.share < 1:
            continue
        place = (row.network, row.device, row.precision)
        arena, change, code = (known.get((*place, metric)) for metric in ("arena_bytes", "switch", "code_bytes"))
        dearest = max(other.switch for other in measured if (other.network, other.device, other.precision) == place)
        shown.add_row(
            *place,
            f"{row.arena_bytes:,}",
            f"{arena:,}" if arena else "-",
            f"{row.arena_bytes / arena:.2f}" if arena else "-",
            f"{dearest:,.0f}",
            f"{change:,}" if change else "-",
            f"{code:,}" if code else "-",
        )
    return shown


def _table(title: str, words: Sequence[str], numbers: Sequence[str]) -> Table:
    shown = Table(title=title)
    for column in words:
        shown.add_column(column, no_wrap=True)
    for column in numbers:
        shown.add_column(column, justify="right")
    return shown


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    devices = list(dict.fromkeys(device for device, _ in PLACES))
    parser.add_argument("network", nargs="*", default=NETWORKS, help=f"of {', '.join(NETWORKS)} (default: all)")
    parser.add_argument("--device", action="append", choices=devices, help="default: all")
    parser.add_argument("--layout", choices=sorted(CHOICES), help="order of the weights (default: each device's own)")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    arguments = parser.parse_args()
    chosen = arguments.device or devices
    run = describe_run(new_run_id(), "kernels", sys.argv, ROOT)
    path = RUNS / f"{run.id}.jsonl"
    create(path, run)
    measured = list(rows(arguments.network, chosen, arguments.layout, path))
    size = code_size.measure() if code_size.ENVIRONMENT in chosen else None
    if arguments.json:
        print(json.dumps({"rows": [asdict(row) for row in measured], "code": size and asdict(size)}, indent=1))
    else:
        console = Console(width=max(PIPE_WIDTH, shutil.get_terminal_size().columns))
        console.print(inferences(measured), memory(measured), sep="\n")
        print(*(code_size.sentences(size) if size else ()), sep="\n")
    print(f"records: {path.relative_to(ROOT)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"error: {error}")
