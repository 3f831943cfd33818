"""What becomes of an operation whose connection breaks: begun again from a fresh one, a bounded number of times, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import numpy as np
import pytest

from harness import recovery
from harness.boards import INPUTS_AT_ONCE, Board, Boards
from harness.matrix import Repeats
from harness.recovery import RECOVERIES
from reds.errors import (
    BenchError,
    DeviceError,
    FlashError,
    MissingError,
    ProtocolError,
    ResetError,
    TimedOutError,
    TransportError,
)
from targets.inventory import Device
from targets.target import Clock, Identity, Loaded, Target, TimeRequest, Timing
from tests.targets.device_examples import alone

DEVICE = Device("nano", "nano33ble", "nano33ble", "/dev/ttyACM0", 115200, 60.0)
CLOCK = Clock("cycles", 64_000_000)
INPUTS = np.zeros((3, 4), np.int8)


class Unreliable:
    """A device, all its connections included, that raises what the test puts into its plan."""

    def __init__(self) -> None:
        self.plan: dict[str, list[BenchError | None]] = {}
        self.done: list[str] = []
        self.retransmissions = 0
        self.image: bytes | None = None

    def step(self, what: str) -> None:
        """Do something, or fail as planned."""
        error = self.plan[what].pop(0) if self.plan.get(what) else None
        if error is not None:
            raise error
        self.done.append(what)

    @contextmanager
    def connect(self, device: Device) -> Iterator[Target]:
        assert device == DEVICE
        self.step("connect")
        self.image = None
        try:
            yield self
        finally:
            self.step("close")

    def identify(self) -> Identity:
        return Identity(3, "nano33ble", "f" * 64, CLOCK, "gcc", "1", frozenset(), 1000)

    def load(self, image: bytes) -> Loaded:
        self.step("load")
        self.image = image
        return Loaded(len(image), 8, (8, 4))

    def select(self, level: int) -> None:
        self.step(f"select {level}")

    def infer(self, inputs: np.ndarray) -> np.ndarray:
        self.step("infer")
        assert self.image is not None
        return inputs + len(self.image)

    def time(self, request: TimeRequest) -> Timing:
        self.step("time")
        return Timing((5,), CLOCK, 1)

    def close(self) -> None:
        pass


@pytest.fixture
def unreliable(monkeypatch: pytest.MonkeyPatch) -> Unreliable:
    monkeypatch.setattr(recovery, "LONGEST_ABSENCE_S", 0.0)
    return Unreliable()


@pytest.fixture
def seen() -> list[tuple[Device, Identity]]:
    return []


@pytest.fixture
def board(unreliable: Unreliable, seen: list[tuple[Device, Identity]]) -> Iterator[Board]:
    made = Board(DEVICE, unreliable.connect, Repeats(1, 2), lambda device, identity: seen.append((device, identity)), alone)
    with closing(made):
        yield made


BREAKS: list[Callable[[str], BenchError]] = [TransportError, ResetError, TimedOutError, ProtocolError]


@pytest.mark.parametrize("kind", BREAKS)
def test_what_a_break_interrupts_is_begun_again_with_the_image(
    kind: Callable[[str], BenchError], board: Board, unreliable: Unreliable, seen: list[tuple[Device, Identity]]
) -> None:
    board.load(b"image", "sha")
    unreliable.plan = {"infer": [kind("broke")]}

    outputs = board.infer(1, INPUTS)

    np.testing.assert_array_equal(outputs, INPUTS + len(b"image"))
    assert unreliable.done == ["connect", "load", "select 1", "close", "connect", "load", "select 1", "infer"]
    assert board.attempts() == 2
    assert board.attempts() == 1  # what was told once is not told again
    assert len(seen) == 2  # once for each connection


def test_requests_that_were_sent_again_are_attempts_too(board: Board, unreliable: Unreliable) -> None:
    board.load(b"image", "sha")
    unreliable.retransmissions = 3
    unreliable.plan = {"time": [TransportError("broke")]}
    board.time_switch(0, 1)
    unreliable.retransmissions = 0
    assert board.attempts() == 1 + 3 + 1


def test_it_is_begun_again_a_bounded_number_of_times_and_the_first_cause_stands(board: Board, unreliable: Unreliable) -> None:
    board.load(b"image", "sha")
    causes: list[BenchError | None] = [ResetError("first", seen="the supply"), *[TransportError("later")] * RECOVERIES]
    unreliable.plan = {"time": causes}

    with pytest.raises(ResetError, match=r"(?s)^first.*the supply; begun again from a fresh connection: later"):
        board.time_switch(0, 1)

    assert unreliable.done.count("connect") == 1 + RECOVERIES
    assert unreliable.done[-1] == "close"
    done = list(unreliable.done)
    for use in (lambda: board.infer(0, INPUTS), lambda: board.load(b"other", "other"), lambda: board.identity):
        with pytest.raises(ResetError, match="nano is out of this run since an earlier failure: first"):
            use()
    assert unreliable.done == done


@pytest.mark.parametrize("other", [MissingError("no port"), FlashError("no upload"), DeviceError("another board")])
def test_a_device_that_does_not_come_back_is_out_with_the_first_cause(
    other: BenchError, board: Board, unreliable: Unreliable
) -> None:
    board.load(b"image", "sha")
    unreliable.plan = {"infer": [TransportError("first")], "connect": [other]}

    with pytest.raises(TransportError, match=rf"(?s)^first.*begun again from a fresh connection: {other.what}"):
        board.infer(0, INPUTS)

    with pytest.raises(TransportError, match="out of this run"):
        board.infer(0, INPUTS)


def test_a_port_that_is_away_for_a_moment_is_waited_for(
    board: Board, unreliable: Unreliable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "LONGEST_ABSENCE_S", 60.0)
    monkeypatch.setattr(recovery, "POLL_S", 0.0)
    board.load(b"image", "sha")
    away: list[BenchError | None] = [MissingError("no port"), TimedOutError("boots"), MissingError("no port")]
    unreliable.plan = {"infer": [TransportError("first")], "connect": away, "load": [ResetError("again")]}

    board.infer(0, INPUTS)

    assert unreliable.done.count("connect") == 3  # in the middle one its image was not loaded
    assert board.attempts() == 2


def test_a_connection_that_cannot_be_closed_is_made_anew_too(board: Board, unreliable: Unreliable) -> None:
    board.load(b"image", "sha")
    unreliable.plan = {"infer": [TransportError("first")], "close": [TransportError("still open")]}
    board.infer(0, INPUTS)
    assert unreliable.done.count("connect") == 2


def test_what_was_inferred_long_before_a_break_is_kept(board: Board, unreliable: Unreliable) -> None:
    board.load(b"image", "sha")
    inputs = np.arange(2 * INPUTS_AT_ONCE + 1, dtype=np.int64)[:, np.newaxis]
    unreliable.plan = {"infer": [None, None, TransportError("broke")]}
    np.testing.assert_array_equal(board.infer(0, inputs), inputs + len(b"image"))
    assert unreliable.done.count("infer") == 3
    assert board.infer(0, inputs[:0]).shape == (0, 1)


def test_a_load_that_breaks_is_begun_again(board: Board, unreliable: Unreliable) -> None:
    board.load(b"image", "sha")
    unreliable.plan = {"load": [TransportError("broke")]}
    assert board.load(b"other image", "other").image_bytes == len(b"other image")
    assert unreliable.image == b"other image"
    assert board.attempts() == 2


def test_a_refusal_is_no_break(board: Board, unreliable: Unreliable) -> None:
    board.load(b"image", "sha")
    unreliable.plan = {"infer": [DeviceError("no such level")]}
    with pytest.raises(DeviceError, match="no such level"):
        board.infer(7, INPUTS)
    board.infer(0, INPUTS)
    assert unreliable.done.count("connect") == 1
    assert board.attempts() == 1


def test_a_refusal_after_a_break_is_no_break_either(board: Board, unreliable: Unreliable) -> None:
    board.load(b"image", "sha")
    unreliable.plan = {"infer": [TransportError("broke"), DeviceError("no such level")]}
    with pytest.raises(DeviceError, match="no such level"):
        board.infer(7, INPUTS)
    board.infer(0, INPUTS)


def test_a_device_that_is_not_there_at_first_is_not_waited_for(unreliable: Unreliable) -> None:
    unreliable.plan = {"connect": [MissingError("no port")]}
    boards = Boards(unreliable.connect, Repeats(1, 2), lambda device, identity: None, alone)
    with pytest.raises(MissingError, match="no port"):
        boards[DEVICE].load(b"image", "sha")
    with pytest.raises(MissingError, match="out of this run"):
        boards[DEVICE].load(b"image", "sha")
    boards.close()


def test_a_break_at_the_first_connection_is_begun_again(board: Board, unreliable: Unreliable) -> None:
    unreliable.plan = {"connect": [TransportError("broke")]}
    board.load(b"image", "sha")
    assert board.attempts() == 2
