"""Two processes that share four equal boards against one process that has them all: seconds, and whether anybody met anybody.

    python -m tests.benchmarks.boards_shared [--json] [--tests 200] [--work-ms 200]

The boards are real firmware (this computer's) behind TCP ports that notice when two clients use one at a time. The work is
`--tests` tests over all boards with one inference each, which takes a board `--work-ms` longer than this computer needs for it:
what is timed is the sharing, and not how many cores this computer has. It is done

- by one process, `pytest`;
- by two workers, `pytest -n 2`;
- by two sessions that know nothing of each other, half of the tests each, `pytest --wait`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from harness import run_file
from reds.errors import DeviceError
from targets.firmware import build
from tests.targets.board_rig import RigBoard, rig, write_inventory

ROOT = Path(__file__).resolve().parents[2]
BOARDS = 4
WAIT_S = 600
MATRIX = """
architectures = ["mlp1"]
datasets = ["digits"]
precisions = ["float32", "int8"]
devices = ["board-1", "board-2", "board-3", "board-4"]
seed = 0
[widths]
rule = "search"
budgets = [1.0, 0.5]
[pretraining]
epochs = 2
[finetuning]
epochs = 2
[samples]
accuracy = 20
parity = 10
calibration = 100
[repeats]
running = 20
exact = 2
"""
# One test for each image, board and number: a real inference, and a record of what it computed.
TEST = """
def test_{number}(placement, board, deployment, record):
    outputs = board.infer(0, deployment.test_inputs([{number}]))
    record.value("first_output", float(deployment.real_outputs(0, outputs)[0, 0]), unit="logit")
"""


@dataclass(frozen=True)
class Way:
    """One way of doing the work.

    Attributes:
        name: which.
        seconds: from its first process' start to its last one's end.
        on_boards_seconds: of them, from the first connection to a board to the end of the last one: without start and report.
        tests: how many have passed.
        clients: connections that the boards have served.
        most_at_once: of clients on one board.
    """

    name: str
    seconds: float
    on_boards_seconds: float
    tests: int
    clients: int
    most_at_once: int


def measure(folder: Path, tests: int, work_s: float) -> list[Way]:
    """Do the work in all ways; DeviceError if a test failed or was left out."""
    command = [str(build("native").elf)]
    per_board = 2  # images
    numbers = tests // (BOARDS * per_board)
    (folder / "matrix.toml").write_text(MATRIX)
    for name, chosen in (
        ("work", range(numbers)),
        ("first_half", range(numbers // 2)),
        ("second_half", range(numbers // 2, numbers)),
    ):
        text = "".join(TEST.format(number=number) for number in chosen)
        (folder / f"test_{name}.py").write_text(text)
    ways = {
        "one process": [["test_work.py"]],
        "two workers": [["test_work.py", "-n", "2"]],
        "two sessions": [["test_first_half.py", f"--wait={WAIT_S}"], ["test_second_half.py", f"--wait={WAIT_S}"]],
    }
    return [_way(folder, name, sessions, (command, work_s), numbers * BOARDS * per_board) for name, sessions in ways.items()]


def _way(folder: Path, name: str, sessions: list[list[str]], program: tuple[list[str], float], tests: int) -> Way:
    place = folder / name.replace(" ", "-")
    place.mkdir()
    with rig(program[0], BOARDS, work_s=program[1]) as boards:
        write_inventory(place / "devices.toml", boards, "nano33ble", "native")
        started_s = time.perf_counter()
        running = [_start(folder, place, number, session) for number, session in enumerate(sessions)]
        outputs = [process.communicate()[0] for process in running]
        seconds = time.perf_counter() - started_s
    failed = [output for process, output in zip(running, outputs, strict=True) if process.returncode]
    passed = sum(outcome.outcome == "passed" for path in place.rglob("*.jsonl") for outcome in run_file.read(path).outcomes)
    if failed or passed != tests:
        raise DeviceError(
            f"{name}: {passed} of {tests} tests passed", seen="\n".join(output[-3000:] for output in failed or outputs)
        )
    return _summary(name, seconds, passed, boards)


def _start(folder: Path, place: Path, number: int, session: list[str]) -> subprocess.Popen[str]:
    file, *options = session
    plugins = ["-p", "harness.plugin", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]  # as where only suites are run
    command = [sys.executable, "-m", "pytest", *plugins, "-q", str(folder / file)]
    command += [
        "--rootdir",
        str(folder),
        "-c",
        os.devnull,
        f"--matrix={folder / 'matrix.toml'}",
        f"--results={place / str(number)}",
    ]
    command += [f"--devices-file={place / 'devices.toml'}", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling the harness anew in each process is not what is timed
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _summary(name: str, seconds: float, passed: int, boards: tuple[RigBoard, ...]) -> Way:
    clients, most = sum(board.clients for board in boards), max(board.most_at_once for board in boards)
    on_boards = max(board.last_s for board in boards) - min(board.first_s for board in boards)
    return Way(name, round(seconds, 2), round(on_boards, 2), passed, clients, most)


def main() -> int:
    """Measure and print; 1 if two clients met on a board."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--tests", type=int, default=200, help="how many tests there are (200)")
    parser.add_argument("--work-ms", type=float, default=200, help="what an inference takes a board (200)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "matrix.toml").write_text(MATRIX)
        prepare = [sys.executable, "-m", "harness", "prepare", "--matrix", str(Path(folder) / "prepare.toml")]
        (Path(folder) / "prepare.toml").write_text(MATRIX.replace('"board-1", "board-2", "board-3", "board-4"', '"host"'))
        subprocess.run(prepare, cwd=ROOT, check=True, stdout=sys.stderr)
        ways = measure(Path(folder), options.tests, options.work_ms / 1000)
    if options.json:
        print(json.dumps([asdict(way) for way in ways], indent=1))
    else:
        for way in ways:
            share, tested = way.seconds / ways[0].seconds, way.on_boards_seconds / ways[0].on_boards_seconds
            meeting = "nobody met" if way.most_at_once == 1 else f"{way.most_at_once} clients met on one board"
            times = f"{way.seconds:7.2f} s  {share:.2f} x (on the boards {way.on_boards_seconds:.2f} s, {tested:.2f} x)"
            print(f"{way.name:13} {times}  {way.tests} tests, {way.clients} connections, {meeting}")
    return int(any(way.most_at_once > 1 for way in ways))


if __name__ == "__main__":
    sys.exit(main())
