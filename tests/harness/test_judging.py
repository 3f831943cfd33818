"""Verdicts: what each kind of value is judged by, and what holds whatever the values are."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judging import Comparison, Threshold, Thresholds, Verdict, accuracy, compare, paired, sampled, tally
from harness.judging.sampled import Samples
from harness.judging.thresholds import Rule
from harness.matrix import load_thresholds, shipped_matrices
from harness.records import DeviceFacts, Measurement, Outcome
from harness.run_file import RunFile
from reds.errors import ConfigError
from tests.harness.examples import a_measurement, a_run, an_outcome, some_device_facts

OPPOSITE = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}


def a_file(*records: Measurement | DeviceFacts | Outcome, **run: Any) -> RunFile:
    return RunFile(
        "some.jsonl",
        replace(a_run(), **run),
        tuple(r for r in records if isinstance(r, Measurement)),
        tuple(r for r in records if isinstance(r, DeviceFacts)),
        tuple(r for r in records if isinstance(r, Outcome)),
    )


def judged(before: dict, after: dict, thresholds: Thresholds | None = None) -> Comparison:
    (comparison,) = compare(a_file(a_measurement(**before)), a_file(a_measurement(**after)), thresholds or Thresholds())
    return comparison


def timed(seed: int, factor: float = 1.0, noise: float = 0.01, count: int = 20, **changes: Any) -> dict:
    """A latency by a clock that runs, each time of another firmware."""
    samples = 50_000 * factor * (1 + np.random.default_rng(seed).normal(0, noise, count))
    facts = {"unit": "nanoseconds", "clock": "nanoseconds", "device": "host", "deterministic": False, "firmware": str(seed)}
    return {**facts, "value": float(np.median(samples)), "samples": tuple(samples.tolist()), **changes}


def right(correct: str, **changes: Any) -> dict:
    """An accuracy with its results one by one."""
    facts = {
        "metric": "accuracy",
        "better": "higher",
        "unit": "fraction",
        "clock": None,
        "value": correct.count("1") / len(correct),
    }
    return {**facts, "sample_count": len(correct), "correct": correct, **changes}


def counted(count: int) -> dict:
    """An accuracy over 100 inputs of which only the number of right ones is known."""
    return {**right("1" * count + "0" * (100 - count)), "correct": None}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, Verdict.SAME),
        ({"value": 1000}, {"value": 999}, Verdict.BETTER),
        ({"value": 1000}, {"value": 1001}, Verdict.WORSE),
        ({"value": 0}, {"value": 1}, Verdict.WORSE),
        ({"value": 0.9, "better": "higher"}, {"value": 0.8, "better": "higher"}, Verdict.WORSE),
        ({"value": 0.9, "better": "higher"}, {"value": 0.95, "better": "higher"}, Verdict.BETTER),
        ({"unit": "instructions"}, {"unit": "nanoseconds", "deterministic": False}, Verdict.NEW),
        (timed(1), timed(2), Verdict.SAME),
        (timed(1), timed(2, 1.2), Verdict.WORSE),
        (timed(1), timed(2, 0.8), Verdict.BETTER),
        (timed(1), timed(2, 1.02, noise=0.001), Verdict.SAME),  # significant, but too small to matter
        (timed(1, noise=0.5), timed(2, 1.3, noise=0.5), Verdict.UNSTABLE),
        (timed(1, count=3), timed(2, 1.5, count=3), Verdict.UNSTABLE),
        (timed(1, count=1), timed(2, 1.02, count=1), Verdict.SAME),
        (right("1" * 90 + "0" * 10), right("1" * 80 + "0" * 20), Verdict.WORSE),
        (right("1" * 80 + "0" * 20), right("1" * 90 + "0" * 10), Verdict.BETTER),
        (right("1" * 90 + "0" * 10), right("1" * 85 + "0" * 15), Verdict.SAME),
        (right("1" * 90 + "0" * 10), right("0" * 10 + "1" * 90), Verdict.SAME),
        (counted(90), counted(80), Verdict.SAME),
        (counted(90), counted(50), Verdict.WORSE),
    ],
)
def test_verdicts(before: dict, after: dict, expected: Verdict) -> None:
    assert judged(before, after).verdict == expected


def test_values_are_joined_by_what_was_measured_on_what() -> None:
    a = [a_measurement(subnet="100"), a_measurement(subnet="50"), a_measurement(metric="switch", from_subnet="50")]
    b = [a_measurement(metric="switch", from_subnet="25"), a_measurement(subnet="50"), a_measurement(subnet="100", value=2000)]

    comparisons = compare(a_file(*a), a_file(*b), Thresholds())

    assert [(str(c.key), c.verdict) for c in comparisons] == [
        ("latency[mlp3-digits-int8-nano33ble-emu-100]", Verdict.WORSE),
        ("latency[mlp3-digits-int8-nano33ble-emu-50]", Verdict.SAME),
        ("switch[mlp3-digits-int8-nano33ble-emu-50->100]", Verdict.MISSING),
        ("switch[mlp3-digits-int8-nano33ble-emu-25->100]", Verdict.NEW),
    ]
    assert comparisons[0].change == 1.0
    counts = tally(comparisons)
    assert (counts.compared, counts.differing, counts.common) == (2, 1, 2)
    assert counts.lines == ["1 same, 1 worse, 1 missing, 1 new", "2 deterministic values compared, 1 differs"]


@pytest.mark.parametrize("metric", ["parity_max_abs_error", "arena_bytes"])
@pytest.mark.parametrize("bundle", ["b" * 64, "c" * 64])
def test_rounding_errors_of_another_trained_network_need_a_new_baseline(metric: str, bundle: str) -> None:
    found = judged({"metric": metric, "value": 1e-6}, {"metric": metric, "value": 2e-6, "bundle": bundle})

    other = metric == "parity_max_abs_error" and bundle.startswith("c")
    assert found.verdict is (Verdict.NEW if other else Verdict.WORSE)
    assert found.needs_baseline == other
    assert found.reason == ("needs a new baseline: another trained network" if other else "")


def test_rounding_errors_beyond_what_the_suite_allows_are_failures_whatever_the_network() -> None:
    parity = a_measurement(metric="parity_max_abs_error", value=1e-6)
    after = a_file(
        replace(parity, value=1.0, bundle="c" * 64), an_outcome(test=parity.test, outcome="failed", reason="too large")
    )

    (comparison,) = compare(a_file(parity), after, Thresholds())

    assert comparison.verdict is Verdict.FAILED


def test_another_compiler_does_not_excuse_a_loss_of_accuracy() -> None:
    before, after = a_measurement(**right("1" * 90 + "0" * 10)), a_measurement(**right("1" * 50 + "0" * 50))
    devices = some_device_facts(), some_device_facts(compiler="GCC 13")

    (comparison,) = compare(a_file(before, devices[0]), a_file(after, devices[1]), Thresholds())

    assert comparison.verdict is Verdict.WORSE
    assert not comparison.needs_baseline


def test_a_value_that_stops_being_deterministic_is_a_regression() -> None:
    found = judged({}, {"deterministic": False, "samples": (1000, 1000, 1001)})
    back = judged({"deterministic": False, "samples": (1000, 1000, 1001)}, {})

    assert (found.verdict, found.reason) == (Verdict.WORSE, "the same inputs no longer give the same value")
    assert back.verdict is Verdict.SAME


def test_the_last_of_repeated_measurements_counts() -> None:
    repeated = a_file(a_measurement(value=1), a_measurement(value=2))

    assert [c.verdict for c in compare(repeated, a_file(a_measurement(value=2)), Thresholds())] == [Verdict.SAME]


def test_a_single_sample_is_not_judged_and_says_so() -> None:
    slower = judged(timed(1, count=1), timed(2, 3, count=1))

    assert (slower.verdict, slower.noise, slower.reason) == (Verdict.SAME, None, "a single sample is not judged")
    assert judged(timed(1, count=3), timed(2, 1.5, count=3)).noise is None


def test_a_difference_above_the_noise_that_does_not_matter_says_why() -> None:
    assert judged(timed(1), timed(2, 1.04, noise=0.001)).reason == "below the threshold of 5 %"
    tiny = [
        {**timed(seed), "samples": tuple(80 + extra + s % 2 for s in range(20)), "value": 80 + extra}
        for seed, extra in ((1, 0), (2, 6))
    ]
    assert judged(tiny[0], tiny[1]).reason == "below what the clock resolves, 10 nanoseconds"
    assert judged(timed(1), timed(2)).reason == ""


def test_what_else_differs_is_named() -> None:
    assert judged({"image": "1", "firmware": "2"}, {"image": "x", "firmware": "2", "value": 9}).also_differs == ("image",)


@pytest.mark.parametrize("outcome", ["failed", "error"])
def test_a_value_of_a_failed_test_is_failed_whether_it_is_there_or_not(outcome: str) -> None:
    failure = an_outcome(outcome=outcome, reason="it broke\nfor some reason")

    for after in ([failure], [failure, a_measurement()]):
        (comparison,) = compare(a_file(a_measurement()), a_file(*after), Thresholds())
        assert (comparison.verdict, comparison.reason) == (Verdict.FAILED, f"{outcome}: it broke")


def test_a_value_of_a_skipped_test_is_missing_and_says_why() -> None:
    skip = an_outcome(outcome="skipped", reason="no such device")

    (comparison,) = compare(a_file(a_measurement()), a_file(skip), Thresholds())

    assert (comparison.verdict, comparison.reason) == (Verdict.MISSING, "skipped: no such device")


@pytest.mark.parametrize("fact", [{"compiler": "GCC 13"}, {"board": "another"}, {"clock_hz": 64_000_000}])
def test_other_circumstances_ask_for_a_new_baseline(fact: dict) -> None:
    before = a_file(a_measurement(), a_measurement(subnet="50"), some_device_facts())
    after = a_file(a_measurement(value=2000), a_measurement(subnet="50"), some_device_facts(**fact))

    changed, equal = compare(before, after, Thresholds())

    (name,) = fact
    assert (changed.verdict, changed.needs_baseline) == (Verdict.NEW, True)
    assert changed.reason.startswith(f"needs a new baseline: {name} ")
    assert equal.verdict is Verdict.SAME  # what did not change needs none
    assert any("needs a new baseline" in line for line in tally([changed, equal]).lines)


@pytest.mark.parametrize("fact", [{"firmware": "2"}, {"runtime_version": "2"}, {"pool_bytes": 1}])
def test_another_firmware_is_what_is_judged(fact: dict) -> None:
    before = a_file(a_measurement(firmware="1"), some_device_facts())
    after = a_file(a_measurement(firmware="2", value=2000), some_device_facts(**fact))

    assert [c.verdict for c in compare(before, after, Thresholds())] == [Verdict.WORSE]


def test_another_computer_asks_for_a_new_baseline_of_what_it_times() -> None:
    facts = some_device_facts(id="host", device_kind="host")
    before = a_file(a_measurement(**timed(1)), a_measurement(), facts, some_device_facts(), host={"cpu": "slow"})
    after = a_file(a_measurement(**timed(2, 0.5)), a_measurement(value=1), facts, some_device_facts(), host={"cpu": "fast"})

    assert [(c.verdict, c.needs_baseline) for c in compare(before, after, Thresholds())] == [
        (Verdict.NEW, True),
        (Verdict.BETTER, False),
    ]


def test_the_same_program_and_image_cannot_have_become_slower() -> None:
    comparison = judged(timed(1, firmware="f"), timed(2, 1.5, firmware="f"))

    assert comparison.verdict is Verdict.UNSTABLE
    assert "the same program" in comparison.reason


def test_a_value_that_looks_quiet_by_chance_is_not_believed() -> None:
    noisy = [a_measurement(**timed(n, noise=0.08, subnet=str(n))) for n in range(9)]
    quiet = a_measurement(**timed(9, noise=0.001, subnet="quiet"))
    slower = a_measurement(**timed(10, 1.1, noise=0.001, subnet="quiet"))

    among_noise = compare(a_file(*noisy, quiet), a_file(*noisy, slower), Thresholds())[-1]
    (alone,) = compare(a_file(quiet), a_file(slower), Thresholds())

    assert (alone.verdict, among_noise.verdict) == (Verdict.WORSE, Verdict.UNSTABLE)


def test_drift_is_not_called_a_change() -> None:
    ramp = np.linspace(1000, 1300, 40)

    judgement = sampled.judge(Samples(ramp[:20]), Samples(ramp[20:]), "lower", Threshold())

    assert judgement.verdict is Verdict.UNSTABLE
    assert judgement.reason == "samples drift: below the noise floor"


def test_rules_are_looked_up_by_metric_device_unit_and_suite() -> None:
    rules = (
        Rule({"tolerance": 0.1}, metric="latency"),
        Rule({"tolerance": 0.2, "change": 0.3}, device="pico-emu"),
        Rule({"tolerance": 0.4}, suite="test_search"),
        Rule({"tolerance": 0.5}, unit="bytes"),
    )
    found = Thresholds(rules).of

    assert found(a_measurement()).tolerance == 0.1
    assert found(a_measurement(device="pico-emu")) == Threshold(tolerance=0.2, change=0.3)
    assert found(a_measurement(device="pico-emu", test="suites/test_search.py::test_search")).tolerance == 0.4
    assert found(a_measurement(metric="image_bytes", unit="bytes")).tolerance == 0.5
    assert found(a_measurement(metric="other")) == Threshold()


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"metric": "latency"}, "are not a list of tables"),
        (["latency"], r"\[\[thresholds\]\] 1 of a.toml is not a table"),
        (
            [{"change": 0.1}, {"metrik": "latency", "change": 1}],
            r"thresholds\]\] 2 of a.toml.*'metrik'\s+do: did you mean metric",
        ),
        ([{"metric": "latency"}], r"sets no number\s+do: give one of tolerance, change"),
        ([{"metric": 3, "change": 0.1}], "metric in .* is not a name"),
        ([{"change": -0.1}], r"change in .* is not a number from 0 on\s+seen: -0.1"),
        ([{"change": True}], "change in .* is not a number"),
        ([{"change": float("nan")}], "change in .* is not a number"),
        ([{"least": float("inf")}], "least in .* is not a number"),
        ([{"significance": 2}], "significance in .* is not a number from 0 to 1"),
    ],
)
def test_what_is_wrong_with_thresholds_is_named(tables: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Thresholds.parse("a.toml", tables)


@pytest.mark.parametrize("path", shipped_matrices(), ids=lambda path: path.stem)
def test_shipped_matrices_keep_the_defaults_for_what_they_do_not_name(path: Path) -> None:
    thresholds = load_thresholds(path.stem)

    assert thresholds.of(a_measurement()).tolerance == 0
    assert thresholds.of(a_measurement(**timed(1))) == Threshold(least=10)
    assert thresholds.of(a_measurement(metric="search_seconds", unit="seconds", device=None)).change == 0.5


def test_a_tolerance_is_kept() -> None:
    tolerant = Thresholds((Rule({"tolerance": 0.01}, metric="latency"),))

    assert judged({"value": 1000}, {"value": 1010}, tolerant).verdict is Verdict.SAME
    assert judged({"value": 1000}, {"value": 1011}, tolerant).verdict is Verdict.WORSE


@pytest.mark.parametrize(("lost", "gained", "p"), [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 1 / 16), (8, 0, 1 / 128), (8, 2, 0.109375)])
def test_mcnemars_exact_test(lost: int, gained: int, p: float) -> None:
    assert accuracy.mcnemar(lost, gained) == accuracy.mcnemar(gained, lost) == pytest.approx(p)


def test_fishers_exact_test_knows_its_textbook_case() -> None:
    assert accuracy.fisher(3, 4, 1, 4) == pytest.approx(34 / 70)  # Fisher's tea


numbers = st.lists(st.integers(0, 10**6).map(float), min_size=1, max_size=30)
booleans = st.booleans()


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
    failed = draw(booleans)
    return a_file(*made, *([an_outcome(outcome="failed", reason="broke")] if failed and draw(booleans) else []))


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


def test_rounds_show_a_change_that_drift_hides_from_separate_runs() -> None:
    rng = np.random.default_rng(0)
    drift = np.linspace(1000, 2000, 20)
    a, b = drift + rng.normal(0, 10, 20), 1.2 * drift + rng.normal(0, 10, 20)

    assert paired.judge(a.tolist(), b.tolist(), "lower", Threshold()).verdict is Verdict.WORSE
    assert sampled.judge(Samples(a), Samples(b), "lower", Threshold()).verdict is Verdict.UNSTABLE
    assert paired.judge(a[:7].tolist(), b[:7].tolist(), "lower", Threshold()).verdict is Verdict.UNSTABLE
