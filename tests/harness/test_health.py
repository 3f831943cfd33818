"""The check of a device before its tests, with real firmware behind TCP and lies told on the far side of the wire."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness import device_state, health
from harness.health import Examination, check, unfit
from reds.errors import HealthError, NoRoomError
from targets.connect import connect
from targets.emulators import qemu
from targets.firmware import build
from targets.inventory import Device, Inventory
from targets.target import Clock, Identity, Loaded, Target, TimeRequest, Timing
from targets.wire.frames import Frame, FrameReader, encode
from targets.wire.messages import ANSWER_BIT, Verb
from tests.harness.running import MATRIX, Done, run_pytest
from tests.targets.bridge import Harm, on_tcp, unharmed

COMMANDS: dict[str, Callable[[], list[str]]] = {
    "native": lambda: [str(build("native").elf)],
    "nano33ble-emu": lambda: qemu.command(build("nano33ble-emu")),
}
COUNTER = itertools.count()
Change = Callable[[bytes], bytes]


class Lies:
    """Changes what a device answers to one verb, in frames that are whole."""

    def __init__(self, verb: Verb, change: Change) -> None:
        self._verb, self._change, self._reader = verb | ANSWER_BIT, change, FrameReader()

    def __call__(self, data: bytes) -> bytes:
        frames = [frame for frame in self._reader.feed(data) if isinstance(frame, Frame)]
        return b"".join(encode(self._changed(frame)) for frame in frames)

    def _changed(self, frame: Frame) -> Frame:
        return replace(frame, payload=self._change(frame.payload)) if frame.verb == self._verb and not frame.status else frame


@contextmanager
def board(environment: str, harm: Harm = unharmed) -> Iterator[Device]:
    """A board behind TCP that lies as told."""
    with on_tcp(COMMANDS[environment](), to_host=harm) as url:
        yield Device("nano", "nano33ble", environment, url, 115200, 60.0)


def of_rate(hz: int) -> Lies:
    return Lies(Verb.HELLO, lambda payload: payload[:8] + struct.pack("<I", hz) + payload[12:])


def one_bit(payload: bytes) -> bytes:
    return bytes([payload[0] ^ 1]) + payload[1:]


def ticks(change: Callable[[np.ndarray], np.ndarray]) -> Lies:
    return Lies(Verb.TIME, lambda payload: change(np.frombuffer(payload, "<u4").copy()).astype("<u4").tobytes())


@pytest.mark.parametrize("environment", COMMANDS)
def test_a_sound_device_passes(environment: str, tmp_path: Path) -> None:
    with board(environment) as device, connect(device, tmp_path) as target:
        check(device, target)


@pytest.mark.parametrize(
    ("environment", "lies", "says"),
    [
        ("native", Lies(Verb.INFER, one_bit), r"(?s)computes a known network wrongly.*[0-9]+ of 80 outputs of level 0 are wrong"),
        ("native", of_rate(1_000_000), r"(?s)clock of nano is not plausible.*by its clock of 1,000,000 Hz"),
        ("native", ticks(lambda values: values // 5000), "clock of nano is not plausible"),
        ("native", ticks(lambda values: values * 0), r"(?s)clock of nano is not plausible.*seen: 0 ms by its clock"),
        ("native", ticks(lambda values: values * 1000), r"clock of nano is not plausible"),
        ("nano33ble-emu", ticks(lambda values: values * 0), r"(?s)does not count its work in instructions.*\(0, 0\)"),
        ("nano33ble-emu", ticks(lambda values: np.minimum(values, 1000)), "does not count its work in instructions"),
        ("nano33ble-emu", ticks(lambda values: values + next(COUNTER)), "does not count its work in instructions"),
    ],
)
def test_a_device_that_is_not_sound_is_told_with_what_was_seen(environment: str, lies: Lies, says: str, tmp_path: Path) -> None:
    with board(environment, lies) as device, connect(device, tmp_path) as target, pytest.raises(HealthError, match=says):
        check(device, target)


class Busy:
    """A device beside which this computer is slow; all that is asked of it takes no time of this computer but what is told."""

    def __init__(self, slow: list[float]) -> None:
        self.now_s, self.slow, self.asked = 0.0, slow, 0

    def identify(self) -> Identity:
        return Identity(3, "nano", "f" * 64, Clock("microseconds", 1_000_000), "gcc", "1", frozenset(), 1000)

    def time(self, request: TimeRequest) -> Timing:
        self.asked += 1
        repeats = getattr(request, "repeats", 0)
        is_work = hasattr(request, "inputs")
        self.now_s += 0.001 + is_work * repeats * 0.001
        if is_work and repeats > 1 and self.slow:
            self.now_s += self.slow.pop(0)
        return Timing((1000 * is_work,) * repeats, self.identify().clock, 1)


def test_a_computer_that_was_busy_meanwhile_is_no_fault_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Busy([1.0, 1.0, 1.0])
    monkeypatch.setattr(health.time, "perf_counter", lambda: busy.now_s)
    health._check_time(DEVICE, busy, health.known_network("cortex-m4"), 1_000_000)  # pyright: ignore[reportArgumentType]
    never = Busy([1000.0] * 100)
    monkeypatch.setattr(health.time, "perf_counter", lambda: never.now_s)
    with pytest.raises(HealthError, match="not plausible"):
        health._check_time(DEVICE, never, health.known_network("cortex-m4"), 1_000_000)  # pyright: ignore[reportArgumentType]


DEVICE = Device("nano", "nano33ble", "nano33ble", "/dev/ttyACM0", 115200, 60.0)


def test_memory_that_does_not_hold_a_small_network_is_told() -> None:
    with pytest.raises(HealthError, match=r"(?s)no memory for a small network of 2 levels.*10 bytes for levels of 64, 8"):
        health._check_memory(DEVICE, Loaded(100, 10, (64, 8)), 2)


def test_a_device_is_checked_once_in_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    monkeypatch.setattr(health, "check", lambda device, target: checked.append(device.id))

    @contextmanager
    def reach(device: Device) -> Iterator[Target]:
        yield Busy([])  # pyright: ignore[reportReturnType]

    connect_checked = Examination().before(reach)
    for _ in range(2):
        with connect_checked(DEVICE):
            pass
    assert checked == ["nano"]


def test_one_that_failed_is_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = iter([NoRoomError("no room"), None])

    def fail_once(device: Device, target: Target) -> None:
        if (error := next(outcomes)) is not None:
            raise error

    @contextmanager
    def reach(device: Device) -> Iterator[Target]:
        yield Busy([])  # pyright: ignore[reportReturnType]

    monkeypatch.setattr(health, "check", fail_once)
    examination = Examination()
    connect_checked = examination.before(reach)
    with pytest.raises(NoRoomError), connect_checked(DEVICE):
        pass
    assert not examination.passed
    with connect_checked(DEVICE):
        assert examination.passed == {"nano"}


def test_only_boards_that_nobody_requires_are_left_out() -> None:
    examination = Examination()
    assert "nano is out of this run" in (unfit(DEVICE, examination, ()) or "")
    assert unfit(DEVICE, examination, {"nano"}) is None
    assert unfit(Inventory.load(Path("/dev/null")).device("host"), examination, ()) is None
    examination.passed.add("nano")
    assert unfit(DEVICE, examination, ()) is None


def run_on(device: Device, folder: Path, *arguments: str) -> Done:
    """A run of the latency tests on a board."""
    place = f'[devices.{device.id}]\nkind = "{device.kind}"\nenvironment = "{device.environment}"\nport = "{device.port}"\n'
    (folder / "devices.toml").write_text(place)
    fixed = ("--matrix", MATRIX, "--devices-file", folder / "devices.toml", "--results", folder / "results")
    return Done(run_pytest(*fixed, "--device", device.id, "-k", "latency", "-rs", *arguments), folder)


@pytest.mark.usefixtures("models")
def test_an_unsound_board_is_out_of_the_run_and_an_error_where_it_is_required(tmp_path: Path) -> None:
    failures = device_state.state("nano").failures
    (tmp_path / "required").mkdir()
    with board("nano33ble-emu", Lies(Verb.INFER, one_bit)) as device:
        left_out = run_on(device, tmp_path)
    with board("nano33ble-emu", Lies(Verb.INFER, one_bit)) as device:
        required = run_on(device, tmp_path / "required", "--require-device", "nano")

    assert left_out.process.returncode == 0, left_out.output
    assert "4 skipped" in left_out.output
    assert "nano is out of this run: it has not passed the check before its tests" in left_out.output
    assert "computes a known network wrongly" in left_out.output
    assert "of 80 outputs of level 0 are wrong" in left_out.output
    assert not left_out.run.measurements
    assert device_state.state("nano").failures == failures + 2
    assert required.process.returncode == 1
    assert "4 errors" in required.output
    assert "computes a known network wrongly" in required.output
    assert "out of this run since an earlier failure: nano computes a known network wrongly" in required.output
