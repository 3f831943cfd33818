"""Devices that answer and still must not be measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import health
from harness.health import FEW, MANY, check_health, probe
from harness.run_file import read
from reds.errors import DeviceError, TimedOutError, UnhealthyError
from targets.connect import connect
from targets.inventory import Inventory
from targets.target import Clock, Identity, InferenceTime, Loaded, Target, TimeRequest, Timing
from tests.harness.running import MATRIX, run_pytest

pytestmark = pytest.mark.toolchain


class Changed:
    """A real device with one of its answers changed."""

    def __init__(self, target: Target, **changes: Callable) -> None:
        self._target, self._changes = target, changes

    retransmissions = 0

    def _through(self, name: str, answer: Any) -> Any:
        return self._changes.get(name, lambda given: given)(answer)

    def identify(self) -> Identity:
        return self._through("identify", self._target.identify())

    def load(self, image: bytes) -> Loaded:
        return self._through("load", self._target.load(image))

    def select(self, level: int) -> None:
        self._target.select(level)

    def infer(self, inputs: np.ndarray) -> np.ndarray:
        return self._through("infer", self._target.infer(inputs))

    def time(self, request: TimeRequest) -> Timing:
        return self._through("time", self._target.time(request))

    def close(self) -> None:
        self._target.close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Target]:
    with connect(Inventory.built_in().device("host"), tmp_path) as target:
        yield target


def clock(*steps: float) -> Callable[[], float]:
    """This computer's clock, which goes on by these steps."""
    times = iter(np.cumsum([0.0, *steps]))
    return lambda: float(next(times))


def timing(ticks: int, kind: str = "cycles", hz: int | None = 1_000_000) -> Callable[[Timing], Timing]:
    """Each inference takes so many ticks."""
    return lambda given: Timing((ticks,) * len(given.samples), Clock(kind, hz), 0)


@pytest.mark.parametrize("name", ["host", "nano33ble-emu", "pico-emu"])
def test_a_healthy_device_passes(name: str, tmp_path: Path) -> None:
    from targets.availability import check

    device = Inventory.built_in().device(name)
    if not (availability := check(device)).available:
        pytest.skip(f"{name}: {availability.reason}")
    with connect(device, tmp_path) as target:
        check_health(name, target)


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_the_probe_is_the_same_whenever_it_is_made(precision: str) -> None:
    first = probe(precision)
    probe.cache_clear()
    assert probe(precision).content == first.content
    assert len(first.content) < 8192
    assert len(set(first.outputs.argmax(axis=1).tolist())) > 1  # a device that says the same always is found


def test_a_wrong_answer_is_found(host: Target) -> None:
    def bent(outputs: np.ndarray) -> np.ndarray:
        outputs = outputs.copy()
        outputs[1, 2] += 1
        return outputs

    with pytest.raises(UnhealthyError, match=r"(?s)host computes a known network wrongly.*1 of 16 outputs.*do: reset the board"):
        check_health("host", Changed(host, infer=bent))


def test_float_answers_may_round_and_must_be_numbers(host: Target) -> None:
    identity = replace(host.identify(), precisions=frozenset({"float32"}))
    check_health("host", Changed(host, identify=lambda _: identity, infer=lambda outputs: outputs + np.float32(5e-5)))
    with pytest.raises(UnhealthyError, match="computes a known network wrongly"):
        check_health("host", Changed(host, identify=lambda _: identity, infer=lambda outputs: outputs * np.nan))


def test_too_little_memory_is_found(host: Target) -> None:
    with pytest.raises(UnhealthyError, match=r"(?s)no memory for a small network.*1 bytes of arena"):
        check_health("host", Changed(host, load=lambda loaded: replace(loaded, arena_bytes=1)))

    def refused(_: Loaded) -> Loaded:
        raise DeviceError("refused", seen="corrupt")

    with pytest.raises(UnhealthyError, match=r"(?s)does not take a small image.*corrupt"):
        check_health("host", Changed(host, load=refused))


def test_a_link_that_fails_is_no_illness(host: Target) -> None:
    def silent(_: np.ndarray) -> np.ndarray:
        raise TimedOutError("no answer")

    with pytest.raises(TimedOutError):
        check_health("host", Changed(host, infer=silent))


def test_a_clock_that_goes_with_this_computers_is_plausible(host: Target) -> None:
    """200 inferences of 100 us, and a link that takes 5 ms."""
    check_health("b", Changed(host, time=timing(100)), clock(0.005 + FEW * 1e-4, 0, 0.005 + MANY * 1e-4))


@pytest.mark.parametrize("ticks", [6400, 1])
def test_a_clock_that_goes_wrong_is_found(host: Target, ticks: int) -> None:
    """As if it were said to run at 1 MHz and ran at 64, or the other way round."""
    with pytest.raises(UnhealthyError, match=r"(?s)b has a clock that goes wrong.*ms of 19\.80 ms"):
        check_health("b", Changed(host, time=timing(ticks)), clock(0.005 + FEW * 1e-4, 0, 0.005 + MANY * 1e-4))


def test_a_clock_that_stands_still_is_found(host: Target) -> None:
    with pytest.raises(UnhealthyError, match="has a clock that stands still"):
        check_health("b", Changed(host, time=timing(0)))


@pytest.mark.parametrize("samples", [(5, 6), (0, 0)])
def test_counts_of_the_same_work_are_the_same(host: Target, samples: tuple[int, int]) -> None:
    counted = Timing(samples, Clock("instructions", None), 0)
    with pytest.raises(UnhealthyError, match="counts the same work differently"):
        check_health("b", Changed(host, time=lambda _: counted))


def test_what_is_too_short_to_compare_is_not(host: Target) -> None:
    check_health("b", Changed(host, time=timing(6400)), clock(0.005, 0, 0.005))
    assert health.LEAST_S > 0
    assert isinstance(InferenceTime(0, probe("int8").inputs[0], FEW).repeats, int)


SICK = """
from reds.errors import UnhealthyError

def sick(device_id, target, clock=None):
    raise UnhealthyError(f"{device_id} computes a known network wrongly", seen="1 of 16 outputs")

def pytest_configure(config):
    from harness import fixtures
    fixtures.check_health = sick
"""


class TestInARun:
    @pytest.fixture
    def arguments(self, models: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str | Path, ...]:
        """Of a run on a device that is not healthy."""
        (tmp_path / "sick.py").write_text(SICK)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return "-p", "sick", "--matrix", MATRIX, "--results", tmp_path / "results", "-k", "test_latency and int8"

    def test_its_tests_are_skipped_and_say_why(self, arguments: tuple[str | Path, ...], tmp_path: Path) -> None:
        done = run_pytest(*arguments)
        assert done.returncode == 0, done.stdout
        assert "host computes a known network wrongly" in done.stdout
        outcomes = read(next((tmp_path / "results").glob("*.jsonl"))).outcomes
        assert {(outcome.outcome, outcome.cause) for outcome in outcomes} == {("skipped", "unhealthy")}
        first, second = outcomes
        assert "1 of 16 outputs" in str(first.reason)
        assert "out of this run since an earlier failure: host computes" in str(second.reason)

    def test_one_that_is_required_fails_them(self, arguments: tuple[str | Path, ...]) -> None:
        done = run_pytest(*arguments, "--require-device", "host")
        assert done.returncode == 1, done.stdout
        assert "computes a known network wrongly" in done.stdout
