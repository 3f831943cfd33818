"""What surrounds two values: what asks for a new baseline, and what is no excuse."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.judging import Thresholds, Verdict, compare, tally
from tests.harness.examples import a_measurement, an_outcome, some_device_facts
from tests.harness.judging_examples import a_file, judged, right, timed


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
