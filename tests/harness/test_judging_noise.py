"""How often the gate is wrong, over simulated noise; python -m tests.benchmarks.judging prints the same with more cases."""

from __future__ import annotations

import numpy as np
import pytest

from harness.judging import Verdict
from harness.matrix import SUITES, shipped_matrices
from tests.benchmarks.judging import (
    HARD,
    INTERLEAVED,
    LEVELS,
    SAMPLED_METRICS,
    SEPARATE,
    SLOWER,
    Case,
    Simulation,
    deterministic_figures,
    judge_interleaved,
    judge_separate,
    shipped_cases,
)

MOST_FALSE_ALARMS = 0.01
FEWEST_FOUND = 0.95
CASES = 300
JUDGES = {"separate": (judge_separate, SEPARATE), "interleaved": (judge_interleaved, INTERLEAVED)}
KINDS = [(case, way, name) for case in shipped_cases() for way, (_, noises) in JUDGES.items() for name in noises]
# Of pairs of runs whose noise two separate runs cannot tell from a change; the manual has the figures.
MOST_HARD_FALSE_ALARMS = {
    "random walk through both runs": 0.05,
    "steep ramp through both runs": 0.75,
    "autoregressive (0.95)": 0.4,
    "persistent modes": 0.65,
}


@pytest.fixture
def simulation(case: Case, way: str) -> Simulation:
    return Simulation(JUDGES[way][0], case, CASES, np.random.default_rng(1))


def test_every_sampled_metric_of_every_shipped_matrix_is_simulated() -> None:
    covered = {name for names in shipped_cases().values() for name in names}

    assert covered == {f"{metric} of {path.stem}" for metric in SAMPLED_METRICS for path in shipped_matrices()}


@pytest.mark.parametrize(("case", "way", "name"), KINDS)
def test_noise_of_every_kind_is_hardly_ever_called_a_change(simulation: Simulation, way: str, name: str) -> None:
    for level in LEVELS:
        assert simulation.false_alarms(JUDGES[way][1][name], level) <= MOST_FALSE_ALARMS, level


@pytest.mark.parametrize(("case", "way", "name"), [kind for kind in KINDS if kind[0].can_be_found])
def test_a_slow_down_of_a_tenth_is_found(simulation: Simulation, way: str, name: str) -> None:
    assert simulation.found(JUDGES[way][1][name]) >= FEWEST_FOUND


@pytest.mark.parametrize("name", HARD)
def test_what_separate_runs_cannot_tell_stays_within_bounds(name: str) -> None:
    case = next(case for case in shipped_cases() if case.can_be_found)
    simulation = Simulation(judge_separate, case, CASES, np.random.default_rng(1))

    for level in LEVELS:
        assert simulation.false_alarms(HARD[name], level) <= MOST_HARD_FALSE_ALARMS[name], level


def test_times_below_the_clock_are_never_called_changed() -> None:
    (switch,) = [case for case, names in shipped_cases().items() if any(name.startswith("switch ") for name in names)]
    simulation = Simulation(judge_separate, switch, CASES, np.random.default_rng(1))

    assert not switch.can_be_found
    for noise in (*SEPARATE.values(), *HARD.values()):
        assert simulation.verdicts(noise, max(LEVELS), SLOWER).keys() == {Verdict.SAME}


def test_the_manual_names_the_threshold_that_the_figures_hold_for() -> None:
    (threshold,) = {case.threshold for case in shipped_cases()}

    manual = (SUITES.parent / "docs" / "judging.md").read_text()

    assert f"`change` of {threshold.change:g}" in manual.partition("## How often it is wrong")[2]


def test_single_added_instructions_are_found() -> None:
    figures = deterministic_figures(np.random.default_rng(0))

    assert figures["found"] == figures["added_instructions"] > 0
