"""Comparison and history over many runs: 1,000 runs of 1,000 records, as files and in SQLite.

    python -m tests.benchmarks.store [--runs N] [--folder DIR] [--json]

The runs are made up, in the proportions of real ones: latencies (every fourth by a running clock, with 100 raw samples),
accuracies, sizes, costs of switching; every few runs firmware, images and networks are other ones. Each figure is the wall time
of the command in a process of its own, with the files in the cache of the operating system; of reading, the least of several.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random

from harness.lines import to_line
from harness.records import Measurement
from tests.harness.examples import a_measurement, some_device_facts
from tests.harness.storing import run_of_day

ROOT = Path(__file__).resolve().parents[2]
DEVICES = ("host", "nano33ble-emu", "pico-emu", "pico")
SUBNETS = ("100", "75", "50", "25")
RECORDS = 1000
RUNS_BETWEEN_STEPS = 200
RUNS_BETWEEN_FIRMWARES = 7
RUNS_BETWEEN_NETWORKS = 50
NOISE = 0.02
REPEATS = 3


def keys() -> list[Measurement]:
    """What every run measures."""
    places = list(product(("mlp1", "mlp3", "mlp11", "cnn", "dscnn"), ("float32", "int8"), DEVICES))
    found = []
    for (architecture, precision, device), subnet in product(places, SUBNETS):
        here = {"architecture": architecture, "precision": precision, "device": device, "subnet": subnet}
        clock = {"unit": "nanoseconds", "clock": "nanoseconds", "deterministic": False} if device == "host" else {}
        accuracy = {"metric": "accuracy", "unit": "fraction", "better": "higher", "sample_count": 60, "clock": None}
        found.append(a_measurement(**here, **clock))
        found.append(a_measurement(**here, **accuracy, correct="1" * 60))
        found += [
            a_measurement(**here, metric=metric, unit="bytes", clock=None) for metric in ("arena_bytes", "parity_max_abs_error")
        ]
        others = (other for other in SUBNETS if other != subnet)
        found += [a_measurement(**here, **clock, metric="switch", from_subnet=other) for other in others]
    return found[:RECORDS]


def lines(measured: list[Measurement], number: int, random: Random) -> Iterator[bytes]:
    """The records of a run."""
    yield to_line(run_of_day(number))
    network = f"{number // RUNS_BETWEEN_NETWORKS:064x}"
    same = {"firmware": f"{number // RUNS_BETWEEN_FIRMWARES:064x}", "image": network, "bundle": network}
    for device in DEVICES:
        yield to_line(some_device_facts(id=device, device_kind=device))
    for position, measurement in enumerate(measured):
        level = 1000 + position + 10 * ((number + position) // RUNS_BETWEEN_STEPS)
        if measurement.deterministic:
            value = 1 - 1 / level if measurement.metric == "accuracy" else level
            yield to_line(replace(measurement, value=value, samples=(value,) * 3, **same))
        else:
            samples = tuple(round(random.gauss(level, NOISE * level), 1) for _ in range(100))
            overhead = round(random.gauss(25, 1), 1)
            yield to_line(replace(measurement, value=sorted(samples)[50], samples=samples, overhead=overhead, **same))


def make(folder: Path, runs: int) -> None:
    """Write the runs."""
    folder.mkdir(parents=True)
    measured, random = keys(), Random(0)
    for number in range(runs):
        (folder / f"{run_of_day(number).id}.jsonl").write_bytes(b"".join(lines(measured, number, random)))
        _progress(f"{number + 1} of {runs} runs written")


def seconds(*arguments: str, repeats: int = REPEATS) -> float:
    """Wall time of a command of the harness, the least of some repeats."""
    command = [sys.executable, "-m", "harness", *arguments]
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode not in (0, 1) or "error:" in done.stderr:
            raise SystemExit(f"{arguments} failed: {done.stderr}")
        taken.append(time.perf_counter() - started)
    return round(min(taken), 2)


def measure(folder: Path, runs: int) -> dict[str, float]:
    """The figures."""
    files, url = folder / "runs", f"sqlite:///{folder / 'runs.db'}"
    if not files.exists():
        make(files, runs)
    (folder / "runs.db").unlink(missing_ok=True)
    first, last = run_of_day(0).id, run_of_day(runs - 1).id
    _progress("pushing to SQLite")
    figures = {"push all to SQLite": seconds("push", "--to", url, "--results", str(files), repeats=1)}
    _progress("measuring")
    figures["compare two runs, files"] = seconds("compare", first, last, "--results", str(files))
    figures["compare two runs, SQLite"] = seconds("compare", f"{url}#{first}", f"{url}#{last}")
    for metric in ("latency", "switch"):
        figures[f"history of {metric}, files"] = seconds("history", metric, "--in", str(files))
        figures[f"history of {metric}, SQLite"] = seconds("history", metric, "--in", url)
    page = folder / "page.html"
    for where, name in ((str(files), "files"), (url, "SQLite")):
        one = str(files / f"{last}.jsonl")
        figures[f"report of one, history from {name}"] = seconds("report", one, "--html", str(page), "--csv", "--history", where)
    figures["pareto of two runs, files"] = seconds("pareto", first, last, "--results", str(files))
    sizes = [sum(path.stat().st_size for path in files.iterdir()), (folder / "runs.db").stat().st_size]
    page_size = {"page with history, MB": round(page.stat().st_size / 1e6, 2)}
    return figures | page_size | {"files, MB": round(sizes[0] / 1e6), "SQLite, MB": round(sizes[1] / 1e6)}


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)


def main() -> int:
    """Make the runs, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000, metavar="N", help="how many (default: 1000)")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where to keep the runs for another time (default: nowhere)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        figures = measure((options.folder or Path(temporary)).resolve(), options.runs)
    _progress("")
    if options.json:
        print(json.dumps(figures, indent=1))
    else:
        print(f"{options.runs} runs of {RECORDS} records:")
        for name, value in figures.items():
            print(f"  {name:28} {value:8,.6g}" + ("" if "MB" in name else " s"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
