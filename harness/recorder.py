"""Turns what a test measured into records of the run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.combinations import Subject
from harness.networks import Network
from harness.records import DeviceFacts, Measurement
from harness.resolution import accepted
from harness.run_file import append
from targets.inventory import Device
from targets.target import Identity, Timing

REFUSED = "refused"  # the property of a test


@dataclass(frozen=True)
class Circumstances:
    """What ran where: nothing of it for measurements that need no device.

    Attributes:
        firmware, image: SHA-256 of what ran on the device and of the `.reds` image.
        attempts: how often what is recorded next was tried.
        refusal: why a time is not recorded, None for one that is.
    """

    firmware: str | None = None
    image: str | None = None
    attempts: Callable[[], int] = lambda: 1
    refusal: Callable[[Timing], str | None] = accepted


def write_device_facts(path: Path, device: Device, identity: Identity) -> None:
    """Add what a device says of itself to the file of a run."""
    facts = DeviceFacts(
        id=device.id,
        device_kind=device.kind,
        board=identity.board,
        clock=identity.clock.kind,
        clock_hz=identity.clock.hz,
        compiler=identity.compiler,
        runtime_version=identity.runtime_version,
        firmware=identity.firmware_sha256,
        pool_bytes=identity.pool_bytes,
    )
    append(path, facts)


@dataclass(frozen=True)
class Recorder:
    """Writes the measurements of one test.

    Attributes:
        path: the file of the run.
        test: id of the test.
        subject: what is measured.
        network: its network.
        circumstances: what ran where.
        properties: pytest's properties of the test, which get each value as well: what reads JUnit XML shows them.
    """

    path: Path
    test: str
    subject: Subject
    network: Network
    circumstances: Circumstances
    properties: list[tuple[str, object]]

    def value(
        self,
        metric: str,
        value: float,
        *,
        unit: str,
        better: str = "lower",
        deterministic: bool = True,
        subnet: str | None = None,
        layer: str | None = None,
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
            layer: name of the layer, for what is measured layer by layer.
            inputs: indices of the test samples that it was taken over.
        """
        facts = {"metric": metric, "unit": unit, "better": better, "deterministic": deterministic, "layer": layer}
        self._write(value, (value,), subnet, facts | self._inputs(inputs))

    def accuracy(self, correct: np.ndarray, *, inputs: np.ndarray) -> None:
        """Record the share of inputs that were classified rightly, and which.

        Args:
            correct: bool (n,), one for each input.
            inputs: indices (n,) of the test samples.
        """
        share = np.mean(correct).item()
        facts = {"metric": "accuracy", "unit": "fraction", "better": "higher", "deterministic": True}
        facts |= {"correct": "".join("1" if right else "0" for right in correct)}
        self._write(share, (share,), None, facts | self._inputs(inputs))

    def timing(
        self,
        metric: str,
        timing: Timing,
        *,
        subnet: str | None = None,
        from_subnet: str | None = None,
        layer: str | None = None,
    ) -> None:
        """Record a time in the unit of the device's own clock: the median, with all raw samples.

        A time that is refused is a property of the test, which says why, instead.
        """
        clock, refusal = timing.clock, self.circumstances.refusal(timing)
        if refusal is not None:
            name = self._place_name(metric, subnet or self.subject.facts["subnet"], from_subnet, layer)
            self.properties.append((REFUSED, f"{name} on {self.subject.facts['device']}: {refusal}"))
            return
        facts = {"metric": metric, "unit": clock.kind, "better": "lower", "deterministic": clock.deterministic}
        facts |= {"clock": clock.kind, "overhead": timing.overhead, "from_subnet": from_subnet, "layer": layer}
        self._write(statistics.median(timing.samples), timing.samples, subnet, facts)

    def _inputs(self, indices: np.ndarray | None) -> dict[str, Any]:
        """The fields that say which test samples were used."""
        if indices is None:
            return {}
        whole_split = len(indices) == len(self.network.split.y_test)
        return {"sample_count": len(indices), "sample_indices": None if whole_split else tuple(indices.tolist())}

    def _write(self, value: float, samples: Sequence[float], subnet: str | None, facts: Mapping[str, Any]) -> None:
        subnet = subnet or self.subject.facts["subnet"]
        measurement = Measurement(
            value=value,
            samples=tuple(samples),
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
            attempts=self.circumstances.attempts(),
            **facts,
        )
        append(self.path, measurement)
        self.properties.append((self._property_name(measurement), f"{value:.10g} {measurement.unit}"))

    def _property_name(self, measurement: Measurement) -> str:
        return self._place_name(measurement.metric, measurement.subnet, measurement.from_subnet, measurement.layer)

    def _place_name(self, metric: str, subnet: str | None, from_subnet: str | None, layer: str | None) -> str:
        """The metric, and whatever the test's own properties do not say of what was measured: "switch[100->50]"."""
        level = None if subnet == self.subject.facts["subnet"] else subnet
        if from_subnet:
            level = f"{from_subnet}->{subnet}"
        place = "-".join(part for part in (level, layer) if part)
        return f"{metric}[{place}]" if place else metric
