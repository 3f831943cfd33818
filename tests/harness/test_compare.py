"""Comparing runs."""

import pytest

from harness.compare import Verdict, compare, tally
from tests.harness.examples import a_measurement


def verdict(before: dict, after: dict) -> Verdict:
    (comparison,) = compare([a_measurement(**before)], [a_measurement(**after)])
    return comparison.verdict


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, Verdict.IDENTICAL),
        ({"value": 1000}, {"value": 999}, Verdict.BETTER),
        ({"value": 1000}, {"value": 1001}, Verdict.WORSE),
        ({"value": 0.9, "better": "higher"}, {"value": 0.8, "better": "higher"}, Verdict.WORSE),
        ({"value": 0.9, "better": "higher"}, {"value": 0.95, "better": "higher"}, Verdict.BETTER),
        ({"unit": "instructions"}, {"unit": "nanoseconds", "deterministic": False}, Verdict.UNIT),
        ({"value": 1, "deterministic": False}, {"value": 9, "deterministic": False}, Verdict.NOISY),
    ],
)
def test_verdicts(before: dict, after: dict, expected: Verdict) -> None:
    assert verdict(before, after) == expected


def test_values_are_joined_by_what_was_measured_on_what() -> None:
    a = [a_measurement(subnet="100"), a_measurement(subnet="50"), a_measurement(metric="switch", from_subnet="50")]
    b = [a_measurement(metric="switch", from_subnet="25"), a_measurement(subnet="50"), a_measurement(subnet="100", value=2000)]

    comparisons = compare(a, b)

    assert [(str(c.key), c.verdict) for c in comparisons] == [
        ("latency[mlp3-digits-int8-nano33ble-emu-100]", Verdict.WORSE),
        ("latency[mlp3-digits-int8-nano33ble-emu-50]", Verdict.IDENTICAL),
        ("switch[mlp3-digits-int8-nano33ble-emu-50->100]", Verdict.ONLY_A),
        ("switch[mlp3-digits-int8-nano33ble-emu-25->100]", Verdict.ONLY_B),
    ]
    assert comparisons[0].change == 1.0
    counts = tally(comparisons)
    assert (counts.compared, counts.differing, counts.worse, counts.only_a, counts.only_b) == (2, 1, 1, 1, 1)
    assert str(counts) == "2 deterministic values compared, 1 differ (1 values only in A, 1 only in B)"


def test_accuracies_over_different_numbers_of_samples_are_not_compared() -> None:
    before = a_measurement(metric="accuracy", better="higher", value=0.9, sample_count=60)
    after = a_measurement(metric="accuracy", better="higher", value=0.9, sample_count=360)

    assert [c.verdict for c in compare([before], [after])] == [Verdict.ONLY_A, Verdict.ONLY_B]


def test_what_else_differs_is_named() -> None:
    (comparison,) = compare([a_measurement(image="1", firmware="2")], [a_measurement(image="x", firmware="2", value=9)])

    assert comparison.why == ("image",)


def test_noise_is_never_counted_as_a_difference() -> None:
    noisy = {"deterministic": False, "unit": "nanoseconds"}
    counts = tally(compare([a_measurement(value=1, **noisy)], [a_measurement(value=2, **noisy)]))

    assert (counts.compared, counts.differing) == (0, 0)
    assert str(counts) == "0 deterministic values compared, 0 differ"


def test_the_last_of_repeated_measurements_counts() -> None:
    repeated = [a_measurement(value=1), a_measurement(value=2)]

    assert [c.verdict for c in compare(repeated, [a_measurement(value=2)])] == [Verdict.IDENTICAL]
