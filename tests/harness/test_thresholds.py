"""From which change on a value counts as changed: the rules of a matrix, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.judging import Threshold, Thresholds, Verdict
from harness.judging.thresholds import Rule
from harness.matrix import load_thresholds, shipped_matrices
from reds.errors import ConfigError
from tests.harness.examples import a_measurement
from tests.harness.judging_examples import judged, timed


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
        ([{"change": -0.1}], r"change in .* is not a number from 0 to 10\s+seen: -0.1"),
        ([{"change": True}], "change in .* is not a number"),
        ([{"change": float("nan")}], "change in .* is not a number"),
        ([{"least": float("inf")}], "least in .* is not a number"),
        ([{"tolerance": 1e308}], "tolerance in .* is not a number from 0 to 1"),
        ([{"change": 11}], "change in .* is not a number from 0 to 10"),
        ([{"noise": 1e3}], "noise in .* is not a number from 0 to 10"),
        ([{"least": 1e10}], r"least in .* is not a number from 0 to 1e\+09"),
        ([{"significance": 2}], "significance in .* is not a number from 0.0001 to 1"),
        ([{"significance": 0}], "significance in .* is not a number from 0.0001 to 1"),
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
