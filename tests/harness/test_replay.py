"""Handing device times to pytest-benchmark."""

import pytest

from harness.replay import DeviceClock
from reds.errors import ConfigError
from targets.target import Clock, Timing

MICROSECONDS = Clock("microseconds", 1_000_000)


class Benchmark:
    """Does with the timer what pytest-benchmark does."""

    def __init__(self, clock: DeviceClock) -> None:
        self.clock, self.rounds_s = clock, []

    def pedantic(self, target, *, setup, rounds: int) -> None:
        for _ in range(rounds):
            setup()
            start = self.clock()
            target()
            self.rounds_s.append(self.clock() - start)


def test_each_round_takes_as_long_as_its_sample() -> None:
    clock = DeviceClock()
    benchmark = Benchmark(clock)

    clock.replay(Timing((7, 5, 5, 1_000_000), MICROSECONDS, overhead=0), benchmark)

    assert benchmark.rounds_s == [7e-6, 5e-6, 5e-6, 1.0]


def test_a_count_that_is_not_time_is_refused() -> None:
    clock = DeviceClock()

    with pytest.raises(ConfigError, match="a count of instructions is not a time"):
        clock.replay(Timing((7,), Clock("instructions", None), overhead=0), Benchmark(clock))
