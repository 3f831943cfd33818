"""Change points: steps are found where they are, noise is not taken for one."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.change_points import AT_ONCE, MIN_RUNS, MIN_RUNS_PER_LEVEL, of_each_noisy, of_exact, of_noisy, optimal_partitions

NOISES = {
    "normal": lambda random, count: random.normal(0, 1, count),
    "skewed": lambda random, count: random.lognormal(0, 0.5, count),
    "with outliers": lambda random, count: random.normal(0, 1, count) + 30 * (random.random(count) < 0.01),
    "coarse": lambda random, count: np.round(random.normal(0, 0.3, count)),
}


@given(st.lists(st.sampled_from([1, 1.5, 2, -3])))
def test_exact_values_change_where_they_differ(values: list[float]) -> None:
    found = of_exact(values)

    levels = np.split(np.array(values), found)
    assert all(len(set(level)) <= 1 for level in levels)
    assert all(before[-1] != after[0] for before, after in pairwise(levels))


def squared_error(series: np.ndarray, changes: Sequence[int]) -> float:
    return sum(float(np.sum((level - level.mean()) ** 2)) for level in np.split(series, changes))


def partitions(count: int) -> Iterator[list[int]]:
    """Every way to cut a series into levels of at least two runs."""
    for cuts in product([False, True], repeat=count - 1):
        changes = [position for position, cut in enumerate(cuts, start=1) if cut]
        if all(end - start >= MIN_RUNS_PER_LEVEL for start, end in pairwise([0, *changes, count])):
            yield changes


@given(
    values=st.lists(st.integers(-20, 20), min_size=2, max_size=10),
    penalty=st.sampled_from([0.5, 3.25, 20.125, 100.0625]),
)
def test_no_other_partition_is_better(values: list[int], penalty: float) -> None:
    series = np.array(values, dtype=np.float64)

    (found,) = optimal_partitions(series[np.newaxis], penalty)

    least = min(squared_error(series, changes) + penalty * len(changes) for changes in partitions(len(values)))
    assert found in list(partitions(len(values)))
    assert squared_error(series, found) + penalty * len(found) == pytest.approx(least)


@given(
    levels=st.lists(st.integers(-5, 5), min_size=1, max_size=5),
    lengths=st.lists(st.integers(8, 30), min_size=5, max_size=5),
    scale=st.sampled_from([1e-6, 1.0, 1e9]),
)
def test_steps_far_above_the_noise_are_found_exactly(levels: list[int], lengths: list[int], scale: float) -> None:
    pieces = [np.full(length, 1000.0 + 30 * level) for level, length in zip(levels, lengths, strict=False)]
    values = np.concatenate(pieces)
    noise = np.where(np.arange(len(values)) % 2, 1.0, -1.0)
    starts = np.cumsum([len(piece) for piece in pieces])
    expected = [int(start) for start, (a, b) in zip(starts, pairwise(levels), strict=False) if a != b]

    assert of_noisy((scale * (values + noise)).tolist()) == expected


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("count", [6, 10, 30, 100, 400])
def test_false_alarms_are_rare_in_series_of_any_length(noise: str, count: int) -> None:
    random = np.random.default_rng(7)
    series = 400 if count < 400 else 100

    alarms = sum(bool(of_noisy(1000 + NOISES[noise](random, count))) for _ in range(series))

    assert alarms / series <= 0.04  # about 1 % where noise is normal


@pytest.mark.parametrize(("count", "since"), [(12, 4), (30, 4), (30, 15), (200, 4), (200, 100)])
def test_a_step_of_six_sigmas_is_found(count: int, since: int) -> None:
    random = np.random.default_rng(3)
    step = np.where(np.arange(count) >= count - since, 6.0, 0.0)

    found = [of_noisy(100 + step + random.normal(0, 1, count)) for _ in range(100)]

    assert sum(any(abs(position - (count - since)) <= 1 for position in positions) for positions in found) >= 95


def test_a_step_does_not_blind_the_detector_for_the_next() -> None:
    random = np.random.default_rng(1)
    values = np.concatenate([np.full(20, 100.0), np.full(20, 1000.0), np.full(20, 1010.0)]) + random.normal(0, 1, 60)

    assert of_noisy(values) == [20, 40]


def test_many_series_at_once_change_where_each_alone_does() -> None:
    random = np.random.default_rng(4)
    many = []
    for index in range(AT_ONCE + 40):
        count = int(random.choice([0, 3, 20, 60]))
        many.append(100 + 8 * (np.arange(count) >= random.integers(1, 60)) + (index % 5 > 0) * random.normal(0, 1, count))

    found = of_each_noisy(many)

    assert found == [of_noisy(values) for values in many]
    assert {len(changes) for changes in found} >= {0, 1}


def test_single_outliers_make_no_level() -> None:
    values = 100 + np.random.default_rng(5).normal(0, 1, 40)
    values[[7, 20, 39]] = 500

    assert of_noisy(values) == []


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 9.0] * ((MIN_RUNS - 1) // 2), [5.0] * 50])
def test_too_few_or_equal_values_change_nowhere(values: list[float]) -> None:
    assert of_noisy(values) == []
