"""One user of a board at a time: leases, their ends, and who learns what."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import leases
from harness.boards import Board, Boards
from harness.leases import TERM_S, Lease, Leases, process_start
from harness.matrix import Repeats
from reds.errors import BusyError
from targets.inventory import Device, Inventory
from tests.harness.running import ROOT
from tests.targets.desk import BOOTSEL, NANO, PICO, Desk

BOARD = Device("nano-1", "nano33ble", "nano33ble", "socket://127.0.0.1:5000", 115200, 60.0)
HOLD = """
import sys, time
from pathlib import Path
from harness.leases import Leases
from targets.inventory import Device
BOARD = Device("nano-9", "nano33ble", "nano33ble", "socket://127.0.0.1:5000", 115200, 60.0)
with Leases(folder=Path(sys.argv[1])).hold(BOARD):
    print("held", flush=True)
    time.sleep(600)
"""


class Clock:
    """The time, as a test wants it."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def office(tmp_path: Path, clock: Clock, said: list[str]) -> Leases:
    return Leases(0.0, said.append, tmp_path, now_s=clock)


def test_a_board_in_use_names_its_user(office: Leases) -> None:
    with office.hold(BOARD) as renew:
        renew()
        assert f"process {os.getpid()} on " in (office.owner(BOARD) or "")
        with pytest.raises(BusyError, match=rf"(?s)nano-2 is in use\n.*, process {os.getpid()} on .*--wait"):
            office.hold(replace(BOARD, id="nano-2")).__enter__()
        with office.hold(replace(BOARD, port="socket://127.0.0.1:5001")):
            pass
    assert office.owner(BOARD) is None
    with office.hold(BOARD):
        pass


def test_what_is_started_for_each_run_needs_no_lease(office: Leases, tmp_path: Path) -> None:
    host = Inventory.load().device("host")
    with office.hold(host) as first, office.hold(host) as second:
        first()
        second()
        assert office.owner(host) is None
        assert list(tmp_path.iterdir()) == []


def test_an_error_inside_gives_the_board_back(office: Leases) -> None:
    with pytest.raises(KeyboardInterrupt), office.hold(BOARD):
        raise KeyboardInterrupt
    assert office.owner(BOARD) is None


def held_by_another(folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, cwd=ROOT, env=environment)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_the_board_of_a_killed_process_is_taken_over_with_a_message(tmp_path: Path, said: list[str]) -> None:
    office = Leases(0.0, said.append, tmp_path)
    with held_by_another(tmp_path) as holder:
        with pytest.raises(BusyError, match=f"process {holder.pid} on"):
            office.hold(BOARD).__enter__()
        holder.kill()
        holder.wait()
    assert office.owner(BOARD) is None
    with office.hold(BOARD):
        assert f"process {os.getpid()} on" in (office.owner(BOARD) or "")
    assert len(said) == 1
    assert said[0].startswith("nano-1: its user has died (")
    assert said[0].endswith("; taken over")


