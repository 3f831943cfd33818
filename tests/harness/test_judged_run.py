"""A run judged as a whole: what it was not asked for is left out, what failed counts, of repeated tests the last time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.judging import JudgedRun, Thresholds, Verdict, judge_run
from harness.records import Measurement, Outcome
from harness.run_file import RunFile
from tests.harness.examples import a_measurement, a_run, an_outcome, some_device_facts

HERE = a_measurement()
THERE = a_measurement(device="pico-emu", test="suites/test_latency.py::test_latency[mlp3-digits-int8-pico-emu-100]")
PASSED = an_outcome()
PASSED_THERE = an_outcome(test=THERE.test, device="pico-emu")


def a_file(*measurements: Measurement, outcomes: tuple[Outcome, ...] = ()) -> RunFile:
    return RunFile("somewhere", a_run(), measurements, outcomes=outcomes)


def judged(before: RunFile, run: RunFile) -> JudgedRun:
    return judge_run(before, run, Thresholds())


def failing(outcome: Outcome, kind: str = "failed") -> Outcome:
    return replace(outcome, outcome=kind, reason="it broke")


BEFORE = a_file(HERE, THERE, outcomes=(PASSED, PASSED_THERE))


@pytest.mark.parametrize(
    "outcomes",
    [(PASSED,), (PASSED, replace(PASSED_THERE, outcome="skipped", reason="no board", cause="absent"))],
    ids=["not asked", "skipped"],
)
def test_what_did_not_run_is_left_out(outcomes: tuple[Outcome, ...]) -> None:
    found = judged(BEFORE, a_file(HERE, outcomes=outcomes))

    assert [c.key for c in found.comparisons] == [HERE.key]
    assert [c.key for c in found.left_out] == [THERE.key]
    assert found.passed
    assert found.headline == "no regression"
    assert found.lines[0] == "left out: 1 value of the earlier run, not asked for or not available in this one"
    assert found.before_alike.measurements == (HERE,)


def asked(*outcomes: Outcome, **changes: Any) -> RunFile:
    """A run of all suites over a network on both devices."""
    names = ("mlp3", "digits", "int8", "nano33ble-emu", "pico-emu", "100", "50")
    header = replace(a_run(), **({"asked": names, "whole": ("suites",), "tests": len(outcomes)} | changes))
    return replace(a_file(HERE, outcomes=outcomes), run=header, devices=(some_device_facts(),))


def test_a_test_that_is_gone_from_a_whole_run_leaves_its_values_missing() -> None:
    found = judged(BEFORE, asked(PASSED))

    assert [(c.key, c.verdict, c.reason) for c in found.regressions] == [
        (THERE.key, Verdict.MISSING, "its test is no longer there")
    ]
    assert not found.left_out
    assert not found.passed
    assert found.before_alike == BEFORE


@pytest.mark.parametrize("whole", ["suites", ".", "suites/test_latency.py", "suites/test_latency.py::test_latency", THERE.test])
def test_a_part_of_the_suites_that_was_asked_for_as_a_whole_tells_what_is_gone_from_it(whole: str) -> None:
    assert not judged(BEFORE, asked(PASSED, whole=(whole,))).passed


@pytest.mark.parametrize(
    "changes",
    [
        {"whole": ()},  # -k
        {"whole": ("suites/test_lat", "suites/test_accuracy.py", "suites/test_latency.py::test_late", "suite")},
        {"asked": ("mlp3", "digits", "int8", "nano33ble-emu", "100")},  # --device, or another matrix
        {"asked": ("digits", "int8", "nano33ble-emu", "pico-emu", "100")},
        {"tests": 2},  # stopped before the second
        {"tests": None},  # an older file
    ],
)
def test_what_a_run_was_not_asked_for_or_did_not_come_to_is_left_out(changes: dict[str, Any]) -> None:
    found = judged(BEFORE, asked(PASSED, **changes))

    assert [(c.key, c.reason) for c in found.left_out] == [(THERE.key, "its test did not run")]
    assert not found.regressions


@pytest.mark.parametrize(
    ("axis", "name"),
    [("architecture", "mlp1"), ("dataset", "points"), ("precision", "float32"), ("device", "pico-emu"), ("subnet", "75")],
)
def test_what_was_taken_out_of_the_matrix_is_missing_unless_the_command_line_chose(axis: str, name: str) -> None:
    gone = a_measurement(**{axis: name, "test": "suites/test_latency.py::test_latency[gone]"})
    names = ("mlp3", "digits", "int8", "nano33ble-emu", "100")
    whole = asked(PASSED, asked=names, narrowed=())
    before = replace(a_file(HERE, gone), run=replace(a_run(), matrix="suites/digits.toml"))  # the same by another name

    found = judged(before, whole)

    assert [(c.key, c.reason) for c in found.regressions] == [(gone.key, f"no longer in the matrix: {axis} {name}")]
    assert not found.passed
    assert not found.left_out
    chosen = asked(PASSED, asked=names, narrowed=("device",))
    assert judged(before, chosen).passed == (axis == "device")
    assert judged(before, asked(PASSED, asked=names, narrowed=(), matrix="kws")).passed


def test_with_all_of_the_earlier_run_nothing_is_left_out() -> None:
    found = judged(BEFORE, a_file(HERE, outcomes=(PASSED,))).with_all

    assert [(c.key, c.verdict, c.reason) for c in found.regressions] == [(THERE.key, Verdict.MISSING, "its test did not run")]
    assert found.left_out == ()
    assert found.before_alike == BEFORE
    assert (found.passed, found.headline) == (False, "1 regression")


def facing_gcc_13(*values: Measurement) -> JudgedRun:
    """Two values judged by those that another compiler's code gave."""
    before = replace(a_file(HERE, a_measurement(subnet="50")), devices=(some_device_facts(),))
    return judged(before, replace(a_file(*values), devices=(some_device_facts(compiler="GCC 13"),)))


