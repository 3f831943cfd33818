"""What the bench takes beside measuring: until the first measurement, for each test, and for large inputs over a link.

* start: from the start of a pytest session to its first measurement on an emulated board whose firmware is built.
* test: what a test takes beside the time in which the device is at work for it, in the same session, on average after the first.
* inputs: 1,000 samples of 490 bytes through DNN S over TCP to `nano33ble-emu`, less what that emulator takes for as many timed
  inferences, asked for over the same link.

All are the least of several rounds: what else the computer does only adds to them.

examples:
  python -m tests.benchmarks.link
  python -m tests.benchmarks.link --rounds 3 --json
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reds.export import image
from reds.image.layouts import CHOICES
from targets.connect import connect
from targets.emulators import qemu
from targets.firmware import build
from targets.inventory import KINDS, Device
from targets.target import InferenceTime
from tests.benchmarks.kernel_networks import bundle
from tests.targets.bridge import on_tcp

ROOT = Path(__file__).resolve().parents[2]
BOARD = "nano33ble-emu"
SAMPLES = 1000
ANSWER_TIMEOUT_S = 60.0
FIGURES = {"start_s": 0.5, "test_ms": 30, "inputs_s": 2.0}
MATRIX = ROOT / "tests" / "harness" / "host.toml"
PLUGIN = """
import json, os, pathlib, time
import pytest
from harness import recorder, recovery

seen = {"tests": []}
device_s = 0.0

def timed(function):
    def call(*arguments):
        global device_s
        started = time.perf_counter()
        try:
            return function(*arguments)
        finally:
            device_s += time.perf_counter() - started
    return call

def noted(function):
    def call(*arguments):
        function(*arguments)
        seen.setdefault("start_s", time.perf_counter() - seen["began"])
    return call

recovery.RecoveringConnection.perform = timed(recovery.RecoveringConnection.perform)
recorder.Recorder._write = noted(recorder.Recorder._write)

@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart():
    seen["began"] = time.perf_counter()

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol():
    global device_s
    device_s, started = 0.0, time.perf_counter()
    result = yield
    seen["tests"].append(time.perf_counter() - started - device_s)
    return result

def pytest_unconfigure():
    pathlib.Path(os.environ["LINK_FIGURES"]).write_text(json.dumps(seen))
"""


def session(folder: Path) -> dict[str, float]:
    """A session of the latency and accuracy tests: seconds to its first measurement, milliseconds of a test beside the device."""
    (folder / "link_figures.py").write_text(PLUGIN)
    figures = folder / "figures.json"
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, "LINK_FIGURES": str(figures)}
    matrix = folder / "matrix.toml"
    matrix.write_text(MATRIX.read_text().replace('["host"]', f'["{BOARD}"]'))
    options = ("--matrix", matrix, "--results", folder / "results", "-k", "latency or accuracy")
    command = [sys.executable, "-m", "pytest", "suites", "-q", "-p", "link_figures", "-p", "no:cacheprovider", *map(str, options)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    seen = json.loads(figures.read_text())
    later = seen["tests"][1:]
    return {"start_s": seen["start_s"], "test_ms": 1000 * sum(later) / len(later)}


def inputs(folder: Path) -> Callable[[], dict[str, float]]:
    """Makes a round: seconds to infer the samples, and to time as many inferences, over TCP."""
    network = bundle("dnn_s")
    elements = math.prod(network.architecture.input_shape)
    generator = np.random.default_rng(0)
    calibration = generator.normal(size=(32, elements)).astype(np.float32)
    content = image(network, "int8", calibration, CHOICES[KINDS[BOARD].layouts])
    samples = generator.integers(-128, 128, (SAMPLES, elements)).astype(np.int8)
    command = qemu.command(build(BOARD))

    def measured() -> dict[str, float]:
        with on_tcp(command) as url:
            device = Device("link", "nano33ble", BOARD, url, 115200, ANSWER_TIMEOUT_S)
            with connect(device, folder / "logs") as target:
                bytes_per_s = target.load(content).bytes_per_s
                started = time.perf_counter()
                target.infer(samples)
                inferred = time.perf_counter()
                target.time(InferenceTime(0, samples[0], SAMPLES))
                timed = time.perf_counter()
        return {
            "infer_s": inferred - started,
            "timed_s": timed - inferred,
            "load_bytes_per_s": bytes_per_s or math.nan,
        }

    return measured


def measure(rounds: int) -> dict[str, Any]:
    """The least of each figure."""
    with tempfile.TemporaryDirectory(prefix="reds-link-") as name:
        folder = Path(name)
        prepare = [sys.executable, "-m", "harness", "prepare", "--matrix", str(MATRIX)]
        subprocess.run(prepare, cwd=ROOT, check=True, stdout=sys.stderr)
        one_round = inputs(folder)
        sessions = [session(folder) for _ in range(rounds)]
        transfers = [one_round() for _ in range(rounds)]
    infer_s, timed_s = (min(round_[name] for round_ in transfers) for name in ("infer_s", "timed_s"))
    return {
        "start_s": min(s["start_s"] for s in sessions),
        "test_ms": min(s["test_ms"] for s in sessions),
        "inputs_s": infer_s - timed_s,
        "infer_s": infer_s,
        "timed_s": timed_s,
        "load_bytes_per_s": max(round_["load_bytes_per_s"] for round_ in transfers),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if one is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.link", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args(argv)
    figures = measure(arguments.rounds)
    if arguments.json:
        print(json.dumps(figures, indent=1))
    else:
        for name, value in figures.items():
            limit = f" (at most {FIGURES[name]})" if name in FIGURES else ""
            print(f"{name:18}{value:12.3f}{limit}")
    return 1 if any(figures[name] > limit for name, limit in FIGURES.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
