"""The measurements of a run, sorted by network, and the order of what they name."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.records import Measurement

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Network:
    """An architecture on a data set, and everything that a run measured of it; the last measurement of each key counts."""

    architecture: str
    dataset: str
    measurements: Sequence[Measurement]

    @property
    def name(self) -> str:
        """As tests call it."""
        return f"{self.architecture}-{self.dataset}"

    def of(self, metric: str) -> list[Measurement]:
        """The measurements of a metric."""
        return [m for m in self.measurements if m.metric == metric]


def networks(measurements: Iterable[Measurement]) -> list[Network]:
    """The networks of a run, in the order in which they were first measured."""
    found: dict[tuple[str, str], dict[object, Measurement]] = {}
    for m in measurements:
        found.setdefault((m.architecture, m.dataset), {})[m.key] = m
    return [Network(*name, tuple(values.values())) for name, values in found.items()]


def levels(measurements: Iterable[Measurement]) -> list[str]:
    """Names of the subnetworks, the most expensive first; those of unknown cost last."""
    macs: dict[str, int] = {}
    for m in measurements:
        for subnet in (m.from_subnet, m.subnet):
            if subnet is not None:
                macs.setdefault(subnet, 0)
        if m.subnet is not None and m.macs is not None:
            macs[m.subnet] = m.macs
    return sorted(macs, key=lambda name: -macs[name])


def by_place(measurements: Iterable[Measurement]) -> Mapping[tuple[str, str, str], list[Measurement]]:
    """By device, precision and unit: what may stand on one axis."""
    found: dict[tuple[str, str, str], list[Measurement]] = {}
    for m in measurements:
        if m.device is not None and m.precision is not None:
            found.setdefault((m.device, m.precision, m.unit), []).append(m)
    return found


def unique(names: Iterable[Name]) -> list[Name]:
    """The names, each once, in the order in which they come."""
    return list(dict.fromkeys(names))