def test_values_that_need_a_new_baseline_are_counted_and_do_not_pass_for_judged_ones() -> None:
    other, same = a_measurement(value=1001), a_measurement(subnet="50")

    some, all_of_them = facing_gcc_13(other, same), facing_gcc_13(other, replace(same, value=1))

    assert (some.passed, some.headline) == (True, "no regression, 1 value needs a new baseline")
    assert (all_of_them.passed, all_of_them.headline) == (False, "nothing was judged, 2 values need a new baseline")
    assert "nothing was judged" in all_of_them.lines
    assert "nothing was judged" not in some.lines


def test_a_run_that_was_cut_short_does_not_pass() -> None:
    found = judged(a_file(HERE, outcomes=(PASSED,)), asked(PASSED, tests=3))

    assert not found.passed
    assert found.headline == "no regression, cut short: 2 of 3 tests did not run"
    assert "cut short: 2 of 3 tests did not run" in found.lines
    assert judged(a_file(HERE, outcomes=(PASSED,)), asked(PASSED, PASSED, tests=1)).passed  # it was repeated


@pytest.mark.parametrize("cause", ["own doing", "misfit", None])
def test_a_test_that_is_skipped_though_its_device_is_there_leaves_its_values_missing(cause: str | None) -> None:
    skipped = replace(PASSED, test="suites/test_latency.py::another", outcome="skipped", reason="no longer wanted", cause=cause)
    before = a_file(HERE, a_measurement(subnet="50", test=skipped.test))
    elsewhere = a_file(HERE, a_measurement(device="pico-emu", test=skipped.test))  # of which no test connected to its device
    of_no_device = a_file(HERE, a_measurement(metric="search_gap", device=None, test=skipped.test))

    for earlier in (before, elsewhere, of_no_device):
        found = judged(earlier, asked(PASSED, skipped))
        assert [(c.verdict, c.reason) for c in found.regressions] == [(Verdict.MISSING, "skipped: no longer wanted")]


def test_a_value_that_its_test_no_longer_gives_is_missing() -> None:
    found = judged(BEFORE, a_file(HERE, outcomes=(PASSED, PASSED_THERE)))

    assert [(c.key, c.verdict) for c in found.regressions] == [(THERE.key, Verdict.MISSING)]
    assert not found.left_out
    assert not found.passed


def test_where_a_run_does_not_say_which_tests_ran_everything_is_missing() -> None:
    assert [c.verdict for c in judged(BEFORE, a_file(HERE)).comparisons] == [Verdict.SAME, Verdict.MISSING]


@pytest.mark.parametrize("kind", ["failed", "error"])
def test_a_test_that_failed_only_now_counts_once(kind: str) -> None:
    own = an_outcome(test="suites/test_own.py::test_own")
    before = replace(BEFORE, outcomes=(PASSED, PASSED_THERE, own))
    run = a_file(HERE, outcomes=(PASSED, failing(PASSED_THERE, kind), failing(own, kind)))

    found = judged(before, run)

    assert [(c.key, c.verdict) for c in found.regressions] == [(THERE.key, Verdict.FAILED)]
    assert [o.test for o in found.failed_tests] == [own.test]
    assert found.headline == "2 regressions"
    assert not found.passed
    assert found.failure_lines == [f"{kind}: it broke\n    {own.test}, which passed before"]


def test_a_test_that_failed_before_or_was_not_there_is_no_regression() -> None:
    own, new = an_outcome(test="suites/test_own.py::test_own"), an_outcome(test="suites/test_new.py::test_new")
    before = replace(BEFORE, outcomes=(PASSED, PASSED_THERE, failing(own)))

    found = judged(before, a_file(HERE, THERE, outcomes=(PASSED, PASSED_THERE, failing(own), failing(new))))

    assert found.failed_tests == ()
    assert found.passed


def test_of_a_test_that_ran_again_the_last_time_counts() -> None:
    mended = judged(BEFORE, a_file(HERE, THERE, outcomes=(failing(PASSED), PASSED_THERE, PASSED)))
    broken = judged(BEFORE, a_file(HERE, THERE, outcomes=(PASSED, PASSED_THERE, failing(PASSED))))

    assert [c.verdict for c in mended.comparisons] == [Verdict.SAME, Verdict.SAME]
    assert [c.verdict for c in broken.comparisons] == [Verdict.FAILED, Verdict.SAME]
    assert mended.failed_tests == broken.failed_tests == ()


def test_a_run_in_which_everything_failed_is_comparable() -> None:
    found = judged(a_file(HERE, outcomes=(PASSED,)), a_file(outcomes=(failing(PASSED),)))

    assert found.comparable
    assert found.headline == "1 regression"
    assert not found.passed
    assert not judged(a_file(HERE), a_file(a_measurement(architecture="other"))).comparable
