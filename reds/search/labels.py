"""Label setting: partial paths are extended group by group; those that cannot win are dropped.

A label is dropped when its optimistic completion is not worth more than a known solution, when even its cheapest completion
breaks a limit, or when another label at the same width is worth as much and costs no more. Where too many labels remain, the
least promising go too, and the best completion that one of them might have had becomes part of the bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reds.search.problem import Problem
from reds.search.relaxation import Path, Relaxation, best_suffixes, least_costs, priced_edges

TOLERANCE = 1e-12  # relative; a completion must be worth more than the incumbent by this to be pursued
BLOCK = 512  # labels compared at once where several resources make dominance a partial order


@dataclass(frozen=True)
class Labels:
    """Partial paths that end in one group: `width` is the position there, `parent` the label of the group before."""

    value: np.ndarray
    costs: np.ndarray
    width: np.ndarray
    parent: np.ndarray

    def take(self, indices: np.ndarray) -> Labels:
        """These labels only."""
        return Labels(self.value[indices], self.costs[:, indices], self.width[indices], self.parent[indices])


@dataclass(frozen=True)
class Outcome:
    """The best path found, None where none beats the incumbent, and the most that what was dropped for room might be worth."""

    path: Path | None
    dropped_bound: float


def best_labelled_path(problem: Problem, relaxation: Relaxation, incumbent: float, capacity: int) -> Outcome:
    """The path of largest value above `incumbent`, keeping at most `capacity` labels in each group."""
    least, limits = least_costs(problem), problem.limits
    threshold = incumbent + TOLERANCE * abs(incumbent)
    unlimited = best_suffixes(priced_edges(problem, np.zeros(len(limits))))
    credit = float(relaxation.prices @ limits)
    starts = np.arange(len(problem.widths[0]))
    labels = Labels(np.zeros(len(starts)), np.zeros((len(limits), len(starts))), starts, starts)
    history, dropped_bound = [labels], -np.inf
    for group, pair in enumerate(problem.pairs, start=1):
        value = labels.value[:, None] + pair.value[labels.width]
        costs = labels.costs[:, :, None] + pair.costs[:, labels.width]
        priced = value - np.tensordot(relaxation.prices, costs, axes=1) + relaxation.suffixes[group] + credit
        optimistic = np.minimum(priced, value + unlimited[group])
        fits = (costs + least[group][:, None, :] <= limits[:, None, None]).all(axis=0)
        parent, width = np.nonzero(pair.allowed[labels.width] & fits & (optimistic > threshold))
        labels = Labels(value[parent, width], costs[:, parent, width], width, parent)
        promise = optimistic[parent, width]
        kept = _undominated(labels)
        if len(kept) > capacity:
            ranked = kept[np.argsort(-promise[kept], kind="stable")]
            dropped_bound = max(dropped_bound, float(promise[ranked[capacity]]))
            kept = ranked[:capacity]
        labels = labels.take(kept)
        history.append(labels)
    return Outcome(_trace(history), dropped_bound)


def _trace(history: list[Labels]) -> Path | None:
    """The path of the most valuable label of the last group."""
    if not len(history[-1].value):
        return None
    label, path = int(np.argmax(history[-1].value)), []
    for labels in reversed(history):
        path.append(int(labels.width[label]))
        label = int(labels.parent[label])
    return tuple(reversed(path))


def _undominated(labels: Labels) -> np.ndarray:
    """Indices of the labels that no other label at the same width equals or beats."""
    by_cost = np.lexsort((-labels.value, *labels.costs[::-1], labels.width))
    bounds = np.flatnonzero(np.diff(labels.width[by_cost])) + 1
    survivors = [_front(labels, same_width) for same_width in np.split(by_cost, bounds) if len(same_width)]
    return np.concatenate(survivors) if survivors else by_cost


def _front(labels: Labels, indices: np.ndarray) -> np.ndarray:
    """The Pareto front of labels sorted by first cost, then by falling value."""
    value = labels.value[indices]
    if len(labels.costs) <= 1:
        best_before = np.concatenate(([-np.inf], np.maximum.accumulate(value)[:-1]))
        return indices[value > best_before]
    costs = labels.costs[:, indices]
    front = np.zeros(0, np.int64)
    for start in range(0, len(indices), BLOCK):
        block = np.concatenate((front, np.arange(start, min(start + BLOCK, len(indices)))))
        no_dearer = (costs[:, block, None] <= costs[:, None, block]).all(axis=0)
        no_worse = value[block, None] >= value[None, block]
        earlier = np.tri(len(block), k=-1, dtype=bool).T
        beats = no_dearer & no_worse & (earlier | ~(no_dearer & no_worse).T)
        front = block[~beats.any(axis=0)]
    return indices[front]
