"""Judges values measured in turns, A B B A ...: the difference of each round is free of what drifts from round to round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.judging.sampled import Samples
from harness.judging.thresholds import Threshold
from harness.judging.verdict import Judgement, Verdict, direction, relative
from harness.wording import counted

# Found by simulation (tests/benchmarks/judging.py). Lower than for separate runs: rounds share their drift.
SPREADS = 1.0
FEWEST_ROUNDS = 8  # fewer cannot be significant at 1 %


def judge(a: Sequence[float], b: Sequence[float], better: str, threshold: Threshold, *, unit: str = "") -> Judgement:
    """Effect size, significance (Wilcoxon's signed-rank test, two-sided) and noise floor together.

    Args:
        a, b: one value for each round, in the same order.
        better: "lower" or "higher".
        threshold: of the metric.
        unit: of the values, for the reason.
    """
    rounds = Samples(np.asarray(b, float) - np.asarray(a, float))
    median_a, median_b = float(np.median(a)), float(np.median(b))
    base = min(abs(median_a), abs(median_b))
    difference = pseudo_median(rounds.raw)
    floor = max(SPREADS * rounds.spread, threshold.noise * base)
    change, noise = relative(difference, median_a), relative(floor, base)
    too_small = abs(difference) <= threshold.matters(base)
    if len(rounds.raw) < FEWEST_ROUNDS:
        few = f"{counted(len(rounds.raw), 'round')}: too few to judge noise"
        return Judgement(Verdict.SAME if too_small else Verdict.UNSTABLE, change, reason="" if too_small else few)
    if too_small:
        return Judgement(
            Verdict.SAME, change, noise, reason=threshold.why_too_small(base, unit) if abs(difference) > floor else ""
        )
    if abs(difference) <= floor:
        return Judgement(Verdict.UNSTABLE, change, noise, reason="below the noise floor")
    p = signed_rank(rounds.raw)
    if p > threshold.significance:
        return Judgement(Verdict.UNSTABLE, change, noise, p, f"not significant, p {p:.2g}")
    return Judgement(direction(difference, better), change, noise, p)


def pseudo_median(differences: np.ndarray) -> float:
    """The median of the means of all pairs (Hodges and Lehmann 1963), the estimate that belongs to the signed-rank test."""
    i, j = np.triu_indices(len(differences))
    return float(np.median((differences[i] + differences[j]) / 2))


def signed_rank(differences: np.ndarray) -> float:
    """Two-sided p that the differences lie evenly around zero (Wilcoxon 1945)."""
    from scipy.stats import wilcoxon  # noqa: PLC0415 - only needed where sampled values are judged

    result: Any = wilcoxon(differences)
    return float(result.pvalue)
