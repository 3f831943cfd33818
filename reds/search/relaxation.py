"""The Lagrangian relaxation: resources are paid for instead of limited, so that the best path is a plain longest path.

For any prices >= 0 the relaxed optimum bounds the true one from above; the prices sought make the bound as low as it gets
(Handler and Zang, "A dual algorithm for the constrained shortest path problem", Networks 10, 1980).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reds.search.problem import Problem

Path = tuple[int, ...]

PRICE_ROUNDS = 8  # more rounds than one only matter where several resources compete
PRICE_STEPS = 64  # each step adds a line to a convex piecewise linear function; a dozen suffice in practice


@dataclass(frozen=True)
class Relaxation:
    """Prices, what they prove, and the paths met on the way.

    Attributes:
        prices: float64 (resources,), not negative.
        suffixes: for each group, float64 (widths,): best priced value from there to the end, -inf where no path leads on.
        paths: paths that were best for some prices; those within all limits are candidates.
    """

    prices: np.ndarray
    suffixes: tuple[np.ndarray, ...]
    paths: tuple[Path, ...]

    def bound(self, limits: np.ndarray) -> float:
        """No path within the limits is worth more than this."""
        return float(self.suffixes[0].max() + self.prices @ limits)

    def reaching(self, problem: Problem, threshold: float) -> list[np.ndarray]:
        """For each group the positions of the widths through which a path may be worth more than `threshold`."""
        prefixes = best_prefixes(priced_edges(problem, self.prices))
        spare = float(self.prices @ problem.limits) - threshold
        return [np.flatnonzero(a + b + spare > 0) for a, b in zip(prefixes, self.suffixes, strict=True)]

    def select(self, kept: Sequence[np.ndarray]) -> Relaxation:
        """The same prices and bounds for the problem with only the widths at these positions; its paths are left out."""
        return Relaxation(self.prices, tuple(s[indices] for s, indices in zip(self.suffixes, kept, strict=True)), ())


def best_suffixes(edges: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """For each group and width the largest sum of `edges` (A, B) from there to the end of the chain."""
    suffixes = [np.zeros(edges[-1].shape[1])]
    for edge in reversed(edges):
        suffixes.append((edge + suffixes[-1]).max(axis=1))
    return tuple(reversed(suffixes))


def best_prefixes(edges: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """For each group and width the largest sum of `edges` (A, B) from the beginning of the chain to there."""
    prefixes = [np.zeros(edges[0].shape[0])]
    for edge in edges:
        prefixes.append((prefixes[-1][:, None] + edge).max(axis=0))
    return tuple(prefixes)


def best_path(edges: Sequence[np.ndarray], suffixes: Sequence[np.ndarray]) -> Path:
    """The path whose sum is `suffixes[0].max()`; the wider of equals."""
    path = [_last_argmax(suffixes[0])]
    for edge, suffix in zip(edges, suffixes[1:], strict=True):
        path.append(_last_argmax(edge[path[-1]] + suffix))
    return tuple(path)


def least_costs(problem: Problem) -> tuple[np.ndarray, ...]:
    """For each group, float64 (resources, widths): the least of each resource alone that any path from there to the end uses."""
    resources = range(len(problem.resources))
    per_resource = [[-suffix for suffix in best_suffixes(_thrift(problem, resource))] for resource in resources]
    groups = range(len(problem.groups))
    empty = [np.zeros((0, len(widths))) for widths in problem.widths]
    return tuple(np.stack([costs[g] for costs in per_resource]) if per_resource else empty[g] for g in groups)


def cheapest_path(problem: Problem, resource: int) -> Path:
    """The path that uses least of one resource."""
    edges = _thrift(problem, resource)
    return best_path(edges, best_suffixes(edges))


def relax(problem: Problem) -> Relaxation:
    """The relaxation at the best prices found: optimal for one resource, by coordinate descent for several."""
    prices = np.zeros(len(problem.resources))
    paths: list[Path] = []
    for _ in range(PRICE_ROUNDS if len(prices) > 1 else 1):
        before = prices.copy()
        for resource in range(len(prices)):
            prices[resource], seen = _best_price(problem, prices, resource)
            paths += seen
        if np.array_equal(before, prices):
            break
    edges = priced_edges(problem, prices)
    suffixes = best_suffixes(edges)
    return Relaxation(prices, suffixes, (*dict.fromkeys(paths), best_path(edges, suffixes)))


def priced_edges(problem: Problem, prices: np.ndarray) -> list[np.ndarray]:
    """Value less what the costs come to at these prices, for each pair, float64 (A, B); -inf where not allowed."""
    return [priced(pair.value, pair.costs, prices) for pair in problem.pairs]


def priced(value: np.ndarray, costs: np.ndarray, prices: np.ndarray) -> np.ndarray:
    """Value less what the costs (resources, ...) come to; `value` itself where nothing costs."""
    for price, cost in zip(prices, costs, strict=True):
        if price:
            value = value - price * cost
    return value


def _thrift(problem: Problem, resource: int) -> list[np.ndarray]:
    """What each pair saves of one resource, -inf where not allowed."""
    return [np.where(pair.allowed, -pair.costs[resource], -np.inf) for pair in problem.pairs]


def _best_price(problem: Problem, prices: np.ndarray, resource: int) -> tuple[float, list[Path]]:
    """The price of one resource that gives the lowest bound, the other prices being fixed; and the paths met."""
    limit = problem.resources[resource].limit
    others = prices.copy()
    others[resource] = 0.0
    free_edges = priced_edges(problem, others)

    def outcome(path: Path) -> tuple[float, float]:
        value = sum(edge[a, b] for edge, a, b in zip(free_edges, path, path[1:], strict=False))
        return float(value), float(problem.costs(path)[resource])

    rich = best_path(free_edges, best_suffixes(free_edges))
    thrifty = cheapest_path(problem, resource)
    seen, price = [rich, thrifty], 0.0
    (rich_value, rich_cost), (thrifty_value, thrifty_cost) = outcome(rich), outcome(thrifty)
    for _ in range(PRICE_STEPS):
        if rich_cost <= limit or rich_cost <= thrifty_cost:
            break
        price = max(0.0, (rich_value - thrifty_value) / (rich_cost - thrifty_cost))
        others[resource] = price
        edges = priced_edges(problem, others)
        path = best_path(edges, best_suffixes(edges))
        value, cost = outcome(path)
        seen.append(path)
        line = rich_value - price * rich_cost
        if value - price * cost <= line + 1e-12 * abs(line):
            break
        if cost > limit:
            rich_value, rich_cost = value, cost
        else:
            thrifty_value, thrifty_cost = value, cost
    return price, seen


def _last_argmax(values: np.ndarray) -> int:
    return len(values) - 1 - int(np.argmax(values[::-1]))
