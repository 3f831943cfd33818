"""Times that the clock hardly resolves are refused, on boards."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.resolution import step_ticks, too_coarse
from targets.target import Clock, Timing
from tests.harness.test_health import board, run_on

MICROSECONDS, CYCLES = Clock("microseconds", 1_000_000), Clock("cycles", 64_000_000)


@pytest.mark.parametrize(
    ("samples", "clock", "refused"),
    [
        ((100,) * 5, MICROSECONDS, False),
        ((99,) * 5, MICROSECONDS, True),
        ((0, 0, 1, 0, 0), MICROSECONDS, True),
        ((-1,), CYCLES, True),
        ((6400, 6464, 6528, 6592, 6720), CYCLES, False),
        ((3200, 3264, 3328, 3392, 3520), CYCLES, True),  # a clock that is read in steps of 64
        ((17,), Clock("instructions", None), False),
        ((17,), Clock("model cycles", None), False),
    ],
)
def test_a_time_is_refused_where_the_clock_resolves_less_than_a_hundredth(
    samples: tuple[int, ...], clock: Clock, refused: bool
) -> None:
    reason = too_coarse(Timing(samples, clock, 5))
    assert (reason is not None) == refused


def test_what_was_seen_is_said() -> None:
    said = "the clock resolves 1 microseconds, more than 1% of the 0 that it measured"
    assert too_coarse(Timing((0, 1, 0), MICROSECONDS, 0)) == said


@given(st.integers(1, 1000), st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=5, unique=True))
def test_the_step_of_a_clock_is_seen_in_its_readings(step: int, least: int, steps: list[int]) -> None:
    timing = Timing(tuple(least + step * count for count in steps), CYCLES, 0)
    assert step_ticks(timing) % step == 0
    assert step_ticks(Timing(timing.samples[:4], CYCLES, 0)) == 1


@pytest.mark.usefixtures("models")
def test_a_run_says_which_times_were_refused_and_records_the_others(tmp_path: Path) -> None:
    with board("native") as device:
        done = run_on(device, tmp_path, "-k", "switching and int8")
    metrics = {m.metric for m in done.run.measurements}
    assert done.process.returncode == 0, done.output
    assert "refused: switch[100->50] on nano: the clock resolves 1 nanoseconds, more than 1% of the " in done.output
    assert "refused: switch[50->100] on nano" in done.output
    assert "switch" not in metrics