def test_another_process_of_the_same_number_is_not_the_owner(office: Leases, tmp_path: Path, said: list[str]) -> None:
    with office.hold(BOARD):
        (path,) = tmp_path.glob("*.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | {"process_start": "1"}))
        with office.hold(BOARD):
            assert "has died" in said[0]


def test_a_lease_of_another_computer_ends_by_time_alone(office: Leases, tmp_path: Path, clock: Clock, said: list[str]) -> None:
    with office.hold(BOARD) as renew:
        (path,) = tmp_path.glob("*.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | {"host": "elsewhere", "pid": 4194303}))
        with pytest.raises(BusyError, match="process 4194303 on elsewhere"):
            office.hold(BOARD).__enter__()
        clock.now_s += TERM_S
        with office.hold(BOARD):
            assert "let it lapse" in said[0]
            with pytest.raises(BusyError, match="not this run's any more"):
                renew()


def test_a_lease_lasts_while_it_is_used(office: Leases, clock: Clock) -> None:
    with office.hold(BOARD) as renew:
        for _ in range(5):
            clock.now_s += TERM_S * 0.9
            renew()
            with pytest.raises(BusyError):
                office.hold(BOARD).__enter__()


def test_a_lease_that_nobody_took_can_be_renewed_late(office: Leases, clock: Clock) -> None:
    with office.hold(BOARD) as renew:
        clock.now_s += 2 * TERM_S
        assert office.owner(BOARD) is None
        renew()
        assert office.owner(BOARD) is not None


def test_who_lost_a_lease_learns_it_and_leaves_the_other_alone(office: Leases, clock: Clock) -> None:
    with office.hold(BOARD) as renew:
        clock.now_s += TERM_S
        with office.hold(replace(BOARD, id="taker")) as other:
            with pytest.raises(BusyError, match=r"(?s)nano-1 is not this run's any more.*not renewed for 3600 s; in use by"):
                renew()
            other()
    with office.hold(BOARD) as renew:
        clock.now_s += TERM_S
        with office.hold(BOARD):
            pass
        with pytest.raises(BusyError, match="its file is gone"):
            renew()


def test_waiting_ends_when_the_board_is_free(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    office = Leases(60.0, said.append, tmp_path)
    first = office.hold(BOARD)
    first.__enter__()
    naps = iter([lambda: None, lambda: first.__exit__(None, None, None)])
    monkeypatch.setattr(leases.time, "sleep", lambda _s: next(naps)())
    with office.hold(BOARD):
        pass
    assert len(said) == 1
    assert "nano-1 is in use by" in said[0]
    assert "waiting for up to 60 s" in said[0]


def test_waiting_has_an_end(tmp_path: Path, said: list[str]) -> None:
    office = Leases(0.05, said.append, tmp_path)
    with office.hold(BOARD), pytest.raises(BusyError, match=r"in use after 0.05 s of waiting"):
        office.hold(BOARD).__enter__()


def test_a_board_is_one_board_whatever_it_is_named_by(office: Leases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path / "sys")
    desk.use(monkeypatch)
    desk.plug("1-2", PICO, "P1", "/dev/ttyACM0")
    desk.plug("1-3", PICO, "P2", "/dev/ttyACM1")
    by_serial = Device("a", "pico", "pico", None, 115200, 60.0, serial_number="P1")
    by_path = Device("b", "pico", "pico", None, 115200, 60.0, usb_path="1-2")
    by_port = Device("c", "pico", "pico", "/dev/ttyACM0", 115200, 60.0)
    everyone = (by_serial, by_path, by_port)
    for holder in everyone:
        with office.hold(holder):
            for other in everyone:
                with pytest.raises(BusyError):
                    office.hold(other).__enter__()
    with office.hold(by_serial):
        desk.plug("1-2", BOOTSEL)  # its user uploads
        with pytest.raises(BusyError):
            office.hold(by_path).__enter__()
        desk.plug("1-3", PICO, "P2", "/dev/ttyACM0")  # another board gets its port's number
        with office.hold(by_port):
            pass


def test_boards_with_one_serial_number_do_not_keep_each_other(
    office: Leases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(tmp_path / "sys")
    desk.use(monkeypatch)
    desk.plug("1-2", NANO, "0", "/dev/ttyACM0")
    desk.plug("1-3", NANO, "0", "/dev/ttyACM1")
    places = [Device(path, "nano33ble", "nano33ble", None, 115200, 60.0, usb_path=path) for path in ("1-2", "1-3")]
    with office.hold(places[0]), office.hold(places[1]):
        pass


@given(st.binary(max_size=40) | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()))
def test_any_bytes_are_a_lease_or_none(content: bytes) -> None:
    assert leases.parsed(content) is None


def test_a_damaged_file_is_nobodys_lease(office: Leases, tmp_path: Path) -> None:
    with office.hold(BOARD):
        (path,) = tmp_path.glob("*.json")
        path.write_text('{"token": "a"')
        with office.hold(BOARD) as renew:
            renew()


LEASE = Lease("t", "nano-1", ("port socket://127.0.0.1:5000",), "me", os.getpid(), process_start(os.getpid()), "here", 1.0, 9e9)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("pid", pid) for pid in (-1, 0, 2**40, "1")),
        *(("expires_s", expires) for expires in ("late", float("inf"), None)),
        *(("names", names) for names in ([], "port", [1])),
        ("token", 5),
        ("process_start", 5),
        ("user", None),
    ],
)
def test_a_lease_with_an_impossible_fact_is_nobodys(name: str, value: object) -> None:
    assert leases.parsed(json.dumps(asdict(LEASE)).encode()) == LEASE
    assert leases.parsed(json.dumps(asdict(LEASE) | {name: value}).encode()) is None


