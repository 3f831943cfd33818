"""What holds of verdicts whatever the values are."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judging import Threshold, Thresholds, Verdict, compare, paired, sampled
from harness.judging.sampled import Samples
from harness.run_file import RunFile
from tests.harness.examples import a_measurement, an_outcome
from tests.harness.judging_examples import a_file, right

OPPOSITE = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}


numbers = st.lists(st.integers(0, 10**6).map(float), min_size=1, max_size=30)


@st.composite
def runs(draw: st.DrawFn) -> RunFile:
    """Any run with values of every kind."""
    made = []
    for subnet in draw(st.sets(st.sampled_from(["100", "75", "50", "25"]))):
        kind = draw(st.sampled_from(["exact", "sampled", "accuracy"]))
        if kind == "accuracy":
            made.append(a_measurement(**right(draw(st.text("01", min_size=20, max_size=20)), subnet=subnet)))
        else:
            samples = tuple(draw(numbers))
            facts = {"samples": samples, "value": float(np.median(samples)), "firmware": draw(st.sampled_from("ab"))}
            made.append(a_measurement(**facts, deterministic=kind == "exact", metric=kind, subnet=subnet))
    failed = draw(st.booleans())
    return a_file(*made, *([an_outcome(outcome="failed", reason="broke")] if failed and draw(st.booleans()) else []))


@given(a=runs())
def test_a_run_is_the_same_as_itself(a: RunFile) -> None:
    for comparison in compare(a, a, Thresholds()):
        assert comparison.verdict is (Verdict.FAILED if a.outcomes else Verdict.SAME)
        assert not comparison.differs


@given(a=runs(), b=runs())
def test_exchanging_the_runs_exchanges_better_and_worse_and_missing_and_new(a: RunFile, b: RunFile) -> None:
    a, b = replace(a, outcomes=()), replace(b, outcomes=())
    there = {c.key: c for c in compare(a, b, Thresholds())}
    back = {c.key: c for c in compare(b, a, Thresholds())}
    opposite = OPPOSITE | {Verdict.MISSING: Verdict.NEW, Verdict.NEW: Verdict.MISSING}

    assert there.keys() == back.keys()
    for key, comparison in there.items():
        assert back[key].verdict is opposite.get(comparison.verdict, comparison.verdict)
        assert back[key].differs == comparison.differs


@given(a=runs(), b=runs(), seed=st.integers(0, 99))
def test_the_order_of_records_does_not_matter(a: RunFile, b: RunFile, seed: int) -> None:
    shuffled = random.Random(seed).sample(b.measurements, len(b.measurements))

    expected = {c.key: c for c in compare(a, b, Thresholds())}

    assert {c.key: c for c in compare(a, replace(b, measurements=tuple(shuffled)), Thresholds())} == expected


@given(a=numbers, b=numbers, seed=st.integers(0, 99))
def test_size_significance_and_spread_do_not_depend_on_the_order_of_samples(a: list[float], b: list[float], seed: int) -> None:
    mixed = random.Random(seed).sample(b, len(b))

    assert sampled.shift(np.array(a), np.array(mixed)) == sampled.shift(np.array(a), np.array(b))
    assert Samples.of(mixed).spread == Samples.of(b).spread
    assert sampled.mann_whitney(np.array(a), np.array(mixed)) == pytest.approx(sampled.mann_whitney(np.array(a), np.array(b)))


@given(a=numbers, b=numbers, better=st.sampled_from(["lower", "higher"]))
def test_sampled_values_are_judged_alike_from_both_sides(a: list[float], b: list[float], better: str) -> None:
    there = sampled.judge(Samples.of(a), Samples.of(b), better, Threshold()).verdict
    back = sampled.judge(Samples.of(b), Samples.of(a), better, Threshold()).verdict
    other = sampled.judge(Samples.of(a), Samples.of(b), "higher" if better == "lower" else "lower", Threshold()).verdict

    assert back is other is OPPOSITE.get(there, there)


rounds_of = st.tuples(st.integers(1, 10**6), st.integers(1, 10**6))


@given(rounds=st.lists(rounds_of, min_size=14, max_size=30) | st.lists(rounds_of, min_size=1, max_size=7))
def test_rounds_are_judged_alike_from_both_sides(rounds: list[tuple[int, int]]) -> None:
    a, b = zip(*rounds, strict=True)

    there = paired.judge(a, b, "lower", Threshold()).verdict

    assert paired.judge(b, a, "lower", Threshold()).verdict is OPPOSITE.get(there, there)
    assert paired.judge(a, a, "lower", Threshold()).verdict is Verdict.SAME
