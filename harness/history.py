"""How values went from run to run: a series for each key, and the steps in it with the commits between which they happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from harness import change_points
from harness.judging.circumstances import Surroundings, changes
from harness.readings import Quantity, Reading, RunReadings
from harness.records import Key, Run

BLOCKS = "▁▂▃▄▅▆▇█"
SHORT_SHA = 10

Found = tuple[list[RunReadings], list[Reading]]  # the values of a quantity, and for each the run that it is from


class Point(NamedTuple):
    """The value of one run; the last one where it was measured several times."""

    run: Run
    value: float


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
        dirty: whether these two runs had changes that were not committed.
        runs: ids of these two runs.
    """

    position: int
    before: float
    after: float
    verdict: str
    toolchain: tuple[str, ...]
    retrained: bool
    commits: tuple[str | None, str | None]
    dirty: tuple[bool, bool]
    runs: tuple[str, str]

    @property
    def change(self) -> float | None:
        """Relative change, None from zero."""
        return self.after / self.before - 1 if self.before else None

    @property
    def commit_range(self) -> str:
        """As git takes it; in words where it cannot be one: outside a repository, and where changes were not committed."""
        if None in self.commits:
            return f"between runs {self.runs[0]} and {self.runs[1]}"
        pairs = zip(self.commits, self.dirty, strict=True)
        first, last = (f"{str(sha)[:SHORT_SHA]}{' with changes' if dirty else ''}" for sha, dirty in pairs)
        if first == last:
            return f"within {first}"
        return f"{first} to {last}" if any(self.dirty) else f"{first}..{last}"


@dataclass(frozen=True)
class Series:
    """A quantity in all runs of a matrix that have it, oldest first.

    Attributes:
        matrix: what levels are called is up to the matrix, so that each has series of its own.
        quantity: as the last run says it.
        runs: where each value is from.
        values: one for each of these runs.
    """

    matrix: str
    quantity: Quantity
    runs: Sequence[RunReadings]
    values: Sequence[float]
    steps: tuple[Step, ...]

    @property
    def key(self) -> Key:
        """What was measured on what."""
        return self.quantity.key

    @property
    def unit(self) -> str:
        """Of the values."""
        return self.quantity.unit

    @property
    def better(self) -> str:
        """ "lower" or "higher"."""
        return self.quantity.better

    @property
    def points(self) -> list[Point]:
        """The values with their runs."""
        return [Point(run.run, value) for run, value in zip(self.runs, self.values, strict=True)]

    def run_at(self, position: int) -> Run:
        """The run of the value at a position."""
        return self.runs[position].run

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "matrix": self.matrix,
            "key": str(self.key),
            **vars(self.key),
            "unit": self.unit,
            "better": self.better,
            "deterministic": self.quantity.deterministic,
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
    found: dict[tuple[str, Key, str], Found] = {}
    places: dict[str, dict[Quantity, Found]] = defaultdict(dict)  # the same, by what is quickly looked up
    for run in runs:
        matrix = run.run.matrix
        place = places[matrix]
        for reading in run.readings:
            quantity = reading[0]
            if quantity not in place:
                place[quantity] = found.setdefault((matrix, quantity.key, quantity.unit), ([], []))
            its_runs, its_readings = place[quantity]
            if its_runs and its_runs[-1] is run:
                its_readings[-1] = reading
            else:
                its_runs.append(run)
                its_readings.append(reading)
    return list(_all_series(found))


def _all_series(found: Mapping[tuple[str, Key, str], Found]) -> Iterator[Series]:
    quantities = [readings[-1][0] for _, readings in found.values()]
    values = [[value for _, value, _ in readings] for _, readings in found.values()]
    noisy = [index for index, quantity in enumerate(quantities) if not quantity.deterministic]
    positions = dict(zip(noisy, change_points.of_each_noisy([values[index] for index in noisy]), strict=True))
    for index, ((matrix, _, _), (runs, readings)) in enumerate(found.items()):
        changed = positions[index] if index in positions else change_points.of_exact(values[index])
        steps = tuple(_steps(quantities[index], runs, readings, values[index], changed))
        yield Series(matrix, quantities[index], runs, values[index], steps)


def _steps(
    quantity: Quantity,
    runs: Sequence[RunReadings],
    readings: Sequence[Reading],
    values: Sequence[float],
    positions: Sequence[int],
) -> Iterator[Step]:
    bounds = [0, *positions, len(values)]
    levels = [median(values[start:end]) for start, end in pairwise(bounds)] if positions else []
    for position, (before, after) in zip(positions, pairwise(levels), strict=True):
        old, new = runs[position - 1], runs[position]
        surroundings = [Surroundings.of(one.run, one.devices, quantity.key.device) for one in (old, new)]
        toolchain = changes(*surroundings, deterministic=quantity.deterministic)
        (_, _, old_bundle), (_, _, new_bundle) = readings[position - 1], readings[position]
        improved = after < before if quantity.better == "lower" else after > before
        yield Step(
            position=position,
            before=before,
            after=after,
            verdict="toolchain" if toolchain else "better" if improved else "worse",
            toolchain=toolchain,
            retrained=old_bundle != new_bundle,
            commits=(old.run.git_sha, new.run.git_sha),
            dirty=(old.run.git_dirty, new.run.git_dirty),
            runs=(old.run.id, new.run.id),
        )


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
