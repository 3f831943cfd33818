"""Where a series of values, one for each run, changes its level.

A value that the same inputs always give changes where it differs from the one before. A value measured by a running clock is
noise around levels: the levels are the piecewise-constant function that minimises squared error plus a penalty for each change,
found exactly by dynamic programming (B. Jackson et al., "An algorithm for optimal partitioning of data on an interval", IEEE
Signal Processing Letters 2005).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

MIN_RUNS_PER_LEVEL = 2  # one run apart from the others is an outlier, not a level
MIN_RUNS = 6  # fewer say too little about the noise
OUTLIER_SIGMAS = 3.0
WINDOW = 5  # runs; their median keeps a step of three and drops an outlier of two

AT_ONCE = 32  # series of one length, as many as fit the processor's cache
LEAST_SHARE_OF_RANGE = 1e-6  # of noise: what is smaller is lost in sums of squares, and to any reader

# For three quarters of the differences of independent normal values: |difference| < 1.1503 * sqrt(2) * sigma.
QUARTILE_OF_DIFFERENCES = 1.1503 * 2**0.5

# The Bayesian criterion for the mean and the place of a change is 3 log(n) in units of the variance (N. R. Zhang, D. O. Siegmund,
# Biometrics 2007). The variance of a short series is itself uncertain: the second constant keeps false alarms near 1 % of series
# of any length (see the tests).
PENALTY = 3.0
SHORT_SERIES = 20.0


def of_exact(values: Sequence[float]) -> list[int]:
    """Positions of the values that differ from the one before."""
    return [position for position in range(1, len(values)) if values[position] != values[position - 1]]


def of_noisy(values: Sequence[float] | np.ndarray) -> list[int]:
    """Positions at which a new level begins.

    Single outliers move no level; two runs at the end are the least that make a new one. Drift shows as several small changes.

    Args:
        values: (runs,), at least MIN_RUNS of them; otherwise no change can be told from noise and the list is empty.
    """
    return of_each_noisy([values])[0]


def of_each_noisy(many: Sequence[Sequence[float] | np.ndarray]) -> list[list[int]]:
    """`of_noisy` of many series; those of one length are partitioned together, which takes a fraction of the time."""
    found: list[list[int]] = [[] for _ in many]
    of_length: dict[int, list[tuple[int, np.ndarray]]] = defaultdict(list)
    for index, values in enumerate(many):
        series = np.asarray(values, dtype=np.float64)
        sigma = noise(series) if len(series) >= MIN_RUNS else 0.0
        if sigma:
            scaled = (_without_outliers(series, sigma) - np.median(series)) / sigma
            of_length[len(series)].append((index, scaled))
    for length, alike in of_length.items():
        penalty = PENALTY * (1 + SHORT_SERIES / length) * float(np.log(length))
        for some in (alike[start : start + AT_ONCE] for start in range(0, len(alike), AT_ONCE)):
            partitions = optimal_partitions(np.stack([scaled for _, scaled in some]), penalty)
            for (index, _), changes in zip(some, partitions, strict=True):
                found[index] = changes
    return found


def optimal_partitions(series: np.ndarray, penalty: float) -> list[list[int]]:
    """For each series the starts of all segments but the first.

    The partition is the one of least squared error plus `penalty` for each change, of segments of at least MIN_RUNS_PER_LEVEL
    values. The time is quadratic in the runs: 10 ms for one series of 1,000.

    Args:
        series: (series, runs) float64, around zero: sums of squares lose the precision that an offset takes.
        penalty: in the unit of the squared error.
    """
    rows, count = series.shape
    sums = np.concatenate([np.zeros((rows, 1)), np.cumsum(series, axis=1)], axis=1)
    # least[:, end]: of series[:, :end], without the sum of squares, which is the same for every partition.
    least = np.full((rows, count + 1), np.inf)
    least[:, 0] = -penalty
    start_of_last = np.zeros((rows, count + 1), dtype=np.int64)
    lengths = np.arange(count, 0, -1, dtype=np.float64)
    totals = np.empty((rows, count))
    every = np.arange(rows)
    for end in range(MIN_RUNS_PER_LEVEL, count + 1):
        starts = end - MIN_RUNS_PER_LEVEL + 1  # 0 .. starts - 1
        total = totals[:, :starts]
        np.subtract(sums[:, end, np.newaxis], sums[:, :starts], out=total)
        np.square(total, out=total)
        np.divide(total, lengths[count - end : count - end + starts], out=total)
        np.subtract(least[:, :starts], total, out=total)
        best = total.argmin(axis=1)
        least[:, end], start_of_last[:, end] = total[every, best] + penalty, best
    return [_changes(of_one.tolist()) for of_one in start_of_last]


def _changes(start_of_last: Sequence[int]) -> list[int]:
    """The starts of segments, from the start of the last segment of each beginning of the series."""
    found = []
    end = len(start_of_last) - 1
    while (end := start_of_last[end]) > 0:
        found.append(end)
    return found[::-1]


def noise(series: np.ndarray) -> float:
    """Standard deviation of the noise around the levels, in the unit of the values; 0 if all are equal.

    Taken from differences of neighbours, of which a step spoils one only: a deviation over the whole series would grow with the
    step that it is to find.
    """
    differences = np.abs(np.diff(series))
    quartile = np.quantile(differences, 0.75) / QUARTILE_OF_DIFFERENCES
    # Zero where most neighbours are equal (a coarse clock): then the few that differ are all there is to go by.
    sigma = float(quartile) or float(np.sqrt(np.mean(differences**2) / 2))
    return max(sigma, LEAST_SHARE_OF_RANGE * float(np.ptp(series)))


def _without_outliers(series: np.ndarray, sigma: float) -> np.ndarray:
    """Values clipped to the median of their neighbourhood and OUTLIER_SIGMAS around it."""
    half = WINDOW // 2
    medians = np.median(np.lib.stride_tricks.sliding_window_view(series, WINDOW), axis=1)
    first = [np.median(series[: i + half + 1]) for i in range(half)]
    last = [np.median(series[i - half :]) for i in range(len(series) - half, len(series))]
    medians = np.concatenate([first, medians, last])
    return np.clip(series, medians - OUTLIER_SIGMAS * sigma, medians + OUTLIER_SIGMAS * sigma)
