"""Judges accuracy: is the difference larger than the choice of test samples explains?"""

from __future__ import annotations

import math
from typing import Any

from harness.judging.thresholds import Threshold
from harness.judging.verdict import Judgement, Verdict, direction, relative
from harness.records import Measurement


def judge(a: Measurement, b: Measurement, threshold: Threshold) -> Judgement:
    """McNemar's exact test where both runs say which of the same inputs were right, Fisher's exact test where they only count."""
    if a.correct is not None and b.correct is not None and a.sample_indices == b.sample_indices:
        pairs = list(zip(a.correct, b.correct, strict=True))
        lost, gained = pairs.count(("1", "0")), pairs.count(("0", "1"))
        p = mcnemar(lost, gained)
        reason = f"{lost} of {len(pairs)} inputs lost, {gained} gained, p {p:.2g}" if lost or gained else ""
    elif a.sample_count and b.sample_count:
        right = round(a.value * a.sample_count), round(b.value * b.sample_count)
        p = fisher(right[0], a.sample_count, right[1], b.sample_count)
        counts = f"{right[0]} of {a.sample_count} right, then {right[1]} of {b.sample_count}"
        reason = f"{counts}, p {p:.2g}" if a.value != b.value else ""
    else:
        raise ValueError(f"{a.metric} without a number of samples")
    difference = b.value - a.value
    verdict = direction(difference, a.better) if difference and p <= threshold.significance else Verdict.SAME
    return Judgement(verdict, relative(difference, a.value), p=p, reason=reason)


def mcnemar(lost: int, gained: int) -> float:
    """Two-sided p of McNemar's exact test: of the inputs whose result changed, as many are lost as gained (a binomial of 1/2).

    McNemar 1947, Psychometrika 12(2); the exact form conditions on the number of discordant pairs.
    """
    changed = lost + gained
    tail = sum(math.comb(changed, k) for k in range(min(lost, gained) + 1))
    return min(1.0, 2 * tail / 2**changed)


def fisher(right_a: int, count_a: int, right_b: int, count_b: int) -> float:
    """Two-sided p of Fisher's exact test that both shares are the same: for two binomials, given how many are right in all."""
    from scipy.stats import fisher_exact  # noqa: PLC0415 - only needed where values are judged

    result: Any = fisher_exact([[right_a, count_a - right_a], [right_b, count_b - right_b]])
    return float(result.pvalue)
