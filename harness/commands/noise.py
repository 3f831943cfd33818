"""How far values of the same program lie apart from run to run, as [[thresholds]] for a matrix; docs/judging.md says what for."""

from __future__ import annotations

import argparse
import json
import sys

from harness.commands.output import add_json, print_json
from harness.commands.runs import RUNS
from harness.commands.unreadable import LeftOut
from harness.judging.noise_floor import FEWEST_SHIFTS, PERCENTILE, NoiseFloor, noise_floors
from harness.sources import runs
from harness.wording import counted
from reds.errors import ConfigError

DIGITS = 3
NAME = "noise"
SUMMARY = "what values differ by though nothing changed, as thresholds"
EXAMPLES = """examples:
  python -m harness noise                              over the runs of this computer
  python -m harness noise --in sqlite:///runs.db --device host
  for i in $(seq 10); do pytest suites --device host --results noise; done; python -m harness noise --in noise >> my.toml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--in", dest="where", default=str(RUNS), metavar="FOLDER|URL", help="a folder of runs (results/runs), or a database"
    )
    parser.add_argument("--device", action="append", default=[], metavar="ID", help="only of this device; may be repeated")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the tables.

    Raises:
        ConfigError: no two runs measured the same program.
    """
    found = [floor for floor in noise_floors(runs(options.where, unreadable=LeftOut())) if _chosen(floor, options.device)]
    known = [floor for floor in found if floor.noise is not None]
    if options.json:
        print_json([{**floor.place._asdict(), "noise": floor.noise, "shifts": floor.shifts} for floor in found])
        return 0
    for floor in found:
        if floor.noise is None:
            few = f"{counted(floor.shifts, 'pair')} of values, fewer than {FEWEST_SHIFTS}"
            print(f"left out: {floor.place.metric} on {floor.place.device}: {few}", file=sys.stderr)
    if not known:
        do = "measure several times without a change: pytest suites"
        raise ConfigError(f"too few values of the same program in {options.where}", do=do)
    print("\n\n".join(map(_table, known)))
    return 0


def _chosen(floor: NoiseFloor, devices: list[str]) -> bool:
    return not devices or floor.place.device in devices


def _table(floor: NoiseFloor) -> str:
    """A rule as a matrix has it."""
    metric, device = (json.dumps(text) for text in floor.place)
    pairs = f"{PERCENTILE} % of {counted(floor.shifts, 'pair')} of equal programs lie closer"
    return f"[[thresholds]]\nmetric = {metric}\ndevice = {device}\nnoise = {floor.noise:.{DIGITS}f}  # {pairs}"
