"""Judges deterministic values: the same work gives the same number, so that every difference is one."""

from __future__ import annotations

from harness.judging.thresholds import Threshold
from harness.judging.verdict import Judgement, Verdict, direction, relative
from harness.records import Measurement


def differs(a: Measurement, b: Measurement, tolerance: float) -> bool:
    """Whether two values are further apart than a share of the smaller one; with tolerance 0, whether they are not equal."""
    return abs(b.value - a.value) > tolerance * min(abs(a.value), abs(b.value))


def judge(a: Measurement, b: Measurement, threshold: Threshold) -> Judgement:
    """Equality, or the metric's tolerance."""
    difference = b.value - a.value
    verdict = direction(difference, a.better) if differs(a, b, threshold.tolerance) else Verdict.SAME
    return Judgement(verdict, relative(difference, a.value))
