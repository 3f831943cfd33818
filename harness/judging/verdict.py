"""What a comparison of two values can say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What became of a value from run A to run B."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"
    UNSTABLE = "unstable"  # looks different, but the noise is too large to tell
    MISSING = "missing"  # only in A
    NEW = "new"  # only in B, or measured under circumstances that ask for a new baseline
    FAILED = "failed"  # the test that measures it failed in B


@dataclass(frozen=True)
class Judgement:
    """The verdict on two values, and what it rests on.

    Attributes:
        change: relative to A; None where A's value is zero.
        noise: the smallest relative change that could be told from noise; None where there is none.
        p: probability of a difference at least as large by chance alone, where a test was made.
        reason: why it is not simply better, same or worse; empty otherwise.
    """

    verdict: Verdict
    change: float | None
    noise: float | None = None
    p: float | None = None
    reason: str = ""


def relative(difference: float, a: float) -> float | None:
    """A difference as a share of A's value, None where that is zero."""
    return difference / abs(a) if a else None


def direction(difference: float, better: str) -> Verdict:
    """BETTER or WORSE, for a difference B - A that matters; `better` is "lower" or "higher"."""
    return Verdict.BETTER if (difference < 0) == (better == "lower") else Verdict.WORSE
