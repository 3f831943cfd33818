"""What the search takes: seconds, certified gap and memory for three budgets of every architecture of the zoo.

    python -m tests.benchmarks.search [--networks ds_cnn_l,...] [--models DIR] [--published-seconds N]

Each architecture is searched in a process of its own, whose peak resident memory is its own. Importance is random (seed 0), and
|w| of the published weights where their files lie in DIR or REDS_MODELS_DIR (of L, those are int8). The seconds begin when the
scores are there: they include sorting, tables and all three solutions. MobileNet of full size is searched once more with 200,000
bytes for its largest map.

Last, the published objective of DS-CNN S at 25 % is solved over widths and, with N seconds each, unit by unit by SCIP and CP-SAT.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from reds.bundle import Bundle
from reds.errors import BenchError
from reds.importance import Importance, l1, random
from reds.permutation import importance_orders, permute
from reds.search.activations import LARGEST_MAP
from reds.search.limits import Limits
from reds.search.models import Settings
from reds.search.nested import search
from reds.search.published import as_chain, unit_model
from reds.search.solver import solve
from reds.search.solver_process import solve_units
from reds.zoo import ZOO, architecture
from tests.benchmarks.kernel_networks import MODELS_VARIABLE

BUDGETS = (1.0, 0.75, 0.5, 0.25)
PEAK_BYTES = 200_000  # the published limit for MobileNet
LAST_WIDTH = 60  # the published scripts keep at least so many channels of DS-CNN's last layer
FIGURES = "{network:24} {importance:7} {limits:8} {seconds:8.3f} {gap:9.1e} {mebibytes:6.0f} MiB  {used}"


def cases(networks: list[str], models: Path | None) -> list[tuple[str, str, str]]:
    """Network, importance and limits of each search."""
    found = []
    for network in networks:
        importances = ["random", *(["l1"] if models and published(network, models) else [])]
        found += [(network, importance, "macs") for importance in importances]
    return found + [(network, "random", "peak") for network in networks if network == "mobilenet_v1_1_96"]


def published(network: str, models: Path) -> Path | None:
    """A network's checkpoint, else its `.tflite` or HDF5 file; None where there is none."""
    folder, data = models / "kws" / network, network.removeprefix("ds_cnn_s_")
    if (folder / "checkpoint").is_file():
        return folder
    files = (folder / f"{network}_quantized.tflite", models / "vision" / f"{data}_ds_cnn_sizeS.keras")
    return next((file for file in files if file.is_file()), None)


def scores(network: str, importance: str, models: Path | None) -> Importance:
    """Importance of a network's kernels, not sorted yet."""
    if importance == "random":
        return random(architecture(network), 0)
    return l1(architecture(network), imported(network, models or Path()).weights)


def imported(network: str, models: Path) -> Bundle:
    """A published network, read in a process of its own, as that takes TensorFlow and its memory."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "bundle"
        command = ["import", str(published(network, models)), "--architecture", network, "-o", str(target)]
        subprocess.run([sys.executable, "-m", "reds", *command], check=True, capture_output=True)
        return Bundle.load(target)


def measure(network: str, importance: str, limits: str, models: Path | None) -> dict[str, object]:
    """Search once, in this process."""
    net, unsorted = architecture(network), scores(network, importance, models)
    started = time.perf_counter()
    ordered = permute(net, unsorted, importance_orders(net, unsorted))
    kept = Limits(PEAK_BYTES, LARGEST_MAP) if limits == "peak" else Limits()
    found = search(net, ordered, BUDGETS, Settings(limits=kept))
    seconds = time.perf_counter() - started
    return {
        "network": network,
        "importance": importance,
        "limits": limits,
        "seconds": seconds,
        "gap": max(item.solution.gap for item in found),
        "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "used": " ".join(f"{item.macs / item.limit:.4f}" for item in found[1:]),
    }


def compare_published(models: Path | None, seconds: float) -> None:
    """The published objective of DS-CNN S, over widths and unit by unit."""
    name = "ds_cnn_s"
    importance = "l1" if models and published(name, models) else "random"
    net, unsorted = architecture(name), scores(name, importance, models)
    model = unit_model(net, permute(net, unsorted, importance_orders(net, unsorted)), 1, LAST_WIDTH)
    limit = 0.25 * model.limit // 1
    started = time.perf_counter()
    exact = solve(as_chain(model).limited([limit]))
    took = time.perf_counter() - started
    value, bound = exact.value / model.scale, exact.bound / model.scale
    print(f"\nthe published objective, {name}, {importance}, 25 %:      value      bound   seconds  widths")
    print(f"{'over widths':28} {exact.status:12} {value:12.4f} {bound:10.4f} {took:9.3f}  {exact.widths}")
    for solver in ("scip", "cp-sat"):
        try:
            unit = solve_units(model, solver, limit, floor=model.least, ceiling=model.full, time_limit_s=seconds)
        except BenchError as error:
            print(f"{solver:28} {error.what}")
            continue
        print(
            f"{solver:28} {unit.status:12} {unit.value:12.4f} {unit.bound:10.4f} {unit.seconds:9.3f}  {unit.widths}", flush=True
        )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=",".join(ZOO), metavar="NAME,...", help="default: the whole zoo")
    parser.add_argument("--models", type=Path, default=os.environ.get(MODELS_VARIABLE), metavar="DIR")
    parser.add_argument("--published-seconds", type=float, default=60, metavar="N", help="0: leave that out (default: 60)")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    models = Path(arguments.models) if arguments.models else None
    if arguments.one:
        network, importance, limits = arguments.one
        print(json.dumps(measure(network, importance, limits, models)))
        return 0
    print(f"{'network':24} {'scores':7} {'limits':8} {'seconds':>8} {'gap':>9} {'peak':>10}  MACs used of 75, 50, 25 %")
    for case in cases(arguments.networks.split(","), models):
        command = [sys.executable, "-m", "tests.benchmarks.search", "--one", *case]
        command += ["--models", str(models)] if models else []
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        print(FIGURES.format(**json.loads(done.stdout)), flush=True)
    if arguments.published_seconds:
        compare_published(models, arguments.published_seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
