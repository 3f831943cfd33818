"""Where a series of values, one for each run, changes its level.

A value that the same inputs always give changes where it differs from the one before. A value measured by a running clock is
noise around levels: the levels are the piecewise-constant function that minimises squared error plus a penalty for each change,
found exactly by dynamic programming (B. Jackson et al., "An algorithm for optimal partitioning of data on an interval", IEEE
Signal Processing Letters 2005).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MIN_RUNS_PER_LEVEL = 2  # one run apart from the others is an outlier, not a level
MIN_RUNS = 6  # fewer say too little about the noise
OUTLIER_SIGMAS = 3.0
WINDOW = 5  # runs; their median keeps a step of three and drops an outlier of two

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
    if len(values) < MIN_RUNS:
        return []
    series = np.asarray(values, dtype=np.float64)
    sigma = noise(series)
    if sigma == 0:
        return []
    scaled = (_without_outliers(series, sigma) - np.median(series)) / sigma
    penalty = PENALTY * (1 + SHORT_SERIES / len(series)) * np.log(len(series))
    return optimal_partition(scaled, float(penalty))


def optimal_partition(series: np.ndarray, penalty: float) -> list[int]:
    """Starts of all segments but the first, in the partition of least squared error plus `penalty` for each change.

    Every segment has at least MIN_RUNS_PER_LEVEL values. The time is quadratic: 10 ms for 1,000 values.

    Args:
        series: (runs,) float64, around zero: sums of squares lose the precision that an offset takes.
        penalty: in the unit of the squared error.
    """
    count = len(series)
    sums = np.concatenate([[0.0], np.cumsum(series)])
    # least[end]: of series[:end], without the sum of squares, which is the same for every partition.
    least = np.full(count + 1, np.inf)
    least[0] = -penalty
    start_of_last = np.zeros(count + 1, dtype=np.int64)
    lengths = np.arange(count, 0, -1, dtype=np.float64)
    for end in range(MIN_RUNS_PER_LEVEL, count + 1):
        starts = end - MIN_RUNS_PER_LEVEL + 1  # 0 .. starts - 1
        totals = least[:starts] - (sums[end] - sums[:starts]) ** 2 / lengths[count - end : count - end + starts]
        best = int(np.argmin(totals))
        least[end], start_of_last[end] = totals[best] + penalty, best
    changes = []
    end = count
    while (end := int(start_of_last[end])) > 0:
        changes.append(end)
    return changes[::-1]


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
