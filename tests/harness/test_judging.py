"""Verdicts: what each kind of value is judged by."""

from __future__ import annotations

import numpy as np
import pytest

from harness.judging import Threshold, Thresholds, Verdict, accuracy, compare, paired, sampled, tally
from harness.judging.sampled import Samples
from tests.harness.examples import a_measurement, an_outcome
from tests.harness.judging_examples import a_file, counted, judged, right, timed


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, Verdict.SAME),
        ({"value": 1000}, {"value": 999}, Verdict.BETTER),
        ({"value": 1000}, {"value": 1001}, Verdict.WORSE),
        ({"value": 0}, {"value": 1}, Verdict.WORSE),
        ({"value": 0.9, "better": "higher"}, {"value": 0.8, "better": "higher"}, Verdict.WORSE),
        ({"value": 0.9, "better": "higher"}, {"value": 0.95, "better": "higher"}, Verdict.BETTER),
        ({"unit": "instructions"}, {"unit": "nanoseconds", "clock": "nanoseconds", "deterministic": False}, Verdict.NEW),
        ({"unit": "instructions"}, {"unit": "kilo instructions", "value": 1}, Verdict.WORSE),  # of the same clock
        ({"better": "higher"}, {"value": 999}, Verdict.WORSE),  # which way is better is up to the run before
        (timed(1, better="higher"), timed(2, 0.8), Verdict.WORSE),
        (right("1" * 90 + "0" * 10), right("1" * 80 + "0" * 20, better="lower"), Verdict.WORSE),
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


@pytest.mark.parametrize("count", [1, 4])
def test_fewer_samples_than_can_be_judged_are_no_way_past_the_gate(count: int) -> None:
    slower = judged(timed(1, count=20), timed(2, 10, count=count))

    assert (slower.verdict, slower.reason) == (Verdict.MISSING, f"{count} samples are too few to be judged beside 20")


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


@pytest.mark.parametrize(("lost", "gained", "p"), [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 1 / 16), (8, 0, 1 / 128), (8, 2, 0.109375)])
def test_mcnemars_exact_test(lost: int, gained: int, p: float) -> None:
    assert accuracy.mcnemar(lost, gained) == accuracy.mcnemar(gained, lost) == pytest.approx(p)


def test_fishers_exact_test_knows_its_textbook_case() -> None:
    assert accuracy.fisher(3, 4, 1, 4) == pytest.approx(34 / 70)  # Fisher's tea


def test_rounds_show_a_change_that_drift_hides_from_separate_runs() -> None:
    rng = np.random.default_rng(0)
    drift = np.linspace(1000, 2000, 20)
    a, b = drift + rng.normal(0, 10, 20), 1.2 * drift + rng.normal(0, 10, 20)

    assert paired.judge(a.tolist(), b.tolist(), "lower", Threshold()).verdict is Verdict.WORSE
    assert sampled.judge(Samples(a), Samples(b), "lower", Threshold()).verdict is Verdict.UNSTABLE
    assert paired.judge(a[:7].tolist(), b[:7].tolist(), "lower", Threshold()).verdict is Verdict.UNSTABLE
