"""What inferences cost on this computer, one thread, beside LiteRT with XNNPACK, and what the order of weights changes.

    python -m tests.benchmarks.host_peer [NETWORK ...] [--rounds N] [--json]

Both sides take turns in the same run: a round measures every subnetwork on one side, then on the other. A computer that does
other things meanwhile only makes single inferences longer, so the shortest of all is what counts: of ours by the program that
runs the network (CLOCK_MONOTONIC, nanoseconds), of LiteRT's by Python's perf_counter_ns (the same clock) around each call. A
call from Python takes a little time itself; the last line says how much, from a network that does nothing. LiteRT's networks
come from TensorFlow's converter: the same weights in float32, whose outputs are compared, and its own quantisation in int8.

The second table is the whole network with each order of weights (docs/image-format.md). `host` has kernels of its own; the other
orders run portable C that is compiled for this CPU.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from rich.console import Console
from rich.table import Table

from reds.bundle import Bundle
from reds.errors import BenchError
from reds.export import image
from reds.image import read_image
from reds.image.format import FLOAT32, PRECISIONS
from reds.image.layouts import CHOICES
from targets.connect import connect
from targets.inventory import Inventory
from targets.target import InferenceTime, Target
from tests.benchmarks.host_peer_networks import NOTHING, path_of, random_inputs
from tests.benchmarks.kernel_networks import KEYWORDS, bundle

ROUNDS = 40
CALLS = 50  # of each side and subnetwork in a round
DEVICE = "host"
LAYOUTS = ("host", "rows", "transposed", "shells")
TOLERANCE = 1e-4  # of the largest output, float32
PIPE_WIDTH = 160
LOG_LINES = 8
NANOSECONDS = 1000.0


@dataclass(frozen=True)
class Case:
    """A network in one precision."""

    name: str
    network: Bundle
    precision: str


@dataclass(frozen=True)
class Row:
    """One subnetwork in one precision: the shortest inference of each side in microseconds."""

    network: str
    precision: str
    subnet: str
    macs: int
    ours_us: float
    litert_us: float

    @property
    def ratio(self) -> float:
        """Ours as a part of LiteRT's."""
        return self.ours_us / self.litert_us


@dataclass(frozen=True)
class LayoutRow:
    """The shortest inference of a whole network with one order of weights in microseconds."""

    network: str
    precision: str
    layout: str
    inference_us: float


def convert(networks: Sequence[str], folder: Path) -> None:
    """LiteRT's networks, by a process of their own."""
    command = [sys.executable, "-m", "tests.benchmarks.host_peer_networks", str(folder), *networks]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise BenchError("TensorFlow's converter failed", seen="\n    ".join(done.stdout.splitlines()[-LOG_LINES:]))


def interpreter_of(path: Path) -> Interpreter:
    """LiteRT with its default delegate, XNNPACK, and one thread."""
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def give(interpreter: Interpreter, real: np.ndarray) -> None:
    """Set the input, quantised as the network wants it."""
    detail = interpreter.get_input_details()[0]
    scale, zero_point = detail["quantization"]
    values = real.reshape(detail["shape"])
    if scale:
        values = np.clip(np.round(values / scale) + zero_point, -128, 127)
    interpreter.set_tensor(detail["index"], values.astype(detail["dtype"]))


def shortest_call_us(invoke: Callable[[], Any]) -> float:
    """The shortest of a few calls, less what the clock takes."""
    clock = time.perf_counter_ns
    ticks = [(clock(), clock()) for _ in range(CALLS)]
    overhead = min(after - before for before, after in ticks)
    samples = []
    for _ in range(CALLS):
        before = clock()
        invoke()
        samples.append(clock() - before)
    return (min(samples) - overhead) / NANOSECONDS


def shortest_us(target: Target, level: int, sample: np.ndarray) -> float:
    """The shortest of a few inferences on the device."""
    return min(target.time(InferenceTime(level, sample, CALLS)).samples) / NANOSECONDS


def check_same(name: str, target: Target, sample: np.ndarray, interpreters: Sequence[Interpreter]) -> None:
    """BenchError unless both sides compute the same in float32, level by level."""
    for level, interpreter in enumerate(interpreters):
        target.select(level)
        ours = target.infer(sample[None])[0]
        interpreter.invoke()
        theirs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).reshape(-1)
        difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
        if difference > TOLERANCE:
            raise BenchError(
                f"{name} level {level} is another network on the two sides", seen=f"outputs differ by {difference:.1e}"
            )


