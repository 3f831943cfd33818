"""A slice of the campaign of faults, and what the harness makes of devices that die or stay away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from harness.boards import Board
from harness.recovery import LONGEST_ABSENCE_S
from reds.errors import TransportError
from targets.connect import connect
from targets.firmware import build
from targets.inventory import Device
from tests.benchmarks.faults import ANSWER_TIMEOUT_S, REPEATS, Place, Run, board_behind, campaign, main, table
from tests.targets.device_examples import Example, alone
from tests.targets.faulty_line import Fault

pytestmark = pytest.mark.toolchain

RUNS = 4  # of a slice


def assert_sound(runs: list[Run]) -> None:
    """Nobody took a wrong value, and nobody waited for the time-out."""
    assert [run for run in runs if run.outcome == "wrong" or run.after_s > ANSWER_TIMEOUT_S] == []


@pytest.mark.parametrize("first_seed", range(0, 10 * RUNS, RUNS))
def test_faults_at_random(first_seed: int, device: Callable[[str], Device]) -> None:
    device("host")
    assert_sound(campaign(RUNS, first_seed, ()))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nano33ble-emu", "pico-emu"])
def test_faults_at_random_on_emulated_boards(name: str, device: Callable[[str], Device]) -> None:
    device(name)
    assert_sound(campaign(10, 0, [name]))


def test_the_command_prints_what_became_of_the_faults(
    capsys: pytest.CaptureFixture[str], device: Callable[[str], Device]
) -> None:
    device("host")
    assert main(["--runs", "2", "--host-only"]) == 0
    assert "longest s" in capsys.readouterr().out


def test_a_wrong_value_would_be_told() -> None:
    fault = Fault("flip", to_device=True, at_byte=0, count=1, seconds=0, mask=1)
    runs = [Run(0, Place("native", "tcp"), fault, outcome, 0, None, 0.0) for outcome in ("wrong", "harmless", "harmless")]
    assert table(runs).splitlines()[1].split()[:7] == ["flip", "3", "2", "0", "0", "1", "0"]
    with pytest.raises(AssertionError):
        assert_sound(runs)


def test_a_board_that_stays_away_is_reported_with_the_first_cause(
    device: Callable[[str], Device], network: Example, tmp_path: Path
) -> None:
    build(device("host").environment)
    gone = Fault("kill", to_device=True, at_byte=400, count=1, seconds=ANSWER_TIMEOUT_S, mask=1)
    with board_behind(Place("native", "tcp"), tmp_path, gone) as (board, _line):
        started = time.monotonic()
        with pytest.raises(
            TransportError, match=r"(?s)link .* broke.*begun again from a fresh connection: the port .* cannot be opened"
        ):
            board.load(network.images["int8"], "int8")
        assert time.monotonic() - started > LONGEST_ABSENCE_S
        with pytest.raises(TransportError, match="out of this run since an earlier failure"):
            board.infer(0, network.inputs["int8"])


@contextmanager
def killed_at_work(after_s: float) -> Iterator[None]:
    """Kill the newest device process of this one after a time."""
    before = set(psutil.Process().children(recursive=True))

    def kill() -> None:
        for child in psutil.Process().children(recursive=True):
            if child in before:
                child.kill()

    killing = threading.Timer(after_s, kill)
    killing.start()
    try:
        yield
    finally:
        killing.join()


@pytest.mark.parametrize("name", ["host", "nano33ble-emu", "pico-emu"])
def test_an_emulator_that_is_killed_at_work_is_started_again(
    name: str, device: Callable[[str], Device], logs: Path, network: Example
) -> None:
    found = device(name)
    inputs = np.tile(network.inputs["int8"], (400, 1))
    with closing(Board(found, lambda device: connect(device, logs), REPEATS, lambda device, identity: None, alone)) as board:
        board.load(network.images["int8"], "int8")
        expected = board.infer(1, network.inputs["int8"])
        with killed_at_work(0.01):
            outputs = board.infer(1, inputs)
        np.testing.assert_array_equal(outputs, np.tile(expected, (400, 1)))
        assert board.attempts() <= 2  # 1 where it was quicker
        with killed_at_work(0.0):
            pass
        np.testing.assert_array_equal(board.infer(1, network.inputs["int8"]), expected)
        assert board.attempts() >= 2
