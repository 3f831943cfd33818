"""Make a trace of budgets that change over time, or show what one holds.

A trace has one row for each inference: the time in seconds, and what the inference may take. Columns are named with their units;
those that end in _share are shares of what the whole network needs, so that one trace serves every device. docs/adaptation.md
lists them. The file's ending, .csv or .parquet, says how it is written.

examples:
  python -m reds trace --kind solar --hours 24 --seed 0 -o build/solar.csv
  python -m reds trace --kind vehicle --hours 1 --step 0.1 --least 0.35 --most 1.5 -o build/vehicle.csv
  python -m reds trace build/solar.csv
  python -m reds trace --kinds
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from reds.adaptation.generators import HOUR_S, KINDS, Bounds, generate
from reds.adaptation.trace import Trace
from reds.adaptation.trace_file import check_name, read_trace, write_trace
from reds.commands.shared import add_json
from reds.commands.tables import print_rows, print_wrapped
from reds.errors import ConfigError

NAME = "trace"
SUMMARY = "make a trace of changing budgets, or show one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    bounds = Bounds()
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a trace to check and show")
    parser.add_argument("--kinds", action="store_true", help="list the kinds of traces and where their models come from")
    parser.add_argument("--kind", metavar="NAME", help=f"what to make: {', '.join(KINDS)}")
    parser.add_argument("--hours", type=float, default=24.0, metavar="H", help="how long it is (default: 24)")
    parser.add_argument("--step", type=float, default=1.0, metavar="SECONDS", help="from one inference to the next (default: 1)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of what is random (default: 0)")
    parser.add_argument(
        "--least", type=float, default=bounds.least, metavar="SHARE", help=f"the least budget (default: {bounds.least})"
    )
    parser.add_argument(
        "--most", type=float, default=bounds.most, metavar="SHARE", help=f"the largest budget (default: {bounds.most})"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="PATH", help="file to write (default: the trace is only shown)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Make or read a trace, write it, and print what it holds."""
    if [arguments.file is not None, arguments.kind is not None, arguments.kinds].count(True) != 1:
        do = f"python -m reds trace --kind {next(iter(KINDS))} -o FILE, or python -m reds trace FILE"
        raise ConfigError("a trace is read from a file, or made with --kind", do=do)
    if arguments.kinds:
        _print_kinds(arguments.json)
        return
    if arguments.output:
        check_name(arguments.output)
    trace = read_trace(arguments.file) if arguments.file else _made(arguments)
    if arguments.output:
        write_trace(trace, arguments.output)
        print(f"wrote {arguments.output}", file=sys.stderr)
    _print(trace, arguments.json)


def _made(arguments: argparse.Namespace) -> Trace:
    bounds = Bounds(arguments.least, arguments.most)
    for name, value in (("--hours", arguments.hours), ("--step", arguments.step)):
        if not 0 < value < float("inf"):
            raise ConfigError(f"{name} is above zero", seen=f"{value:g}")
    return generate(arguments.kind, arguments.hours * HOUR_S, arguments.step, arguments.seed, bounds)


def _print_kinds(as_json: bool) -> None:
    if as_json:
        kinds = [{"kind": name, "summary": kind.summary, "source": kind.source} for name, kind in KINDS.items()]
        print(json.dumps(kinds, indent=1))
        return
    print_wrapped(*(f"{name}: {kind.summary}. Source: {kind.source}." for name, kind in KINDS.items()))


def _print(trace: Trace, as_json: bool) -> None:
    seconds = float(trace.durations_s.sum())
    rows: list[dict[str, Any]] = [
        {"column": name, "least": float(values.min()), "mean": float(values.mean()), "most": float(values.max())}
        for name, values in trace.columns.items()
    ]
    if as_json:
        print(json.dumps({"rows": len(trace), "seconds": seconds, "columns": rows}, indent=1))
        return
    print_rows(rows, as_json=False)
    print(f"{len(trace):,} inferences in {seconds / HOUR_S:.4g} h")
