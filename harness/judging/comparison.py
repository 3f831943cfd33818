"""Two runs side by side: each value with its change, its noise and a verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from harness.judging import accuracy, exact, sampled
from harness.judging.circumstances import Circumstances
from harness.judging.sampled import FEWEST_SAMPLES, Samples
from harness.judging.thresholds import Threshold, Thresholds
from harness.judging.verdict import Judgement, Verdict, relative
from harness.records import FAILURES, Key, Measurement, Outcome, last_outcomes, noise_key
from harness.run_file import RunFile

CHANGED = frozenset({Verdict.BETTER, Verdict.WORSE, Verdict.UNSTABLE})


@dataclass(frozen=True)
class Comparison:
    """One measured quantity in two runs.

    Attributes:
        a, b: the values; None where a run does not hold it.
        change, noise, p: as in `Judgement`.
        deterministic: whether both runs call the value deterministic.
        differs: whether a deterministic value that both runs hold is another than before.
        needs_baseline: whether the circumstances changed (`reason` says how), so that the values cannot be compared.
        reason: why the verdict is what it is, where that is not plain.
        also_differs: what else is another and may explain it: "bundle", "image", "firmware".
        test: the test that measured it, in B where B holds it.
    """

    key: Key
    a: float | None
    b: float | None
    unit: str
    better: str
    verdict: Verdict
    change: float | None
    noise: float | None
    p: float | None
    deterministic: bool
    differs: bool
    needs_baseline: bool
    reason: str
    also_differs: tuple[str, ...]
    test: str

    @property
    def in_both(self) -> bool:
        """Whether both runs hold the value."""
        return self.a is not None and self.b is not None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        facts = {name: value for name, value in asdict(self).items() if name != "key"}
        return {**asdict(self.key), **facts, "verdict": str(self.verdict)}


def compare(a: RunFile, b: RunFile, thresholds: Thresholds) -> list[Comparison]:
    """Join two runs by what was measured on what, in A's order, B's own values last, and judge each.

    A value that a run holds more than once (a repeated test) stands for itself by its last measurement.
    """
    return Judge(a, b, thresholds).comparisons()


class Judge:
    """Judges the values of run B by those of run A."""

    def __init__(self, a: RunFile, b: RunFile, thresholds: Thresholds) -> None:
        self._a = {measurement.key: measurement for measurement in a.measurements}
        self._b = {measurement.key: measurement for measurement in b.measurements}
        self._thresholds, self._noise = thresholds, a.run.noise or {}
        self._circumstances = Circumstances(a, b)
        self._ended = last_outcomes(b.outcomes)
        both = ((m, self._b[key]) for key, m in self._a.items() if key in self._b)
        self._sampled = _Sampled([m for pair in both if not _deterministic(*pair) for m in pair])

    def comparisons(self) -> list[Comparison]:
        """All values of both runs."""
        keys = [*self._a, *(key for key in self._b if key not in self._a)]
        return [self._compare(self._a.get(key), self._b.get(key)) for key in keys]

    def _compare(self, a: Measurement | None, b: Measurement | None) -> Comparison:
        known = b or a
        assert known is not None
        judgement, changed = self._judgement(a, b)
        deterministic = all(m.deterministic for m in (a, b) if m is not None)
        tolerance = self._thresholds.of(known).tolerance
        return Comparison(
            key=known.key,
            a=None if a is None else a.value,
            b=None if b is None else b.value,
            unit=known.unit,
            better=(a or known).better,
            verdict=judgement.verdict,
            change=judgement.change,
            noise=judgement.noise,
            p=judgement.p,
            deterministic=deterministic,
            differs=deterministic and _differs(a, b, tolerance),
            needs_baseline=bool(changed),
            reason=judgement.reason,
            also_differs=() if a is None or b is None else _also_differs(a, b),
            test=known.test,
        )

    def _judgement(self, a: Measurement | None, b: Measurement | None) -> tuple[Judgement, tuple[str, ...]]:
        """What to say, and which circumstances keep the values from being judged."""
        ended = self._ended.get(next(m.test for m in (b, a) if m is not None))
        if ended is not None and ended.outcome in FAILURES:
            return Judgement(Verdict.FAILED, None, reason=first_line(ended)), ()
        if b is None:
            return Judgement(Verdict.MISSING, None, reason=first_line(ended) if ended and ended.outcome == "skipped" else ""), ()
        if a is None:
            return Judgement(Verdict.NEW, None), ()
        return self._judgement_of_both(a, b)

    def _judgement_of_both(self, a: Measurement, b: Measurement) -> tuple[Judgement, tuple[str, ...]]:
        changed = self._circumstances.changed(a, b)
        if a.unit != b.unit:
            if a.clock == b.clock:  # the same thing measured by the same means
                return Judgement(Verdict.WORSE, None, reason=f"{', '.join(changed)}, which no longer can be compared"), ()
            return Judgement(Verdict.NEW, None, reason=_new_baseline(changed)), changed
        judged = self._judge(a, b)
        if changed and judged.verdict in CHANGED and not _is_accuracy(b):  # right answers are right wherever they are given
            return Judgement(Verdict.NEW, judged.change, judged.noise, judged.p, _new_baseline(changed)), changed
        return judged, ()

    def _judge(self, a: Measurement, b: Measurement) -> Judgement:
        threshold = self._thresholds.of(b)
        floor = self._noise.get(noise_key(b.metric, b.device), 0.0)
        threshold = replace(threshold, noise=max(threshold.noise, floor))
        if _is_accuracy(a):
            return accuracy.judge(a, b, threshold)
        if a.deterministic and not b.deterministic:
            return Judgement(
                Verdict.WORSE, relative(b.value - a.value, a.value), reason="the same inputs no longer give the same value"
            )
        if _deterministic(a, b):
            return exact.judge(a, b, threshold)
        judged = self._sampled.judge(a, b, threshold)
        if judged.verdict in CHANGED and _same_program(a, b):
            reason = "the same program and image, so the device changed, or what else runs on it"
            return Judgement(Verdict.UNSTABLE, judged.change, judged.noise, judged.p, reason)
        return judged


class _Sampled:
    """The sampled values of both runs, with what is usual for each metric on each device."""

    def __init__(self, measurements: Sequence[Measurement]) -> None:
        self._samples = {id(m): Samples.of(m.samples) for m in measurements}
        groups: dict[object, list[Samples]] = defaultdict(list)
        for m in measurements:
            groups[m.metric, m.device].append(self._samples[id(m)])
        self._spreads = sampled.usual_spreads(groups)

    def judge(self, a: Measurement, b: Measurement, threshold: Threshold) -> Judgement:
        counts = len(a.samples), len(b.samples)
        if min(counts) < FEWEST_SAMPLES <= max(counts):  # else fewer samples would be a way past every judge
            verdict = Verdict.MISSING if counts[0] > counts[1] else Verdict.NEW
            return Judgement(verdict, None, reason=f"{min(counts)} samples are too few to be judged beside {max(counts)}")
        usual_spread = self._spreads.get((b.metric, b.device), 0.0)
        return sampled.judge(self._samples[id(a)], self._samples[id(b)], a.better, threshold, usual_spread, unit=b.unit)


def _is_accuracy(measurement: Measurement) -> bool:
    """Whether it counts right answers, so that it can be tested."""
    return measurement.metric == "accuracy" and bool(measurement.sample_count)


def _deterministic(a: Measurement, b: Measurement) -> bool:
    return a.deterministic and b.deterministic


def _differs(a: Measurement | None, b: Measurement | None, tolerance: float) -> bool:
    return a is not None and b is not None and (a.unit != b.unit or exact.differs(a, b, tolerance))


def _also_differs(a: Measurement, b: Measurement) -> tuple[str, ...]:
    return tuple(name for name in ("bundle", "image", "firmware") if getattr(a, name) != getattr(b, name))


def _same_program(a: Measurement, b: Measurement) -> bool:
    """Whether the device ran the very same bytes in both runs, so that no difference can come from them."""
    return a.firmware is not None and a.image is not None and (a.firmware, a.image) == (b.firmware, b.image)


def _new_baseline(changed: Iterable[str]) -> str:
    return f"needs a new baseline: {', '.join(changed)}"


def first_line(outcome: Outcome) -> str:
    """How a test ended and the first line of why."""
    return f"{outcome.outcome}: {outcome.reason.splitlines()[0]}" if outcome.reason else outcome.outcome
