"""Label setting: partial paths are extended group by group; those that cannot win are dropped.

A label is dropped when its optimistic completion is not worth more than a known solution, when even its cheapest completion
breaks a limit, or when another label at the same width is worth as much and costs no more. Where too many labels remain, the
least promising go too, and the best completion that one of them might have had becomes part of the bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reds.search.problem import Problem
from reds.search.relaxation import Path, Relaxation, best_suffixes, least_costs, priced, priced_edges

EXPANDED = 1 << 16  # extensions computed at once: a few arrays of half a megabyte
COMPARED = 512  # labels compared at once where several resources make dominance a partial order


class Abandoned(Exception):  # noqa: N818 - no error: a pass that would take too long proves nothing
    """The work that a pass was allowed is done and the pass is not."""


@dataclass(frozen=True)
class Labels:
    """Partial paths that end in one group: `width` is the position there, `parent` the label of the group before.

    `promise` is the most that a completion may be worth.
    """

    value: np.ndarray
    costs: np.ndarray
    width: np.ndarray
    parent: np.ndarray
    promise: np.ndarray

    def __len__(self) -> int:
        return len(self.value)

    def take(self, indices: np.ndarray) -> Labels:
        """These labels only."""
        return Labels(
            self.value[indices], self.costs[:, indices], self.width[indices], self.parent[indices], self.promise[indices]
        )

    @staticmethod
    def joined(parts: list[Labels]) -> Labels:
        """All labels of several lists that end in the same group."""
        value, width, parent, promise = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("value", "width", "parent", "promise")
        )
        return Labels(value, np.concatenate([part.costs for part in parts], axis=1), width, parent, promise)


@dataclass(frozen=True)
class Outcome:
    """The best path found, None where none beats the threshold, and the most that what was dropped for room might be worth."""

    path: Path | None
    dropped_bound: float


def best_labelled_path(
    problem: Problem,
    relaxation: Relaxation,
    threshold: float,
    capacity: int,
    spend: Callable[[int], None] = lambda _extensions: None,
) -> Outcome:
    """The path of largest value above `threshold`, keeping at most `capacity` labels in each group.

    Args:
        problem: what to solve.
        relaxation: of this problem; its bounds decide which labels are kept.
        threshold: paths worth no more are of no use.
        capacity: labels kept in each group.
        spend: told of the extensions about to be computed; may raise Abandoned.
    """
    bounds = _Bounds(problem, relaxation, threshold)
    starts = np.arange(len(problem.widths[0]))
    zeros = np.zeros(len(starts))
    labels = Labels(zeros, np.zeros((len(problem.resources), len(starts))), starts, starts, zeros)
    history, dropped_bound = [labels], -np.inf
    for group in range(1, len(problem.groups)):
        parts: list[Labels] = []
        rows = max(1, EXPANDED // len(problem.widths[group]))
        for start in range(0, len(labels), rows):
            chosen = np.arange(start, min(start + rows, len(labels)))
            spend(len(chosen) * len(problem.widths[group]))
            parts.append(bounds.extended(labels, chosen, group))
            if len(parts) > 1 and sum(map(len, parts)) > 4 * capacity + EXPANDED:
                kept, bound = _best(Labels.joined(parts), capacity)
                parts, dropped_bound = [kept], max(dropped_bound, bound)
        if not any(map(len, parts)):
            return Outcome(None, dropped_bound)
        labels, bound = _best(Labels.joined(parts), capacity)
        dropped_bound = max(dropped_bound, bound)
        history.append(labels)
    return Outcome(_trace(history), dropped_bound)


class _Bounds:
    """Extends labels by one group and keeps what the bounds leave a chance."""

    def __init__(self, problem: Problem, relaxation: Relaxation, threshold: float) -> None:
        self.problem, self.relaxation, self.threshold = problem, relaxation, threshold
        self.least = least_costs(problem)
        self.unlimited = best_suffixes(priced_edges(problem, np.zeros(len(problem.resources))))
        self.credit = float(relaxation.prices @ problem.limits)

    def extended(self, labels: Labels, chosen: np.ndarray, group: int) -> Labels:
        """The labels of `group` that continue the chosen ones of the group before."""
        pair, width, limits = self.problem.pairs[group - 1], labels.width[chosen], self.problem.limits
        value = labels.value[chosen, None] + pair.value[width]
        costs = labels.costs[:, chosen, None] + pair.costs[:, width]
        optimistic = priced(value, costs, self.relaxation.prices) + (self.relaxation.suffixes[group] + self.credit)
        np.minimum(optimistic, value + self.unlimited[group], out=optimistic)
        open_ = optimistic > self.threshold
        for cost, least, limit in zip(costs, self.least[group], limits, strict=True):
            open_ &= cost + least <= limit
        row, column = np.nonzero(open_)
        return Labels(value[row, column], costs[:, row, column], column, chosen[row], optimistic[row, column])


def _best(labels: Labels, capacity: int) -> tuple[Labels, float]:
    """The most promising labels that no other one beats, at most `capacity`, and the greatest promise of those left out."""
    kept = _undominated(labels)
    if len(kept) <= capacity:
        return labels.take(kept), -np.inf
    ranked = kept[np.argsort(-labels.promise[kept], kind="stable")]
    return labels.take(ranked[:capacity]), float(labels.promise[ranked[capacity]])


def _trace(history: list[Labels]) -> Path:
    """The path of the most valuable label of the last group."""
    label, path = int(np.argmax(history[-1].value)), []
    for labels in reversed(history):
        path.append(int(labels.width[label]))
        label = int(labels.parent[label])
    return tuple(reversed(path))


def _undominated(labels: Labels) -> np.ndarray:
    """Indices of the labels that no other label at the same width beats."""
    if len(labels.costs) == 1:
        by_cost = np.argsort(labels.costs[0])
        # Sorting 16-bit integers takes a fraction of what sorting by two keys takes.
        by_cost = by_cost[np.argsort(labels.width[by_cost].astype(np.uint16), kind="stable")]
        return by_cost[_rises(labels.width[by_cost], labels.value[by_cost])]
    by_cost = np.lexsort((-labels.value, *labels.costs[::-1], labels.width))
    bounds = np.flatnonzero(np.diff(labels.width[by_cost])) + 1
    return np.concatenate([_front(labels, same_width) for same_width in np.split(by_cost, bounds)])


def _rises(width: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Where a value exceeds all earlier ones of its width; equal widths stand together, ascending."""
    rank = np.unique(value, return_inverse=True)[1] + 1
    level = np.maximum.accumulate(width.astype(np.int64) * (len(value) + 1) + rank)
    return np.concatenate(([True], level[1:] > level[:-1]))


def _front(labels: Labels, indices: np.ndarray) -> np.ndarray:
    """The Pareto front of labels in lexicographic order of their costs, equals by falling value: a later one beats no earlier."""
    value, costs = labels.value[indices], labels.costs[:, indices]
    front = np.zeros(0, np.int64)
    for start in range(0, len(indices), COMPARED):
        block = np.arange(start, min(start + COMPARED, len(indices)))
        for first in range(0, len(front), COMPARED):
            block = block[~_beaten(value, costs, front[first : first + COMPARED], block)]
        within = _beats(value, costs, block, block) & np.tri(len(block), k=-1, dtype=bool).T
        front = np.concatenate((front, block[~within.any(axis=0)]))
    return indices[front]


def _beats(value: np.ndarray, costs: np.ndarray, by: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Whether each of `by` is worth as much as each of `of` and costs no more, bool (by, of)."""
    beats = value[by, None] >= value[None, of]
    for cost in costs:
        beats &= cost[by, None] <= cost[None, of]
    return beats


def _beaten(value: np.ndarray, costs: np.ndarray, by: np.ndarray, of: np.ndarray) -> np.ndarray:
    return np.asarray(_beats(value, costs, by, of).any(axis=0))