def peers(case: Case, target: Target, folder: Path, rounds: int) -> list[Row]:
    """Every subnetwork, in turns; LiteRT's lie in `folder`."""
    network, precision = case.network, case.precision
    inputs = random_inputs(network.architecture)
    data = image(network, precision, inputs, CHOICES[DEVICE])
    sample = read_image(data).quantise_inputs(inputs[0])
    target.load(data)
    interpreters = [interpreter_of(path_of(folder, case.name, subnet.name, precision)) for subnet in network.subnets]
    for interpreter in interpreters:
        give(interpreter, inputs[0])
    if precision == FLOAT32:
        check_same(case.name, target, sample, interpreters)
    ours, theirs = ([float("inf")] * len(interpreters) for _ in range(2))
    for _ in range(rounds):
        for level, interpreter in enumerate(interpreters):
            ours[level] = min(ours[level], shortest_us(target, level, sample))
            theirs[level] = min(theirs[level], shortest_call_us(interpreter.invoke))
    macs = [network.architecture.cost(subnet.widths).macs for subnet in network.subnets]
    return [
        Row(case.name, precision, subnet.name, *figures)
        for subnet, figures in zip(network.subnets, zip(macs, ours, theirs, strict=True), strict=True)
    ]


def layouts(case: Case, target: Target, rounds: int) -> list[LayoutRow]:
    """The whole network with every order of weights, in turns."""
    inputs = random_inputs(case.network.architecture)
    images = {layout: image(case.network, case.precision, inputs, CHOICES[layout]) for layout in LAYOUTS}
    sample = read_image(images[DEVICE]).quantise_inputs(inputs[0])
    shortest: dict[str, float] = dict.fromkeys(LAYOUTS, float("inf"))
    for _ in range(rounds):
        for layout, data in images.items():
            target.load(data)
            shortest[layout] = min(shortest[layout], shortest_us(target, 0, sample))
    return [LayoutRow(case.name, case.precision, layout, inference_us) for layout, inference_us in shortest.items()]


def peer_table(rows: Sequence[Row]) -> Table:
    """The rows as people read them."""
    shown = Table(title="shortest inference, microseconds, one thread")
    for column in ("network", "precision", "subnet"):
        shown.add_column(column, no_wrap=True)
    for column in ("MACs", "ours", "LiteRT + XNNPACK", "ratio"):
        shown.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        figures = (f"{row.macs:,}", f"{row.ours_us:.2f}", f"{row.litert_us:.2f}", f"{row.ratio:.2f}")
        shown.add_row(row.network, row.precision, row.subnet, *figures)
    return shown


def layout_table(rows: Sequence[LayoutRow]) -> Table:
    """One line for each network and precision."""
    shown = Table(title="shortest inference of the whole network by order of weights, microseconds")
    for column in ("network", "precision"):
        shown.add_column(column, no_wrap=True)
    for layout in LAYOUTS:
        shown.add_column(layout, justify="right", no_wrap=True)
    for network, precision in dict.fromkeys((row.network, row.precision) for row in rows):
        figures = [row.inference_us for row in rows if (row.network, row.precision) == (network, precision)]
        shown.add_row(network, precision, *(f"{figure:.2f}" for figure in figures))
    return shown


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", nargs="*", default=KEYWORDS, help=f"of {', '.join(KEYWORDS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"of {CALLS} inferences each (default: {ROUNDS})")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, connect(Inventory.load(None).device(DEVICE), Path(scratch)) as target:
        folder = Path(scratch)
        convert(arguments.network, folder)
        networks = {name: bundle(name) for name in arguments.network}
        cases = [Case(name, network, precision) for name, network in networks.items() for precision in PRECISIONS]
        measured = [row for case in cases for row in peers(case, target, folder, arguments.rounds)]
        ordered = [row for case in cases for row in layouts(case, target, arguments.rounds)]
        call_us = min(
            shortest_call_us(interpreter_of(path_of(folder, NOTHING, "100", FLOAT32)).invoke) for _ in range(arguments.rounds)
        )
        identity = target.identify()
    if arguments.json:
        rows = {"peers": [asdict(row) | {"ratio": row.ratio} for row in measured], "layouts": [asdict(row) for row in ordered]}
        print(
            json.dumps({"clock": identity.clock.kind, "compiler": identity.compiler, "litert_call_us": call_us, **rows}, indent=1)
        )
        return 0
    console = Console(width=max(PIPE_WIDTH, shutil.get_terminal_size().columns))
    console.print(peer_table(measured))
    console.print(layout_table(ordered))
    print(f"Clock: {identity.clock.kind} (CLOCK_MONOTONIC) on both sides; {identity.compiler}.")
    print(f"LiteRT's time holds a call from Python: {call_us:.2f} us around a network that does nothing.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"error: {error}")
