"""How often the gate is wrong, over simulated noise; python -m tests.benchmarks.judging prints the same with more cases."""

from __future__ import annotations

import numpy as np
import pytest

from harness.judging import Threshold
from harness.matrix import SUITES
from tests.benchmarks.judging import (
    INTERLEAVED,
    LEVELS,
    RERUNS,
    SAMPLED_METRICS,
    SEPARATE,
    Simulation,
    deterministic_figures,
    judge_interleaved,
    judge_separate,
    shipped_thresholds,
)

MOST_FALSE_ALARMS = 0.01
FEWEST_FOUND = 0.95
CASES = 300
JUDGES = {"separate": (judge_separate, SEPARATE), "interleaved": (judge_interleaved, INTERLEAVED)}
KINDS = [(threshold, way, name) for threshold in shipped_thresholds() for way, (_, noises) in JUDGES.items() for name in noises]


@pytest.fixture
def simulation(threshold: Threshold, way: str) -> Simulation:
    return Simulation(JUDGES[way][0], threshold, CASES, np.random.default_rng(1))


def test_every_sampled_metric_of_every_shipped_matrix_is_simulated() -> None:
    covered = {name for names in shipped_thresholds().values() for name in names}

    assert covered == {f"{metric} of {path.stem}" for metric in SAMPLED_METRICS for path in SUITES.glob("*.toml")}


@pytest.mark.parametrize(("threshold", "way", "name"), KINDS)
def test_noise_of_every_kind_is_hardly_ever_called_a_change(simulation: Simulation, way: str, name: str) -> None:
    for level in LEVELS:
        assert simulation.false_alarms(JUDGES[way][1][name], level) <= MOST_FALSE_ALARMS, level


@pytest.mark.parametrize(("threshold", "way", "name"), KINDS)
def test_a_slow_down_of_a_tenth_is_found(simulation: Simulation, way: str, name: str) -> None:
    assert simulation.found(JUDGES[way][1][name]) >= FEWEST_FOUND


def test_the_manual_names_the_threshold_that_the_figures_hold_for() -> None:
    (threshold,) = shipped_thresholds()

    manual = (SUITES.parent / "docs" / "judging.md").read_text()

    assert f"`change` of {threshold.change:g}" in manual.partition("## How often it is wrong")[2]


def test_deterministic_values_are_judged_without_error() -> None:
    figures = deterministic_figures(np.random.default_rng(0))

    assert figures["reruns"] == RERUNS
    assert figures["false_alarms"] == 0
    assert figures["found"] == figures["added_instructions"] > 0
