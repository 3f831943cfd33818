"""Stages that build on one another's networks, and the keys that follow from that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.plans import EpochsDone
from reds.stages import Stage

Work = Callable[[Sequence[Bundle], Split, EpochsDone], Sequence[Bundle]]
"""Networks of the steps before, data, and what is told how far a training is -> networks."""


@dataclass(frozen=True, eq=False)
class Step:
    """A stage on its way to the networks of a recipe.

    Attributes:
        stage: what it is; its code decides the result.
        inputs: JSON-ready, what else decides it; the data and the steps before count anyway.
        work: makes the networks.
        ticks: steps of progress that it reports.
        before: the steps whose networks it is given.
    """

    stage: Stage
    inputs: Mapping[str, Any]
    work: Work
    ticks: int = 1
    before: tuple[Step, ...] = ()

    def facts(self, data: str) -> dict[str, Any]:
        """Everything that decides the result, given the fingerprint of the data."""
        return {**self.inputs, "data": data, "before": [step.key(data) for step in self.before]}

    def key(self, data: str) -> str:
        """The key of the result, given the fingerprint of the data."""
        return self.stage.key(self.facts(data))


def in_order(last: Iterable[Step]) -> list[Step]:
    """The steps and all that they build on, each once, none before what it builds on."""
    ordered: dict[Step, None] = {}
    for step in last:
        ordered |= dict.fromkeys([*in_order(step.before), step])
    return list(ordered)
