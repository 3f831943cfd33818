"""One `.tflite` file for all subnetworks beside a file for each: bytes, and latency of every signature on this computer.

    python -m tests.benchmarks.litert [NETWORK ...] [--precision int8] [--align N] [--rounds N] [--json]

Networks have random weights, and subnetworks of the same share of every group whose multiply-adds are within 75, 50 and 25 %;
with --align, of widths that are multiples of N. With --private, each has batch norm and biases of its own.

Latency is that of LiteRT with XNNPACK and one thread. The two files take turns: a round measures each signature in the common
file, then in its own. A computer that does other things meanwhile only makes single inferences longer, so the shortest counts.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from rich.console import Console
from rich.table import Table

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.errors import BenchError
from reds.image.format import FLOAT32, PRECISIONS
from reds.litert.export import tflite, tflite_each
from reds.subnets import Subnet, Subnets
from reds.zoo import ZOO, architecture
from tests.benchmarks.kernel_networks import BUDGETS, uniform
from tests.reds.random_networks import random_bundle, random_inputs

NETWORKS = tuple(name for name in ZOO if not name.startswith("mobilenet_v1_1"))
ROUNDS = 20
SHORTEST_ROUND_S = 1e-3
CALIBRATION = 64
PIPE_WIDTH = 120


@dataclass(frozen=True)
class Row:
    """One signature: the shortest inference in the common file and in its own; bytes of the common and of the largest's own."""

    network: str
    precision: str
    subnet: str
    common_us: float
    alone_us: float
    common_bytes: int
    whole_bytes: int

    @property
    def latency_ratio(self) -> float:
        """The common file's as a part of its own's."""
        return self.common_us / self.alone_us

    @property
    def size_ratio(self) -> float:
        """The common file's as a part of the largest's own."""
        return self.common_bytes / self.whole_bytes


def aligned(network: Architecture, subnets: Subnets, multiple: int) -> Subnets:
    """Widths rounded down to multiples; whole groups, and what is smaller than one, as they are."""

    def round_down(width: int, size: int) -> int:
        return width if width == size or width < multiple else width - width % multiple

    return Subnets(
        tuple(
            Subnet(each.name, tuple(round_down(w, group.size) for w, group in zip(each.widths, network.groups, strict=True)))
            for each in subnets
        )
    )


def invoking(interpreter: Interpreter, key: str, inputs: np.ndarray) -> Callable[[], None]:
    """One inference of a signature and nothing else, its input set."""
    runner = interpreter.get_signature_runner(key)
    detail = next(iter(runner.get_input_details().values()))
    runner(input=inputs[:1].reshape(detail["shape"]).astype(detail["dtype"]))
    wrapper, subgraph = runner._interpreter_wrapper, runner._subgraph_index  # the public call copies and plans anew
    return lambda: wrapper.Invoke(subgraph)


def calls_for(invoke: Callable[[], None]) -> int:
    """Calls in a round: so many that the clock and the loop do not count."""
    start = time.perf_counter()
    invoke()
    return max(1, int(SHORTEST_ROUND_S / (time.perf_counter() - start)))


def once_us(invoke: Callable[[], None], calls: int) -> float:
    """Microseconds of a call, the mean of a few."""
    start = time.perf_counter()
    for _ in range(calls):
        invoke()
    return (time.perf_counter() - start) / calls * 1e6


def measured(bundle: Bundle, precision: str, rounds: int) -> list[Row]:
    """Every signature, in turns."""
    inputs = random_inputs(bundle.architecture, CALIBRATION)
    common = tflite(bundle, precision, inputs)
    each = tflite_each(bundle, precision, inputs)
    whole = len(each[bundle.subnets[0]])
    shared = Interpreter(model_content=common, num_threads=1)
    rows = []
    for subnet, content in each.items():
        alone = Interpreter(model_content=content, num_threads=1)
        sides = [invoking(interpreter, subnet.name, inputs) for interpreter in (shared, alone)]
        calls = calls_for(sides[1])
        shortest = [float("inf")] * 2
        for _ in range(rounds):
            shortest = [min(best, once_us(side, calls)) for best, side in zip(shortest, sides, strict=True)]
        rows.append(Row(bundle.architecture.name, precision, subnet.name, shortest[0], shortest[1], len(common), whole))
    return rows


def network_of(name: str, align: int, private: bool) -> Bundle:
    """A random network with subnetworks at the budgets."""
    network = architecture(name)
    drawn = random_bundle(network, 0, aligned(network, uniform(network, BUDGETS), align))
    bundle = replace(drawn, private={})
    return replace(bundle, private=refined(bundle)) if private else bundle


def refined(bundle: Bundle) -> dict[str, dict[str, np.ndarray]]:
    """Vectors of each smaller subnetwork, a little other than the shared ones, as training leaves them."""
    generator = np.random.default_rng(0)
    return {
        subnet.name: {
            name: (vector * generator.uniform(0.8, 1.25, vector.shape)).astype(np.float32)
            for name, vector in bundle.active_weights(subnet).items()
            if bundle.architecture.weights[name].is_vector
        }
        for subnet in bundle.subnets.items[1:]
    }


def table(rows: Sequence[Row]) -> Table:
    """The rows as people read them."""
    shown = Table(title="shortest inference, microseconds, XNNPACK, one thread; bytes of the file against the largest alone")
    for column in ("network", "precision", "subnet"):
        shown.add_column(column, no_wrap=True)
    for column in ("common", "alone", "latency ratio", "bytes", "size ratio"):
        shown.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        figures = (f"{row.common_us:.2f}", f"{row.alone_us:.2f}", f"{row.latency_ratio:.2f}")
        shown.add_row(row.network, row.precision, row.subnet, *figures, f"{row.common_bytes:,}", f"{row.size_ratio:.3f}")
    return shown


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", nargs="*", default=NETWORKS, help=f"default: {', '.join(NETWORKS)}")
    parser.add_argument("--precision", choices=tuple(PRECISIONS), default=FLOAT32, help=f"default: {FLOAT32}")
    parser.add_argument("--align", type=int, default=1, metavar="N", help="widths are multiples of N (default: any)")
    parser.add_argument("--private", action="store_true", help="subnetworks have batch norm and biases of their own")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"default: {ROUNDS}")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    arguments = parser.parse_args()
    rows = [
        row
        for name in arguments.network
        for row in measured(network_of(name, arguments.align, arguments.private), arguments.precision, arguments.rounds)
    ]
    if arguments.json:
        ratios = [{"latency_ratio": row.latency_ratio, "size_ratio": row.size_ratio} for row in rows]
        print(json.dumps([asdict(row) | ratio for row, ratio in zip(rows, ratios, strict=True)], indent=1))
    else:
        Console(width=max(PIPE_WIDTH, shutil.get_terminal_size().columns)).print(table(rows))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"error: {error}")
