"""How values went from run to run: a series for each key, and the steps in it with the commits between which they happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from harness import change_points
from harness.judging.circumstances import DEVICE_FACTS, HOST_FACTS, HOST_KIND, differences
from harness.readings import Reading, RunReadings
from harness.records import DeviceFacts, Key, Run

BLOCKS = "▁▂▃▄▅▆▇█"
SHORT_SHA = 10


class Point(NamedTuple):
    """The value of one run; the last one where it was measured several times.

    Attributes:
        device: facts of the device, None if the value is of none or the run does not say.
    """

    run: Run
    reading: Reading
    device: DeviceFacts | None

    @property
    def value(self) -> float:
        """The value alone."""
        return self.reading.value


@dataclass(frozen=True)
class Step:
    """A change of level.

    Attributes:
        position: index of the first point of the new level.
        before, after: the levels: for exact values the two neighbours, otherwise the medians of the runs of a level.
        verdict: "better", "worse" or, if the toolchain, the board or (for times of a running clock) this computer changed at the
            same time, "toolchain": nothing got better or worse by our own doing.
        toolchain: what of these changed, as "compiler 12.2 -> 13.1".
        retrained: whether the trained network is another one.
        commits: the last commit of the old level and the first of the new one; None outside a repository.
        runs: ids of these two runs.
    """

    position: int
    before: float
    after: float
    verdict: str
    toolchain: tuple[str, ...]
    retrained: bool
    commits: tuple[str | None, str | None]
    runs: tuple[str, str]

    @property
    def change(self) -> float | None:
        """Relative change, None from zero."""
        return self.after / self.before - 1 if self.before else None

    @property
    def commit_range(self) -> str:
        """As git takes it; in words where it cannot be one."""
        first, last = (sha and sha[:SHORT_SHA] for sha in self.commits)
        if first is None or last is None:
            return f"between runs {self.runs[0]} and {self.runs[1]}"
        return f"within {first}" if first == last else f"{first}..{last}"


@dataclass(frozen=True)
class Series:
    """A key in all runs of a matrix that have it, oldest first.

    Attributes:
        matrix: what levels are called is up to the matrix, so that each has series of its own.
    """

    matrix: str
    key: Key
    unit: str
    better: str
    deterministic: bool
    points: tuple[Point, ...]
    steps: tuple[Step, ...]

    @property
    def values(self) -> list[float]:
        """The values alone."""
        return [point.value for point in self.points]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "matrix": self.matrix,
            "key": str(self.key),
            **vars(self.key),
            "unit": self.unit,
            "better": self.better,
            "deterministic": self.deterministic,
            "points": [
                {
                    "run": p.run.id,
                    "started": p.run.started,
                    "git_sha": p.run.git_sha,
                    "git_dirty": p.run.git_dirty,
                    "value": p.value,
                }
                for p in self.points
            ],
            "steps": [{**vars(step), "change": step.change, "commit_range": step.commit_range} for step in self.steps],
        }


def series(runs: Iterable[RunReadings]) -> list[Series]:
    """The history of every key, in the order in which keys first appear.

    Args:
        runs: oldest first; `harness.sources.values` gives them, `harness.readings.of_run` makes them of whole runs.
    """
    found: dict[tuple[str, Key, str], list[Point]] = defaultdict(list)
    for of_run in runs:
        run, devices = of_run.run, of_run.devices
        for reading in of_run.readings:
            points = found[run.matrix, reading.key, reading.unit]
            point = Point(run, reading, devices.get(reading.key.device or ""))
            if points and points[-1].run is run:
                points[-1] = point
            else:
                points.append(point)
    return [_series(tuple(points)) for points in found.values()]


def _series(points: tuple[Point, ...]) -> Series:
    run, last, _ = points[-1]
    values = [point.value for point in points]
    find = change_points.of_exact if last.deterministic else change_points.of_noisy
    steps = tuple(_steps(points, find(values), last))
    return Series(run.matrix, last.key, last.unit, last.better, last.deterministic, points, steps)


def _steps(points: Sequence[Point], positions: Sequence[int], reading: Reading) -> Iterator[Step]:
    bounds = [0, *positions, len(points)]
    levels = [median(point.value for point in points[start:end]) for start, end in pairwise(bounds)] if positions else []
    for index, position in enumerate(positions):
        old, new = points[position - 1], points[position]
        before, after = levels[index], levels[index + 1]
        toolchain = tuple(_toolchain_changes(old, new, reading))
        improved = after < before if reading.better == "lower" else after > before
        yield Step(
            position=position,
            before=before,
            after=after,
            verdict="toolchain" if toolchain else "better" if improved else "worse",
            toolchain=toolchain,
            retrained=old.reading.bundle != new.reading.bundle,
            commits=(old.run.git_sha, new.run.git_sha),
            runs=(old.run.id, new.run.id),
        )


def _toolchain_changes(before: Point, after: Point, reading: Reading) -> Iterator[str]:
    """What changed around a value besides our own code; nothing where a run does not say (older files)."""
    a, b = before.device, after.device
    if a is not None and b is not None:
        yield from differences(vars(a), vars(b), DEVICE_FACTS)
    on_host = reading.key.device is None or (a is not None and b is not None and a.device_kind == b.device_kind == HOST_KIND)
    if on_host and not reading.deterministic:
        yield from differences(before.run.host, after.run.host, HOST_FACTS)


def sparkline(values: Sequence[float], width: int) -> str:
    """Values as block characters, lowest to highest; of neighbours that share a character the median.

    Args:
        values: oldest first, at least one.
        width: the most characters.
    """
    cells = min(width, len(values))
    bounds = [cell * len(values) // cells for cell in range(cells + 1)]
    shown = [median(values[start:end]) for start, end in pairwise(bounds)]
    low, high = min(shown), max(shown)
    if low == high:
        return BLOCKS[len(BLOCKS) // 2] * cells
    return "".join(BLOCKS[round((value - low) / (high - low) * (len(BLOCKS) - 1))] for value in shown)
