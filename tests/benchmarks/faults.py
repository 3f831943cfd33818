"""Faults at random, between the harness and the real firmware: no wrong value, none lost, no hang.

Each run loads two images, infers and times, while one fault befalls the line or the device. It has to give the values of a run
without faults, or an error of its kind, soon after the fault. Most runs are on the host's firmware behind TCP or a terminal, one
in five is on an emulated board.

examples:
  python -m tests.benchmarks.faults
  python -m tests.benchmarks.faults --runs 50 --seed 7 --json
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import cycle
from pathlib import Path

from harness.boards import Board
from harness.matrix import Repeats
from reds.errors import BenchError
from reds.progress import Progress, showing, silent
from targets.connect import connect
from targets.emulators import qemu, rp2040js
from targets.firmware import Firmware, build
from targets.inventory import Device
from tests.targets.device_examples import Example, alone, example
from tests.targets.faulty_line import Fault, FaultyLine, Port, TcpPort, TerminalPort, faulty_line

LONGEST_AFTER_S = 5.0
ANSWER_TIMEOUT_S = 30.0  # longer than any fault may take to be noticed: who waits for it fails
REPEATS = Repeats(500, 3)
INPUTS = 12  # of an inference
KINDS = {
    "tcp": ("flip", "drop", "duplicate", "delay", "mute", "close", "reset", "kill"),
    "terminal": ("flip", "drop", "duplicate", "delay", "mute", "reset", "rename"),
}
DEVICES = {"native": "nano33ble", "nano33ble-emu": "nano33ble", "pico-emu": "pico"}  # the kind of board that each is taken for
COMMANDS: dict[str, Callable[[Firmware], list[str]]] = {
    "native": lambda firmware: [str(firmware.elf)],
    "nano33ble-emu": qemu.command,
    "pico-emu": rp2040js.command,
}
OUTCOMES = ("harmless", "repeated", "reported", "wrong", "late")


@dataclass(frozen=True)
class Place:
    """A firmware behind a port."""

    environment: str
    way: str


@dataclass(frozen=True)
class Whole:
    """What a run without faults gives, and what passes over the line in both directions."""

    values: tuple[bytes, ...]
    passed: tuple[int, int]
    seconds: float


@dataclass(frozen=True)
class Run:
    """What became of a fault.

    Attributes:
        outcome: one of `OUTCOMES`: without effect, recovered from, reported, a wrong value, too late.
        attempts: of all operations together, beyond the first ones.
        error: kind and text of what was reported.
        after_s: from the end of the fault to the end of the last operation that it befell.
    """

    seed: int
    place: Place
    fault: Fault
    outcome: str
    attempts: int
    error: str | None
    after_s: float


def operations(network: Example) -> Iterator[Callable[[Board], bytes]]:
    """What a run does, each giving a value that is always the same."""

    def loaded(precision: str) -> Callable[[Board], bytes]:
        return lambda board: repr(replace(board.load(network.images[precision], precision), bytes_per_s=None)).encode()

    def inferred(precision: str, level: int) -> Callable[[Board], bytes]:
        return lambda board: board.infer(level, network.inputs[precision][:INPUTS]).tobytes()

    def timed(precision: str, level: int) -> Callable[[Board], bytes]:
        def time_both(board: Board) -> bytes:
            timings = board.time_inference(level, network.inputs[precision][0]), board.time_switch(0, level)
            return repr([t.samples if t.clock.deterministic else len(t.samples) for t in timings]).encode()

        return time_both

    for precision in network.images:
        yield loaded(precision)
        for level in (2, 0):
            yield inferred(precision, level)
            yield timed(precision, level)


@contextmanager
def board_behind(place: Place, folder: Path, fault: Fault | None) -> Iterator[tuple[Board, FaultyLine]]:
    """A board of the harness, reached as any other is."""
    firmware = build(place.environment)
    port: Port = TcpPort() if place.way == "tcp" else TerminalPort(folder / "by-id")
    device = Device("faulty", DEVICES[place.environment], place.environment, port.url, 115200, ANSWER_TIMEOUT_S)
    with faulty_line(COMMANDS[place.environment](firmware), port, fault) as line:
        board = Board(device, lambda device: connect(device, folder / "logs"), REPEATS, lambda device, identity: None, alone)
        try:
            yield board, line
        finally:
            board.close()


def whole(place: Place, network: Example, folder: Path) -> Whole:
    """A run without faults."""
    with board_behind(place, folder, None) as (board, line):
        started = time.monotonic()
        values = tuple(operation(board) for operation in operations(network))
        seconds = time.monotonic() - started
        assert board.attempts() == 1
    return Whole(values, (line.passed[False], line.passed[True]), seconds)


def draw(seed: int, place: Place, expected: Whole) -> Fault:
    """A fault anywhere in a run."""
    drawn = random.Random(seed)
    to_device = drawn.random() < 0.5
    return Fault(
        kind=drawn.choice(KINDS[place.way]),
        to_device=to_device,
        at_byte=drawn.randrange(expected.passed[to_device]),
        count=drawn.choice((1, 2, 10, 63, 64, 300)),
        seconds=drawn.uniform(0.0, 1.5),
        mask=drawn.randrange(1, 256),
    )


def suffer(seed: int, place: Place, expected: Whole, network: Example, folder: Path) -> Run:
    """One run with one fault."""
    fault = draw(seed, place, expected)
    attempts, error, wrong, after_s = 0, None, False, 0.0
    with board_behind(place, folder, fault) as (board, line):
        for operation, value in zip(operations(network), expected.values, strict=True):
            befell = line.over_at is None
            try:
                wrong |= operation(board) != value
            except BenchError as raised:
                error = f"{raised.kind}: {raised}"
            again = board.attempts() - 1
            attempts += again
            if line.over_at is not None and (befell or again or error):
                after_s = time.monotonic() - line.over_at
            if error:
                break
    sound = "reported" if error else "repeated" if attempts else "harmless"
    outcome = "wrong" if wrong else "late" if after_s > LONGEST_AFTER_S else sound
    return Run(seed, place, fault, outcome, attempts, error, after_s)


def places(runs: int, emulated: Sequence[str]) -> list[Place]:
    """Where the runs take place: one in five on an emulated board, if there are any."""
    host, boards = (cycle([Place(name, way) for name in names for way in KINDS]) for names in (["native"], emulated))
    return [next(boards) if emulated and number % 5 == 4 else next(host) for number in range(runs)]


def campaign(runs: int, first_seed: int, emulated: Sequence[str], progress: Progress = silent) -> list[Run]:
    """So many runs with a fault each."""
    network = example()
    known: dict[Place, Whole] = {}
    results = []
    for number, place in enumerate(places(runs, emulated)):
        with tempfile.TemporaryDirectory(prefix="reds-faults-") as name:
            if place not in known:
                known[place] = whole(place, network, Path(name))
            results.append(suffer(first_seed + number, place, known[place], network, Path(name)))
        progress("faults", 1)
    return results


def table(runs: Iterable[Run]) -> str:
    """Outcomes and the longest time after a fault, by its kind."""
    by_kind: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_kind[run.fault.kind].append(run)
    lines = [f"{'fault':10}{'runs':>6}" + "".join(f"{name:>10}" for name in OUTCOMES) + f"{'median s':>10}{'longest s':>11}"]
    for kind, some in sorted(by_kind.items()):
        counts = Counter(run.outcome for run in some)
        after = [run.after_s for run in some]
        figures = f"{statistics.median(after):10.2f}{max(after):11.2f}"
        lines.append(f"{kind:10}{len(some):6}" + "".join(f"{counts[name]:10}" for name in OUTCOMES) + figures)
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the campaign; 1 if a value was wrong or a fault took too long."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=500, metavar="N", help="default: 500")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the first run; the next ones follow (default: 0)")
    parser.add_argument("--host-only", action="store_true", help="leave the emulated boards out")
    parser.add_argument("--json", action="store_true", help="print every run as JSON")
    arguments = parser.parse_args(argv)
    emulated = () if arguments.host_only else ("nano33ble-emu", "pico-emu")
    with showing(arguments.runs) as progress:
        runs = campaign(arguments.runs, arguments.seed, emulated, progress)
    bad = [run for run in runs if run.outcome in ("wrong", "late")]
    print(json.dumps([asdict(run) for run in runs], indent=1) if arguments.json else table(runs))
    for run in bad:
        print(run, file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
