"""How often the gate is wrong, over simulated noise; python -m tests.benchmarks.judging prints the same with more cases."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.judging import (
    INTERLEAVED,
    LEVELS,
    RERUNS,
    SEPARATE,
    Simulation,
    deterministic_figures,
    judge_interleaved,
    judge_separate,
)

MOST_FALSE_ALARMS = 0.01
FEWEST_FOUND = 0.95
CASES = 300
JUDGES = {"separate": (judge_separate, SEPARATE), "interleaved": (judge_interleaved, INTERLEAVED)}
KINDS = [(way, name) for way, (_, noises) in JUDGES.items() for name in noises]


@pytest.fixture
def simulation(way: str) -> Simulation:
    return Simulation(JUDGES[way][0], CASES, np.random.default_rng(1))


@pytest.mark.parametrize(("way", "name"), KINDS)
def test_noise_of_every_kind_is_hardly_ever_called_a_change(simulation: Simulation, way: str, name: str) -> None:
    for level in LEVELS:
        assert simulation.false_alarms(JUDGES[way][1][name], level) <= MOST_FALSE_ALARMS, level


@pytest.mark.parametrize(("way", "name"), KINDS)
def test_a_slow_down_of_a_tenth_is_found(simulation: Simulation, way: str, name: str) -> None:
    assert simulation.found(JUDGES[way][1][name]) >= FEWEST_FOUND


def test_deterministic_values_are_judged_without_error() -> None:
    figures = deterministic_figures(np.random.default_rng(0))

    assert figures["reruns"] == RERUNS
    assert figures["false_alarms"] == 0
    assert figures["found"] == figures["added_instructions"] > 0
