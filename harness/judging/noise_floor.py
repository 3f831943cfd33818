"""The A/A noise floor of a device: what values of the same program on the same device differ by from run to run.

The samples of one run cannot tell it: what a computer does meanwhile, and where it puts the program in memory, may be the same
for all of them and another in the next run.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from harness.judging.circumstances import Surroundings, changes
from harness.judging.sampled import Samples, relative_shift
from harness.records import Key, Measurement
from harness.run_file import RunFile

PERCENTILE = 99  # as rare as a false alarm may be
FEWEST_SHIFTS = 20  # fewer say nothing about a high percentile
EARLIER_RUNS = 20  # that each run is paired with: enough of them, and the time grows with the runs, not with their square


class Place(NamedTuple):
    """What has a noise floor of its own."""

    metric: str
    device: str


@dataclass(frozen=True)
class NoiseFloor:
    """The noise floor of a metric on a device.

    Attributes:
        noise: relative shift that one pair of values in a hundred exceeds; None where there are too few pairs to say.
        shifts: how many pairs of values of the same program there are.
    """

    place: Place
    noise: float | None
    shifts: int


class _Seen(NamedTuple):
    """A value of one run, and where it was measured."""

    samples: Samples
    surroundings: Surroundings


def noise_floors(runs: Iterable[RunFile]) -> list[NoiseFloor]:
    """For each metric that has noise, on each device: how far values of the same program, image and circumstances lie apart.

    Args:
        runs: in the order in which they started; each is paired with the `EARLIER_RUNS` before that ran the same.
    """
    return [_floor(place, shifts) for place, shifts in _shifts(runs).items()]


def _floor(place: Place, shifts: Sequence[float]) -> NoiseFloor:
    enough = len(shifts) >= FEWEST_SHIFTS
    return NoiseFloor(place, float(np.percentile(shifts, PERCENTILE)) if enough else None, len(shifts))


def _shifts(runs: Iterable[RunFile]) -> Mapping[Place, list[float]]:
    """The relative shift of each pair of values that ought to be the same."""
    shifts: dict[Place, list[float]] = defaultdict(list)
    earlier: dict[tuple[Key, str, str, str], deque[_Seen]] = defaultdict(lambda: deque(maxlen=EARLIER_RUNS))
    for run in runs:
        devices = {device.id: device for device in run.devices}
        for m in _noisy(run):
            assert m.device is not None
            assert m.firmware is not None
            assert m.image is not None
            now = _Seen(Samples.of(m.samples), Surroundings.of(run.run, devices, m.device))
            same = earlier[m.key, m.unit, m.firmware, m.image]
            for before in same:
                if not changes(before.surroundings, now.surroundings, deterministic=False):
                    shifts[Place(m.metric, m.device)].append(relative_shift(before.samples, now.samples))
            same.append(now)
    return shifts


def _noisy(run: RunFile) -> Iterator[Measurement]:
    """The values with noise of which is known what ran; of a value that was measured again the last one."""
    for m in {m.key: m for m in run.measurements}.values():
        if not m.deterministic and None not in (m.device, m.firmware, m.image) and m.value:
            yield m
