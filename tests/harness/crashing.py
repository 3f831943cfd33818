"""A writer that is killed over and over: forks a process that appends records as fast as it can, kills it, starts the next.

    python -m tests.harness.crashing FILE ROUNDS SEED

All writers append to the same file, so each goes on where the one before was cut off. Prints, as JSON, how many records each of
them had been told were on disk when it died.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from harness import run_file
from tests.harness.examples import a_measurement

SAMPLES = tuple(range(3000))  # a record of several pages, so that a kill may hit the middle of one
LONGEST_LIFE_S = 0.005


def write_for_ever(path: Path, writer: int, told: int) -> None:
    """Append records until killed; one byte to `told` for each that is on disk."""
    value = 0
    while True:
        run_file.append(path, a_measurement(device=str(writer), value=value, samples=SAMPLES))
        os.write(told, b".")
        value += 1


def kill_a_writer(path: Path, writer: int, life_s: float) -> int:
    """Start a writer, kill it after this time of writing; how many records it had been told were on disk."""
    reading, told = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        write_for_ever(path, writer, told)
    os.close(told)
    first = os.read(reading, 1)  # it is at work
    time.sleep(life_s)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    with os.fdopen(reading, "rb") as rest:
        return len(first + rest.read())


def main(path: str, rounds: str, seed: str) -> None:
    """Kill as many writers as asked for."""
    lives = random.Random(int(seed))
    print(json.dumps([kill_a_writer(Path(path), number, lives.uniform(0, LONGEST_LIFE_S)) for number in range(int(rounds))]))


if __name__ == "__main__":
    main(*sys.argv[1:])
