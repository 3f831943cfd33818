"""Turns what a test measured into a record of the run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.combinations import Subject
from harness.networks import Network
from harness.records import Measurement, append
from targets.target import Timing


@dataclass(frozen=True)
class Circumstances:
    """What ran where: nothing of it for measurements that need no device."""

    firmware: str | None = None
    image: str | None = None


@dataclass(frozen=True)
class Recorder:
    """Writes the measurements of one test.

    Attributes:
        path: the file of the run.
        test: id of the test.
        subject: what is measured.
        network: its network.
        circumstances: what ran where.
    """

    path: Path
    test: str
    subject: Subject
    network: Network
    circumstances: Circumstances

    def value(
        self,
        metric: str,
        value: float,
        *,
        unit: str,
        better: str = "lower",
        deterministic: bool = True,
        subnet: str | None = None,
        inputs: np.ndarray | None = None,
    ) -> None:
        """Record a single value.

        Args:
            metric: what was measured.
            value: finite.
            unit: of the value.
            better: "lower" or "higher".
            deterministic: whether the same inputs always give the same value.
            subnet: which subnetwork, where the subject does not say.
            inputs: indices of the test samples that it was taken over.
        """
        subnet = subnet or self.subject.facts["subnet"]
        facts = {"metric": metric, "unit": unit, "better": better, "deterministic": deterministic}
        self._write(value, (value,), subnet, facts | self._inputs(inputs))

    def timing(self, metric: str, timing: Timing, *, subnet: str | None = None, from_subnet: str | None = None) -> None:
        """Record a time in the unit of the device's own clock: the median, with all raw samples."""
        clock = timing.clock
        subnet = subnet or self.subject.facts["subnet"]
        facts = {"metric": metric, "unit": clock.kind, "better": "lower", "deterministic": clock.deterministic}
        facts |= {"clock": clock.kind, "overhead": timing.overhead, "from_subnet": from_subnet}
        self._write(statistics.median(timing.samples), timing.samples, subnet, facts)

    def _inputs(self, indices: np.ndarray | None) -> dict[str, Any]:
        """The fields that say which test samples were used."""
        if indices is None:
            return {}
        whole_split = len(indices) == len(self.network.split.y_test)
        return {"sample_count": len(indices), "sample_indices": None if whole_split else tuple(indices.tolist())}

    def _write(self, value: float, samples: tuple[float, ...], subnet: str | None, facts: Mapping[str, Any]) -> None:
        measurement = Measurement(
            value=value,
            samples=samples,
            architecture=self.subject.model.architecture,
            dataset=self.subject.model.dataset,
            precision=self.subject.facts["precision"],
            device=self.subject.facts["device"],
            subnet=subnet,
            macs=None if subnet is None else self.network.macs(subnet),
            seed=self.network.recipe.seed,
            bundle=self.network.sha256,
            firmware=self.circumstances.firmware,
            image=self.circumstances.image,
            test=self.test,
            **facts,
        )
        append(self.path, measurement)
