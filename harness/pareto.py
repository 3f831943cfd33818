"""Accuracy against cost: which subnetworks of a device are worth having, and how that changed from one run to another.

A point dominates another if it is at least as accurate, costs at most as much, and is better in one of the two. The front is what
nothing dominates. Its hypervolume is the area it dominates up to a reference point (E. Zitzler, L. Thiele, "Multiobjective
evolutionary algorithms", IEEE Transactions on Evolutionary Computation 1999).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness import units
from harness.records import Measurement
from harness.run_file import RunFile
from reds.errors import ConfigError, unknown_name

MACS = "macs"
REFERENCE_COST_FACTOR = 1.1  # times the greatest cost, so that the most expensive point has an area too
REFERENCE_ACCURACY = 0.0
NOT_SPENT = ("logit", "fraction")  # units of errors


@dataclass(frozen=True)
class Point:
    """One subnetwork of one placement.

    Attributes:
        accuracy: fraction of `sample_count` inputs, inferred on the device.
        cost: in the unit of its front.
    """

    architecture: str
    precision: str
    subnet: str
    accuracy: float
    cost: float
    sample_count: int | None = None

    @property
    def name(self) -> tuple[str, str, str]:
        """What is the same point in another run."""
        return (self.architecture, self.precision, self.subnet)

    def dominates(self, other: Point) -> bool:
        """Whether this one is better in accuracy or cost and worse in neither."""
        no_worse = self.accuracy >= other.accuracy and self.cost <= other.cost
        return no_worse and (self.accuracy > other.accuracy or self.cost < other.cost)


@dataclass(frozen=True)
class Place:
    """Points that may be compared: the same inputs, the same device, the same kind of cost."""

    device: str
    dataset: str
    cost: str
    unit: str

    def __str__(self) -> str:
        return f"{self.device}, {self.dataset}, accuracy against {self.cost} ({units.short(self.unit)})"


@dataclass(frozen=True)
class Front:
    """The points of a place.

    Attributes:
        points: all of them, in ascending order of cost.
        best: those that no other dominates; of several with the same accuracy and cost all.
    """

    place: Place
    points: tuple[Point, ...]
    best: tuple[Point, ...]


@dataclass(frozen=True)
class Dominated:
    """A point and the one that dominates it."""

    point: Point
    by: Point


@dataclass(frozen=True)
class FrontChange:
    """A place in two runs.

    Attributes:
        before, after: the fronts; None where a run has no such place.
        became_dominated: points on the front before that another point dominates after.
        fell_behind: points on the front after that a point of the front before dominates: the front itself lost ground there.
        missing: points on the front before that the run after does not have; all of them if it does not have the place.
        reference: (cost, accuracy) up to which hypervolumes are taken; the same for both runs.
        hypervolume_before, hypervolume_after: in units of cost times accuracy; None where there is no front.
    """

    place: Place
    before: Front | None
    after: Front | None
    became_dominated: tuple[Dominated, ...]
    fell_behind: tuple[Dominated, ...]
    missing: tuple[Point, ...]
    reference: tuple[float, float]
    hypervolume_before: float | None
    hypervolume_after: float | None

    @property
    def lost(self) -> int:
        """How many points of the front before are dominated or missing."""
        return len(self.became_dominated) + len(self.missing)

    @property
    def sample_counts(self) -> tuple[frozenset[int | None], ...]:
        """Over how many inputs accuracies were taken, before and after; those over other inputs cannot be compared."""
        return tuple(frozenset(p.sample_count for p in front.points) for front in (self.before, self.after) if front)

    @property
    def change(self) -> float | None:
        """Relative change of the hypervolume, None unless both runs have one."""
        if not self.hypervolume_before or self.hypervolume_after is None:
            return None
        return self.hypervolume_after / self.hypervolume_before - 1


def fronts(run: RunFile, cost: str = "latency") -> list[Front]:
    """The front of each device and data set; empty if nothing has both an accuracy and this cost.

    Args:
        run: with accuracies by device.
        cost: "macs", or a metric of which less is better: "latency", "arena_bytes", "image_bytes", "energy", ...

    Raises:
        ConfigError: no such cost in the run, although it has accuracies.
    """
    accuracies = {(m.device, *_name(m)): m for m in run.measurements if m.metric == "accuracy"}
    if accuracies:
        _check_cost(cost, run.measurements)
    costs = {(m.device, *_name(m)): m for m in run.measurements if m.metric == cost and m.from_subnet is None and m.layer is None}
    places: dict[Place, list[Point]] = defaultdict(list)
    for m in accuracies.values():
        if m.device is None or m.precision is None or m.subnet is None:
            continue
        found = _cost_of(m, cost, costs)
        if found is not None:
            value, unit = found
            point = Point(m.architecture, m.precision, m.subnet, m.value, value, m.sample_count)
            places[Place(m.device, m.dataset, cost, unit)].append(point)
    return [front_of(place, points) for place, points in places.items()]


def _name(m: Measurement) -> tuple[str | None, ...]:
    return (m.architecture, m.dataset, m.precision, m.subnet)


def _cost_of(accuracy: Measurement, cost: str, costs: Mapping[tuple[str | None, ...], Measurement]) -> tuple[float, str] | None:
    """Value and unit; of the subnetwork, else of the image that holds all subnetworks."""
    if cost == MACS:
        return None if accuracy.macs is None else (accuracy.macs, "multiply-adds")
    network = (accuracy.device, accuracy.architecture, accuracy.dataset, accuracy.precision)
    found = costs.get((*network, accuracy.subnet)) or costs.get((*network, None))
    return found and (found.value, found.unit)


def _check_cost(cost: str, measurements: Iterable[Measurement]) -> None:
    known = {m.metric for m in measurements if _is_cost(m)} | {MACS}
    if cost not in known:
        raise unknown_name("cost", cost, known)


def _is_cost(m: Measurement) -> bool:
    """Whether less of it is better, it is spent, and a subnetwork or the whole image has one value of it."""
    spent = m.better == "lower" and m.unit not in NOT_SPENT
    return spent and m.device is not None and m.from_subnet is None and m.layer is None


def front_of(place: Place, points: Iterable[Point]) -> Front:
    """Sort out which of the points are the front."""
    ordered = sorted(points, key=lambda p: (p.cost, -p.accuracy, p.name))
    best: list[Point] = []
    for point in ordered:  # ascending cost: only what came before can dominate
        if not best or point.accuracy > best[-1].accuracy or (point.accuracy, point.cost) == (best[-1].accuracy, best[-1].cost):
            best.append(point)
    return Front(place, tuple(ordered), tuple(best))


def hypervolume(best: Sequence[Point], reference: tuple[float, float]) -> float:
    """The area that these points dominate, exactly.

    Args:
        best: a front, in ascending order of cost.
        reference: (cost, accuracy); points beyond it dominate nothing.
    """
    limit, floor = reference
    area = 0.0
    for point in best:
        if point.cost < limit and point.accuracy > floor:
            area += (limit - point.cost) * (point.accuracy - floor)
            floor = point.accuracy
    return area


def compare_fronts(before: RunFile, after: RunFile, cost: str = "latency") -> list[FrontChange]:
    """What became of each front, in the order of `before`, new places last.

    Raises:
        ConfigError: neither run has points of this cost, or as `fronts`.
    """
    of_before = {front.place: front for front in fronts(before, cost)}
    of_after = {front.place: front for front in fronts(after, cost)}
    places = [*of_before, *(place for place in of_after if place not in of_before)]
    if not places:
        do = "run suites/test_accuracy.py and suites/test_latency.py"
        raise ConfigError(f"no run has both an accuracy and a {cost} on one device", do=do)
    return [_change(place, of_before.get(place), of_after.get(place)) for place in places]


def _change(place: Place, before: Front | None, after: Front | None) -> FrontChange:
    points = [point for front in (before, after) if front for point in front.points]
    reference = (REFERENCE_COST_FACTOR * max(point.cost for point in points), REFERENCE_ACCURACY)
    areas = [None if front is None else hypervolume(front.best, reference) for front in (before, after)]
    if before is None or after is None:
        return FrontChange(place, before, after, (), (), before.best if before else (), reference, *areas)
    now = {point.name: point for point in after.points}
    kept = [now[point.name] for point in before.best if point.name in now]
    missing = tuple(point for point in before.best if point.name not in now)
    return FrontChange(
        place, before, after, _dominated(kept, after.best), _dominated(after.best, before.best), missing, reference, *areas
    )


def _dominated(points: Iterable[Point], by: Sequence[Point]) -> tuple[Dominated, ...]:
    """Those of the points that one of `by` dominates, with the most accurate that does."""
    found = []
    for point in points:
        better = [other for other in by if other.dominates(point)]
        if better:
            found.append(Dominated(point, max(better, key=lambda p: (p.accuracy, -p.cost))))
    return tuple(found)
