"""A measurement is refused where the clock resolves too little of it: its value would be what the clock happens to show."""

from __future__ import annotations

import math
import statistics
from itertools import pairwise

from targets.target import Timing

COARSEST = 0.01  # of what is measured
FEWEST_VALUES = 5  # that differ: with fewer, a common step of theirs may be chance


def step_ticks(timing: Timing) -> int:
    """What the clock resolves, in its units: the step that its readings show, or one unit where they show none.

    A clock that is finer than it can be read in steps (64 units at a time, say) gives samples that lie whole steps apart.
    """
    values = sorted(set(timing.samples))
    if len(values) < FEWEST_VALUES:
        return 1
    return math.gcd(*(b - a for a, b in pairwise(values)))


def too_coarse(timing: Timing) -> str | None:
    """Why a measurement is refused; None if the clock resolves a hundredth of it.

    Counts of work are exact, however small, and never refused.
    """
    if timing.clock.deterministic:
        return None
    measured, step = statistics.median(timing.samples), step_ticks(timing)
    if step <= COARSEST * measured:
        return None
    return f"the clock resolves {step} {timing.clock.kind}, more than {COARSEST:.0%} of the {measured:g} that it measured"


def accepted(_timing: Timing) -> str | None:
    """Refuses nothing."""
    return None
