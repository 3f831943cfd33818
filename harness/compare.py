"""Two runs side by side: what is the same, what changed, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from harness.records import Key, Measurement


class Verdict(StrEnum):
    """What became of a value from run A to run B."""

    IDENTICAL = "identical"
    BETTER = "better"
    WORSE = "worse"
    NOISY = "noisy"  # measured by a clock that runs: shown, not judged
    UNIT = "other unit"
    ONLY_A = "only in A"
    ONLY_B = "only in B"


DIFFERENT = frozenset({Verdict.BETTER, Verdict.WORSE, Verdict.UNIT})


@dataclass(frozen=True)
class Comparison:
    """One measured quantity in two runs.

    Attributes:
        change: (b - a) / a; None where a is missing or zero.
        deterministic: whether a run calls the value deterministic.
        why: what else differs and may explain it: "image", "firmware", "bundle".
    """

    key: Key
    a: float | None
    b: float | None
    unit: str
    change: float | None
    deterministic: bool
    verdict: Verdict
    why: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {**asdict(self.key), **{name: value for name, value in asdict(self).items() if name != "key"}}


@dataclass(frozen=True)
class Tally:
    """How a comparison came out in total, over the deterministic values that both runs hold."""

    compared: int
    differing: int
    worse: int
    only_a: int
    only_b: int

    def __str__(self) -> str:
        line = f"{self.compared} deterministic values compared, {self.differing} differ"
        if self.only_a or self.only_b:
            line += f" ({self.only_a} values only in A, {self.only_b} only in B)"
        return line


def compare(a: Iterable[Measurement], b: Iterable[Measurement]) -> list[Comparison]:
    """Join two runs by what was measured on what, in A's order, B's own values last.

    A value that a run holds more than once (a repeated test) stands for itself by its last measurement.
    """
    of_a, of_b = _by_key(a), _by_key(b)
    keys = [*of_a, *(key for key in of_b if key not in of_a)]
    return [_compare_one(key, of_a.get(key), of_b.get(key)) for key in keys]


def _by_key(measurements: Iterable[Measurement]) -> Mapping[Key, Measurement]:
    return {measurement.key: measurement for measurement in measurements}


def _compare_one(key: Key, a: Measurement | None, b: Measurement | None) -> Comparison:
    if a is None or b is None:
        present = a or b
        assert present is not None
        verdict = Verdict.ONLY_A if b is None else Verdict.ONLY_B
        values = (None if a is None else a.value, None if b is None else b.value)
        return Comparison(key, *values, present.unit, None, present.deterministic, verdict, ())
    deterministic = a.deterministic or b.deterministic
    change = (b.value - a.value) / a.value if a.value else None
    why = tuple(name for name in ("bundle", "image", "firmware") if getattr(a, name) != getattr(b, name))
    return Comparison(key, a.value, b.value, b.unit, change, deterministic, _verdict(a, b, deterministic), why)


def _verdict(a: Measurement, b: Measurement, deterministic: bool) -> Verdict:
    if a.unit != b.unit:
        return Verdict.UNIT
    if not deterministic:
        return Verdict.NOISY
    if a.value == b.value:
        return Verdict.IDENTICAL
    improved = b.value < a.value if b.better == "lower" else b.value > a.value
    return Verdict.BETTER if improved else Verdict.WORSE


def tally(comparisons: Iterable[Comparison]) -> Tally:
    """Count the verdicts."""
    comparisons = list(comparisons)
    both = [c for c in comparisons if c.deterministic and c.verdict not in (Verdict.ONLY_A, Verdict.ONLY_B)]
    return Tally(
        compared=len(both),
        differing=sum(c.verdict in DIFFERENT for c in both),
        worse=sum(c.verdict is Verdict.WORSE for c in both),
        only_a=sum(c.verdict is Verdict.ONLY_A for c in comparisons),
        only_b=sum(c.verdict is Verdict.ONLY_B for c in comparisons),
    )