def test_the_start_of_a_process_is_told_where_there_is_one() -> None:
    assert process_start(os.getpid()) == process_start(os.getpid())
    assert process_start(4194304) is None


def test_a_renewal_costs_little(tmp_path: Path) -> None:
    with Leases(folder=tmp_path).hold(BOARD) as renew:
        (path,) = tmp_path.glob("*.json")
        written = path.stat().st_mtime_ns
        for _ in range(100):
            renew()
        assert path.stat().st_mtime_ns == written  # it is only looked at until a quarter of its term is over


def test_a_lock_that_hangs_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LONGEST_LOCK_S", 0.01)
    with leases.filelock.FileLock(tmp_path / "leases.lock"), pytest.raises(BusyError, match="for too long"):
        Leases(folder=tmp_path).hold(BOARD).__enter__()


class Slow(NamedTuple):
    """A device on which something happens while it infers."""

    meanwhile: Callable[[], None]
    retransmissions: int = 0

    def identify(self) -> None: ...
    def select(self, level: int) -> None: ...
    def infer(self, inputs: np.ndarray) -> np.ndarray:
        self.meanwhile()
        return inputs


def test_what_was_inferred_on_somebody_elses_board_is_not_returned(office: Leases, clock: Clock) -> None:
    ends: list[str] = []

    taker = office.hold(replace(BOARD, id="taker"))

    def sleep_through() -> None:
        clock.now_s += TERM_S
        taker.__enter__()

    meanwhile = iter([lambda: None, sleep_through])

    def call_next() -> None:
        next(meanwhile)()

    @contextmanager
    def connect(device: Device) -> Iterator[Any]:
        yield Slow(call_next)
        ends.append(device.id)

    board = Board(BOARD, connect, Repeats(2, 2), lambda *_: None, office.hold)
    inputs = np.zeros((1, 1))
    np.testing.assert_array_equal(board.infer(0, inputs), inputs)
    with pytest.raises(BusyError, match="not this run's any more"):
        board.infer(0, inputs)
    assert ends == ["nano-1"]  # the connection is given up at once
    with pytest.raises(BusyError, match="nano-1 is out of this run since an earlier failure"):
        board.infer(0, inputs)
    taker.__exit__(None, None, None)


def test_a_board_that_is_closed_can_be_used_by_others_and_again(office: Leases) -> None:
    seen: list[str] = []

    @contextmanager
    def connect(device: Device) -> Iterator[Any]:
        yield Slow(lambda: None)

    boards = Boards(connect, Repeats(2, 2), lambda device, _: seen.append(device.id), office.hold)
    for _ in range(2):
        boards[BOARD].infer(0, np.zeros((1, 1)))
        assert office.owner(BOARD) is not None
        boards[BOARD].close()
        with office.hold(BOARD):
            pass
    boards.close()
    assert seen == ["nano-1", "nano-1"]


def test_a_board_is_reserved_if_it_is_free_and_held_then(office: Leases, tmp_path: Path, clock: Clock) -> None:
    other = Leases(folder=tmp_path, now_s=clock)
    assert office.reserve(BOARD)
    assert office.reserve(BOARD)
    assert not other.reserve(BOARD)
    with office.hold(BOARD) as renew:
        renew()
        assert not other.reserve(BOARD)
    assert other.reserve(BOARD)
    other.give_back(BOARD)
    other.give_back(BOARD)
    assert office.owner(BOARD) is None
    assert office.reserve(Inventory.load().device("host"))
