"""Values over many runs: what a figure leaves out, and that a page stays small however many runs there are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import readings
from harness.history import Series, series
from harness.readings import RunReadings
from harness.report import collect
from harness.report.histories import FEWEST, MOST, figures, kept
from harness.report.page import render
from tests.benchmarks.store import keys
from tests.harness.examples import a_measurement
from tests.harness.full_run import a_full_run
from tests.harness.storing import file_of, run_of_day

RUNS = 1000
MOST_BYTES = 3_000_000


def a_series(values: list[float], **facts: object) -> Series:
    """The history of one value."""
    runs = [file_of(run_of_day(day), [a_measurement(value=value, **facts)]) for day, value in enumerate(values)]
    (one,) = series(map(readings.of_run, runs))
    return one


@given(values=st.lists(st.integers(0, 3).map(float), min_size=2, max_size=60), most=st.integers(FEWEST, MOST))
def test_ends_and_steps_are_kept_and_little_else(values: list[float], most: int) -> None:
    one = a_series(values)

    positions = kept(one, most)

    assert sorted(set(positions)) == positions
    assert {0, len(values) - 1} <= set(positions)
    assert len(positions) <= most + 2
    if 2 * len(one.steps) <= most:
        assert {p for step in one.steps for p in (step.position - 1, step.position)} <= set(positions)
    if len(positions) < most:  # then nothing that a line shows is lost
        assert np.interp(range(len(values)), positions, [values[p] for p in positions]).tolist() == values


def test_noise_is_thinned_evenly() -> None:
    noise = np.random.default_rng(0).normal(1000, 1, 900).tolist()

    positions = kept(a_series(noise, unit="nanoseconds", deterministic=False), MOST)

    assert len(positions) == MOST // 4
    assert max(right - left for left, right in pairwise(positions)) <= 2 * 900 / (MOST // 4)


def test_the_caption_says_what_is_left_out() -> None:
    (few,) = figures([a_series([1.0, 2.0, 3.0])])
    (many,) = figures([a_series([1.0] * 10 + [2.0] * 10)])

    assert few.caption.endswith("3 runs, oldest first.")
    assert "20 runs, oldest first; 4 of 20 points: left out are those that repeat" in many.caption
    assert [row["order"] for row in many.rows] == [1, 10, 11, 20]


@pytest.mark.slow
def test_a_page_with_the_history_of_a_thousand_runs_stays_small() -> None:
    measured = [m for m in keys() if m.metric in ("latency", "accuracy")]
    noise = np.random.default_rng(0).normal(0, 0.02, (RUNS, len(measured)))
    quantities = [readings.quantity_of(m.key, m.unit, m.better, m.deterministic) for m in measured]
    past = []
    for day in range(RUNS):  # the worst case: every value changes from run to run
        values = (1000 * (1 + noise[day])).round(1).tolist()
        found = tuple((q, value, "b") for q, value in zip(quantities, values, strict=True))
        past.append(RunReadings(run_of_day(day), {}, found))

    assert len(render(collect(a_full_run(), past=past)).encode()) < MOST_BYTES
