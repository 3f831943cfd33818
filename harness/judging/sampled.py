"""Judges sampled values: a difference counts if it matters, is significant, and is larger than the device's noise.

Samples of one burst are not independent: a computer warms up, changes its frequency, or runs something else. A significance
test alone would call such drift a change. So a difference must also exceed the A/A noise floor: what two runs of the same program
on the same device differ by, as far as the spread and the drift within the runs tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.judging.thresholds import Threshold
from harness.judging.verdict import Judgement, Verdict, direction, relative

# Found by simulation (tests/benchmarks/judging.py): with these, noise of 1-10 % that is independent (normal, skewed, bimodal),
# and a ramp of at most one noise level in each run, give about 1 % false alarms or fewer. Steeper ramps, samples that depend on
# each other for longer than a run, and modes that last for a whole run give more: they need turns, or `Threshold.noise`.
SPREADS = 2.2  # the floor of independent samples, in spreads of a single sample: averaging is not trusted
DRIFT_SPREADS = 3.5  # the floor of samples that depend on the one before
DRIFT_SHIFTS = 2.5  # likewise, in shifts from a run's first half to its second
DEPENDENT = 0.5  # rank autocorrelation at lag 1 from which on samples count as dependent
FEWEST_SAMPLES = 5  # of each run: fewer cannot be significant at 1 %
_SPREAD_PERCENTILES = (16, 84)  # one standard deviation to each side, where the noise is normal


@dataclass(frozen=True)
class Samples:
    """The samples of one value in one run, in the order they were taken.

    Attributes:
        raw: shape (n,), in the unit of the metric.
    """

    raw: np.ndarray

    @classmethod
    def of(cls, samples: Sequence[float]) -> Samples:
        """From a record's samples."""
        return cls(np.asarray(samples, float))

    @cached_property
    def median(self) -> float:
        """Their median."""
        return float(np.median(self.raw))

    @cached_property
    def spread(self) -> float:
        """Half the distance of the 16th to the 84th percentile: a deviation that neither outliers nor two modes mislead."""
        low, high = np.percentile(self.raw, _SPREAD_PERCENTILES)
        return float(high - low) / 2

    @cached_property
    def drift(self) -> float:
        """Size of the shift from the first half to the second."""
        half = len(self.raw) // 2
        return abs(shift(self.raw[:half], self.raw[half:])) if half else 0.0

    @cached_property
    def rank_products(self) -> tuple[float, float]:
        """Sums over neighbours and over squares of the centred ranks: numerator and denominator of the autocorrelation."""
        _, place, counts = np.unique(self.raw, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # ties share their mean rank
        centred = ranks - ranks.mean()
        return float(centred[1:] @ centred[:-1]), float(centred @ centred)


def shift(a: np.ndarray, b: np.ndarray) -> float:
    """How far B lies from A: the median of all differences b - a (Hodges and Lehmann 1963), the estimate that belongs to the
    Mann-Whitney test. Unlike the difference of medians it does not jump where samples have two modes.
    """
    return float(np.median(b[None, :] - a[:, None]))


def relative_shift(a: Samples, b: Samples) -> float:
    """The size of their shift as a share of the smaller median; zero where that is zero."""
    base = _base(a, b)
    return abs(shift(a.raw, b.raw)) / base if base else 0.0


def dependent(a: Samples, b: Samples) -> bool:
    """Whether samples resemble their predecessors: rank autocorrelation at lag 1 over both runs (Wald and Wolfowitz 1943)."""
    products, squares = np.sum([a.rank_products, b.rank_products], axis=0)
    return bool(squares and products / squares > DEPENDENT)


def noise_floor(a: Samples, b: Samples, usual_spread: float = 0.0) -> float:
    """The A/A noise floor in the unit of the metric.

    Args:
        a, b: the samples of both runs.
        usual_spread: relative spread that is usual for the metric on the device; a value that happens to look quieter is
            not believed.
    """
    spread = max(float(np.hypot(a.spread, b.spread)) / 2**0.5, usual_spread * _base(a, b))
    if dependent(a, b):
        return max(DRIFT_SPREADS * spread, DRIFT_SHIFTS * max(a.drift, b.drift))
    return SPREADS * spread


def _base(a: Samples, b: Samples) -> float:
    """What relative numbers refer to: the smaller median, so that exchanging the runs exchanges better and worse."""
    return min(abs(a.median), abs(b.median))


def judge(a: Samples, b: Samples, better: str, threshold: Threshold, usual_spread: float = 0.0, *, unit: str = "") -> Judgement:
    """Effect size, significance (Mann-Whitney U, two-sided) and noise floor together; see docs/judging.md.

    Args:
        a, b: the samples of both runs.
        better: "lower" or "higher".
        threshold: of the metric.
        usual_spread: as for `noise_floor`.
        unit: of the samples, for the reason.
    """
    base = _base(a, b)
    floor = max(noise_floor(a, b, usual_spread), threshold.noise * base)
    difference = shift(a.raw, b.raw)
    change = relative(difference, a.median)
    too_small = abs(difference) <= threshold.matters(base)
    fewest = min(len(a.raw), len(b.raw))
    if fewest < FEWEST_SAMPLES:  # of which nobody knows the noise
        verdict = Verdict.SAME if too_small or fewest == 1 else Verdict.UNSTABLE
        reason = (
            ""
            if too_small
            else "a single sample is not judged"
            if fewest == 1
            else f"{fewest} samples are too few to judge noise"
        )
        return Judgement(verdict, change, reason=reason)
    noise = relative(floor, base)
    if too_small:
        return Judgement(
            Verdict.SAME, change, noise, reason=threshold.why_too_small(base, unit) if abs(difference) > floor else ""
        )
    if abs(difference) <= floor:
        drifting = "samples drift: " if dependent(a, b) else ""
        return Judgement(Verdict.UNSTABLE, change, noise, reason=f"{drifting}below the noise floor")
    p = mann_whitney(a.raw, b.raw)
    if p > threshold.significance:
        return Judgement(Verdict.UNSTABLE, change, noise, p, f"not significant, p {p:.2g}")
    return Judgement(direction(difference, better), change, noise, p)


def mann_whitney(a: np.ndarray, b: np.ndarray) -> float:
    """Two-sided p that neither run's samples tend to be larger (Mann and Whitney 1947)."""
    from scipy.stats import mannwhitneyu  # noqa: PLC0415 - only needed where sampled values are judged

    return float(mannwhitneyu(a, b).pvalue)


def usual_spreads(groups: Mapping[object, Sequence[Samples]]) -> dict[object, float]:
    """For each group of values (a metric on a device) the median of their relative spreads."""
    spreads = {key: [s.spread / abs(s.median) for s in group if s.median] for key, group in groups.items()}
    return {key: float(np.median(values)) for key, values in spreads.items() if values}
