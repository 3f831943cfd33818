"""What is kept of a device between runs, whatever becomes of its file."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import device_state
from harness.device_state import DeviceState, failed, parsed, seen, state
from reds.cache import CACHE_VARIABLE
from reds.errors import TransportError
from targets.inventory import Device
from targets.target import Clock, Identity
from targets.usb import SystemBus
from tests.targets.desk import BOOTSEL, PICO, Desk

NANO = Identity(2, "nano33ble", "a" * 64, Clock("cycles", 64_000_000), "gcc", "1", frozenset({"int8"}), 163840)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return tmp_path


def test_a_device_that_was_never_used_has_no_past() -> None:
    assert state("nano-1") == DeviceState()


def test_a_failure_is_counted_and_lasts_until_the_device_is_seen_again() -> None:
    seen("nano-1", NANO, "1-2")
    failed("nano-1", TransportError("the link broke"))
    failed("nano-1", TransportError("the link broke again"))
    broken = state("nano-1")
    assert (broken.firmware, broken.usb_path, broken.failures, broken.out) == ("a" * 64, "1-2", 2, "the link broke again")

    seen("nano-1", NANO)

    back = state("nano-1")
    assert (back.usb_path, back.failures, back.out) == ("1-2", 2, None)
    assert back.last_seen is not None
    assert back.last_seen.endswith("+00:00")
    assert state("nano-2") == DeviceState()


def test_no_failure_is_lost_between_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        for _ in range(40):
            pool.submit(failed, "nano-1", TransportError("x"))
    assert state("nano-1").failures == 40


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"3", b'{"failures": -1}', b"[" * 100_000])
def test_a_damaged_file_is_no_past_and_is_replaced(content: bytes) -> None:
    device_state._path("nano-1").write_bytes(content)
    assert state("nano-1") == DeviceState()
    failed("nano-1", TransportError("x"))
    assert state("nano-1").failures == 1


@given(st.binary(max_size=40))
def test_any_bytes_are_some_past(content: bytes) -> None:
    assert parsed(content).failures >= 0


json_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none(), max_size=2)


@given(st.dictionaries(st.sampled_from(["last_seen", "firmware", "usb_path", "failures", "out", "more"]), json_values))
def test_facts_of_another_type_are_left_out(facts: dict[str, object]) -> None:
    found = parsed(json.dumps(facts).encode())
    for name in ("last_seen", "firmware", "usb_path", "out"):
        assert getattr(found, name) == (facts.get(name) if isinstance(facts.get(name), str) else None)
    assert found.failures >= 0


def test_what_cannot_be_noted_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    seen("nano-1", NANO)
    monkeypatch.setattr(device_state, "write_whole", full)
    failed("nano-1", TransportError("x"))
    assert state("nano-1").failures == 0


def test_a_board_that_has_gone_into_bootsel_is_found_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path / "sys")
    desk.use(monkeypatch)
    board = Device("pico-1", "pico", "pico", None, 115200, 10.0, serial_number="P1")
    desk.plug("1-3", PICO, "P1", "/dev/ttyACM0")
    assert device_state.found_again(board, SystemBus()) == board
    desk.plug("1-3", BOOTSEL)
    assert device_state.found_again(board, SystemBus()) == board  # it was never seen there
    device_state.seen("pico-1", NANO, "1-3")
    assert device_state.found_again(board, SystemBus()) == replace(board, serial_number=None, usb_path="1-3")
    desk.unplug("1-3")
    assert device_state.found_again(board, SystemBus()) == board
