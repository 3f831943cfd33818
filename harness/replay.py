"""Hands times that a device measured to pytest-benchmark, so that its statistics, tables and storage hold them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Protocol

from reds.errors import ConfigError
from targets.target import Timing


class BenchmarkFixture(Protocol):
    """What is used of pytest-benchmark's fixture."""

    def pedantic(self, target: Callable[[], None], *, setup: Callable[[], None], rounds: int) -> None:
        """Per round: call `setup`, read the timer, call `target`, read the timer."""
        ...


class DeviceClock:
    """A timer for pytest-benchmark that shows a device's time instead of this computer's."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def __call__(self) -> float:
        """Seconds of device time since the round began."""
        return self._now_s

    def replay(self, timing: Timing, benchmark: BenchmarkFixture) -> None:
        """Let pytest-benchmark see one round for each sample, as long as the sample says.

        Raises:
            ConfigError: the unit of the device's clock is not time.
        """
        hz = timing.clock.hz
        if hz is None:
            raise ConfigError(f"a count of {timing.clock.kind} is not a time")
        samples_s = cycle(sample / hz for sample in timing.samples)
        benchmark.pedantic(lambda: self._show(next(samples_s)), setup=lambda: self._show(0.0), rounds=len(timing.samples))

    def _show(self, now_s: float) -> None:
        self._now_s = now_s
