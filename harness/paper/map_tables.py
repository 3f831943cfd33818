"""The activation maps of a network, searched with and without a limit on the largest, beside the published ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.paper.sections import NONE, Rebuilt, Section
from harness.paper.specification import PERCENT, MapTable
from harness.published import Published
from harness.records import Measurement
from reds.architecture import Architecture, Cost
from reds.bundle import Bundle, untrained
from reds.importance import Importance, kernels
from reds.permutation import importance_orders, permute
from reds.search.activations import LARGEST_MAP
from reds.search.limits import Limits
from reds.steps.narrow import narrowed
from reds.widths import SearchRule
from reds.zoo import architecture as find_architecture

FLOAT32_BYTES, KIBI, KILO = 4, 1024, 1000
SEED = 0
NOTES = (
    "searched here on stand-in scores, no trained weights being published: every layer is worth the same, its channels unequally",
    "maps in float32; the published ones are read by eye from a plot, and the whole network's budget includes the head",
)


@dataclass(frozen=True)
class Searched:
    """A subnetwork that was searched.

    Attributes:
        name: what the published search is called.
        cost: of the subnetwork.
        share: percent of the whole network's multiply-adds.
        seconds, gap: of the search.
    """

    name: str
    cost: Cost
    share: float
    seconds: float
    gap: float

    @property
    def maps(self) -> dict[str, int]:
        """Bytes of the map that each convolution leaves, by name of the layer."""
        layers = (layer for layer in self.cost.layers if layer.macs and len(layer.output_shape) > 1)
        return {layer.name: FLOAT32_BYTES * math.prod(layer.output_shape) for layer in layers}

    @property
    def largest_bytes(self) -> int:
        """Bytes of the largest of them."""
        return max(self.maps.values())


def search_maps(table: MapTable, values: Sequence[Published]) -> Rebuilt:
    """Search without and with the limit, and put the maps of each layer beside the published ones.

    Raises:
        BudgetError: no subnetwork keeps budget and limit.
    """
    bundle = stand_in(find_architecture(table.architecture))
    free, limited = table.published
    limit = Limits(table.peak_bytes, LARGEST_MAP)
    found = (_search(bundle, table, free, Limits()), _search(bundle, table, limited, limit))
    facts = {
        "table": table.name,
        "title": table.title,
        "architecture": table.architecture,
        "budget": str(table.budget),
        "peak_bytes": table.peak_bytes,
        "searches": [
            {"name": each.name, "macs": each.cost.macs, "seconds": each.seconds, "gap": each.gap, "map_bytes": each.maps}
            for each in found
        ],
    }
    return Rebuilt(
        f"{table.title}; the limit is {table.peak_bytes / KILO:g} kB",
        NOTES,
        (_maps(table, found, values), _costs(found)),
        facts,
        tuple(m for each in found for m in _measurements(table, bundle, each)),
    )


def stand_in(network: Architecture) -> Bundle:
    """An untrained network with sorted scores: those of a layer sum to 1, those of its channels fall off exponentially.

    In a network without biases the summed w g of every layer is the same (Euler's theorem on homogeneous functions).
    """
    generator = np.random.default_rng(SEED)
    importance: Importance = {name: _scores(network, name, generator) for name in kernels(network)}
    ordered = permute(network, importance, importance_orders(network, importance))
    return replace(untrained(network, SEED), importance=ordered)


def _scores(network: Architecture, name: str, generator: np.random.Generator) -> np.ndarray:
    """Scores float32 in the shape of a kernel; they differ by its output channels."""
    weight = network.weights[name]
    shape = weight.shape(network.full_widths)
    outputs = max(dimension for dimension, axis in enumerate(weight.axes) if axis.group is not None)
    along = [shape[outputs] if dimension == outputs else 1 for dimension in range(len(shape))]
    scores = np.broadcast_to(generator.exponential(size=along), shape)
    return (scores / scores.sum()).astype(np.float32)


def _search(bundle: Bundle, table: MapTable, name: str, limits: Limits) -> Searched:
    network = bundle.architecture
    rule = SearchRule((1.0, table.budget / PERCENT), limits=limits)
    chosen = narrowed(bundle, rule)
    solution = next(item for item in chosen.provenance["widths"]["solutions"] if item["name"] == str(table.budget))
    cost, whole = network.cost(chosen.subnets[1].widths), network.cost(network.full_widths)
    return Searched(name, cost, PERCENT * cost.macs / whole.macs, float(solution["seconds"]), float(solution["gap"]))


def _maps(table: MapTable, found: Sequence[Searched], values: Sequence[Published]) -> Section:
    own = (v for v in values if (v.network, v.metric, v.subnet) == (table.architecture, "map_size", str(table.budget)))
    published = {v.variant: v.value for v in own}
    columns = tuple(f"{each.name}, {whose}" for each in found for whose in ("published", "ours"))
    rows = []
    for layer in found[0].maps:
        cells = [layer]
        for each in found:
            theirs = published.get(f"{each.name}: {layer}")
            cells += [NONE if theirs is None else f"{theirs:g}", f"{each.maps[layer] / KIBI:.1f}"]
        rows.append(tuple(cells))
    title = f"maps of {table.architecture} at {table.budget} % of the multiply-adds, KiB"
    return Section(title, ("layer", *columns), tuple(rows), columns)


def _costs(found: Sequence[Searched]) -> Section:
    numbers = ("largest map, kB", "MACs", "share, %", "search, s", "gap")
    rows = tuple(
        (
            each.name,
            f"{each.largest_bytes / KILO:.1f}",
            f"{each.cost.macs:,}",
            f"{each.share:.1f}",
            f"{each.seconds:.2f}",
            f"{each.gap:.1e}",
        )
        for each in found
    )
    return Section("what was found here", ("search", *numbers), rows, numbers)


def _measurements(table: MapTable, bundle: Bundle, each: Searched) -> list[Measurement]:
    numbers: Mapping[str, tuple[float, str, bool]] = {
        "largest_map_bytes": (each.largest_bytes, "bytes", True),
        "macs": (each.cost.macs, "multiply-adds", True),
        "search_seconds": (each.seconds, "seconds", False),
        "search_gap": (each.gap, "fraction", True),
    }
    digest = bundle.content_hash()
    return [
        Measurement(
            metric=f"{metric} (table {table.name}, {each.name})",
            unit=unit,
            better="lower",
            value=float(value),
            samples=(float(value),),
            deterministic=deterministic,
            architecture=table.architecture,
            dataset=table.dataset,
            precision=None,
            device=None,
            subnet=str(table.budget),
            macs=each.cost.macs,
            seed=SEED,
            bundle=digest,
            test=f"paper: table {table.name}, {each.name}",
        )
        for metric, (value, unit, deterministic) in numbers.items()
    ]
