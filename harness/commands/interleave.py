"""Time the host firmware of a git revision and of this tree in turns, and say which latencies differ.

Two runs one after the other also differ by whatever else this computer did meanwhile. Here both programs take turns with the same
images, and the differences of the turns are judged.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from harness import units
from harness.artifacts import make, missing_recipes
from harness.combinations import Model
from harness.commands.output import add_json, print_json
from harness.commands.value_table import print_values
from harness.interleaving import Interleaving, Place, Rounds, build_revision
from harness.judging import Judgement, Thresholds, Verdict, paired, tables
from harness.judging.tables import ValueRow
from harness.matrix import SUITES, Matrix, load_matrix
from harness.networks import Networks
from harness.records import Key
from reds.errors import ConfigError, unknown_name
from targets.firmware import Firmware, build
from targets.inventory import Device, Inventory
from targets.locks import DeviceLock

ROOT = SUITES.parent
HOST = "host"
ROUNDS_PER_LINE = 10  # of a log
NAME = "interleave"
SUMMARY = "this tree against a revision, in turns"
EXAMPLES = """examples:
  python -m harness interleave HEAD                       changes that are not committed yet
  python -m harness interleave HEAD~3 --architecture mlp3 --rounds 40
  python -m harness interleave main --fail-on worse --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("revision", metavar="REVISION", help="A: a commit, branch or tag of this repository; B is this tree")
    parser.add_argument("--matrix", default="digits", metavar="NAME|PATH", help="whose models are timed (default: digits)")
    parser.add_argument("--architecture", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--precision", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="turns of each program (default: 20)")
    parser.add_argument("--repeats", type=int, default=50, metavar="N", help="inferences in each turn (default: 50)")
    parser.add_argument("--fail-on", choices=["worse"], help="exit code 1 if a latency got worse")
    add_json(parser)


@dataclass(frozen=True)
class Row:
    """One latency and what is said of it."""

    key: Key
    a: Rounds
    b: Rounds
    judgement: Judgement

    @property
    def words(self) -> ValueRow:
        """As a row of a table."""
        j = self.judgement
        a, b = (tables.number(statistics.median(side.values)) for side in (self.a, self.b))
        change, noise = tables.percent(j.change), tables.percent(j.noise, "")
        return ValueRow(str(self.key), a, b, units.short(self.b.unit), change, noise, j.verdict, j.reason)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {**vars(self.key), "unit": self.b.unit, "a": self.a.values, "b": self.b.values, **vars(self.judgement)}


def run(options: argparse.Namespace) -> int:
    """Build, measure, judge, print.

    Raises:
        ConfigError: an option is wrong.
        MissingError, FlashError, BusyError, TransportError: a firmware or the device cannot be had.
    """
    if min(options.rounds, options.repeats) < 1:
        raise ConfigError("--rounds and --repeats are at least 1", seen=f"{options.rounds} and {options.repeats}")
    device = Inventory.load(None).device(HOST)
    matrix = load_matrix(options.matrix, Inventory.load(None).devices)
    _check_names(matrix, options.architecture, options.precision)
    firmwares = [build_revision(ROOT, options.revision, device.environment), build(device.environment)]  # before what takes long
    places = _places(matrix, options.architecture, options.precision, device)
    _say(f"A {options.revision}: firmware {firmwares[0].sha256[:12]}; B this tree: firmware {firmwares[1].sha256[:12]}")
    with DeviceLock(device), tempfile.TemporaryDirectory() as logs:
        turns = Interleaving(device, firmwares, places, options.repeats, Path(logs))
        taken = turns.measure(options.rounds, _progress(options.rounds))
    rows = [_judge(key, a, b, matrix.thresholds) for key, (a, b) in taken.items()]
    _print(rows, firmwares, options)
    return int(options.fail_on == "worse" and any(row.judgement.verdict is Verdict.WORSE for row in rows))


def _check_names(matrix: Matrix, architectures: Iterable[str], precisions: Iterable[str]) -> None:
    """Raise ConfigError unless the matrix has these."""
    for chosen, known, what in (
        (architectures, matrix.architectures, "architecture"),
        (precisions, matrix.precisions, "precision"),
    ):
        for name in chosen:
            if name not in known:
                raise unknown_name(f"{what} of the matrix {matrix.name}", name, known)


def _places(matrix: Matrix, architectures: Iterable[str], precisions: Iterable[str], device: Device) -> list[Place]:
    """The images to time; their models are made if they are missing."""
    models = [Model(a, d) for a, d in product(architectures or matrix.architectures, matrix.datasets)]
    missing = missing_recipes(matrix, models)
    if missing:
        make(missing)
    networks = Networks(matrix)
    chosen = product(models, precisions or matrix.precisions)
    return [
        Place(m.architecture, m.dataset, precision, networks.deployment(m, precision, device.layouts)) for m, precision in chosen
    ]


def _judge(key: Key, a: Rounds, b: Rounds, thresholds: Thresholds) -> Row:
    threshold = thresholds.for_value(key.metric, key.device, b.unit, "test_latency")
    return Row(key, a, b, paired.judge(a.values, b.values, "lower", threshold, unit=b.unit))


def _progress(rounds: int) -> Callable[[int], None]:
    """Says how many rounds are over: on a terminal in one line, in a log in a few."""
    on_terminal = sys.stderr.isatty()

    def say(number: int) -> None:
        if on_terminal:
            _say(f"\rround {number} of {rounds}", end="\n" if number == rounds else "")
        elif number == rounds or number % ROUNDS_PER_LINE == 0:
            _say(f"round {number} of {rounds}")

    return say


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


def _print(rows: list[Row], firmwares: list[Firmware], options: argparse.Namespace) -> None:
    if options.json:
        a, b = ({"firmware": firmware.sha256} for firmware in firmwares)
        print_json({"a": a | {"revision": options.revision}, "b": b, "values": [row.to_dict() for row in rows]})
        return
    rows = sorted(rows, key=lambda row: tables.ORDER.index(row.judgement.verdict))
    print_values([("", [row.words for row in rows])])
    counts = {verdict: sum(row.judgement.verdict is verdict for row in rows) for verdict in Verdict}
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count))
