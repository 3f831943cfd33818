"""The report of a run of 1,000 measurements: seconds and bytes.

    python -m tests.benchmarks.report [--json] [--rounds N]

Each round is a process of its own, from `python` to the file on disk, as a user waits for it. The first one on a computer also
puts Vega's script together, which is kept in the cache from then on: it is measured with an empty cache.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from harness import run_file
from reds.cache import CACHE_VARIABLE
from reds.errors import DeviceError
from tests.harness.full_run import a_full_run, with_latency

MEASUREMENTS = 1000


def write(path: Path, factor: float) -> Path:
    """A run of 1,000 measurements, a latency of which is `factor` times the usual."""
    run = with_latency(a_full_run(path.stem), factor)
    run = replace(run, measurements=run.measurements[:MEASUREMENTS])
    run_file.create(path, run.run)
    run_file.append(path, *run.measurements, *run.devices, *run.outcomes)
    return path


def seconds(page: Path, cache: Path, *arguments: str) -> float:
    """How long `python -m harness report` takes; DeviceError if it fails."""
    command = [sys.executable, "-m", "harness", "report", *arguments, "--html", str(page), "--csv"]
    started = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, CACHE_VARIABLE: str(cache)}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeviceError("the report failed", seen=done.stderr[-2000:])
    return time.perf_counter() - started


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each is measured (default: 5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = write(folder / "20260102T000000Z-bbbbbb.jsonl", 2.0)
        before = write(folder / "20260101T000000Z-aaaaaa.jsonl", 1.0)
        page, cache = folder / "page.html", folder / "cache"
        first = seconds(page, cache, str(run))
        alone = statistics.median(seconds(page, cache, str(run)) for _ in range(options.rounds))
        size = page.stat().st_size
        compared = statistics.median(seconds(page, cache, str(run), "--against", str(before)) for _ in range(options.rounds))
        compared_size = page.stat().st_size
    figures = {
        "measurements": MEASUREMENTS,
        "first_s": round(first, 2),
        "page_s": round(alone, 2),
        "page_bytes": size,
        "compared_s": round(compared, 2),
        "compared_bytes": compared_size,
    }
    if options.json:
        print(json.dumps(figures, indent=1))
    else:
        print(f"report of {MEASUREMENTS} measurements: {alone:.2f} s, {size:,} bytes; the first on a computer {first:.2f} s")
        print(f"the same against another run: {compared:.2f} s, {compared_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
