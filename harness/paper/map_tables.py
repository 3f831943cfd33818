"""The largest activation maps of a network, searched with and without a limit on them, beside the published ones."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from harness.artifacts import ROOT
from harness.paper.sections import NONE, Rebuilt, Section
from harness.paper.specification import MapTable
from harness.records import Measurement
from harness.report.published import Published
from reds.architecture import Architecture
from reds.bundle import untrained
from reds.errors import MissingError, ProtocolError
from reds.layers import Widths
from reds.zoo import architecture as find_architecture

FLOAT32_BYTES, KIBI, KILO = 4, 1024, 1000
SEED = 0
NOTES = (
    "searched here on random scores: no network was trained, so that which layers keep their channels differs from the paper's",
    "maps in float32; the published ones are read by eye from a plot",
)


def search_maps(table: MapTable, values: Sequence[Published]) -> Rebuilt:
    """Search without and with the limit, and put the maps of each layer beside the published ones.

    Raises:
        MissingError: the search failed; it has said why.
    """
    network = find_architecture(table.architecture)
    limit = ("--peak-bytes", str(table.peak_bytes), "--peak", "largest-map")
    found = dict(zip(table.published, (_search(table), _search(table, *limit)), strict=True))
    maps = {name: _maps(network, tuple(item["widths"])) for name, item in found.items()}
    shown = {(v.variant, v.subnet): v.value for v in values if v.network == table.architecture and v.metric == "map_size"}
    layers = list(next(iter(maps.values())))
    columns = [f"{name}, {whose}" for name in table.published for whose in ("published", "ours")]
    rows = []
    for layer in layers:
        cells = [layer]
        for name in table.published:
            theirs = shown.get((f"{name}: {layer}", str(table.budget)))
            cells += [NONE if theirs is None else f"{theirs:g}", f"{maps[name][layer] / KIBI:.1f}"]
        rows.append(tuple(cells))
    section = Section(
        f"maps of {table.architecture} at {table.budget} % of the MACs, KiB", ("layer", *columns), tuple(rows), tuple(columns)
    )
    costs = Section(
        "what was found",
        ("search", "largest map, kB", "MACs", "share, %", "search, s", "gap"),
        tuple(_cost(name, network, found[name], maps[name]) for name in table.published),
        ("largest map, kB", "MACs", "share, %", "search, s", "gap"),
    )
    limited = f"limit {table.peak_bytes / KILO:g} kB"
    facts = {
        "table": table.name,
        "title": table.title,
        "architecture": table.architecture,
        "budget": str(table.budget),
        "peak_bytes": table.peak_bytes,
        "searches": {name: {**found[name], "map_bytes": maps[name]} for name in table.published},
    }
    measurements = tuple(m for name in table.published for m in _measurements(table, name, found[name], maps[name]))
    return Rebuilt(f"{table.title}; {limited}", NOTES, (section, costs), facts, measurements)


def _search(table: MapTable, *options: str) -> Mapping[str, Any]:
    """What `python -m reds search` says of the subnetwork of the budget."""
    command = [sys.executable, "-m", "reds", "search", table.architecture, "--importance", "random", "--seed", str(SEED)]
    command += ["--budgets", str(table.budget), *options, "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise MissingError(
            "the search failed", seen=f"`python -m reds search` ended with exit code {done.returncode}; its message stands above"
        )
    try:
        return next(item for item in json.loads(done.stdout)["subnets"] if item["name"] == str(table.budget))
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        raise ProtocolError("`python -m reds search --json` printed something else", seen=done.stdout[:200]) from error


def _maps(network: Architecture, widths: Widths) -> dict[str, int]:
    """Bytes of the map that each convolution leaves, by name of the layer."""
    layers = network.cost(widths).layers
    return {
        layer.name: FLOAT32_BYTES * math.prod(layer.output_shape)
        for layer in layers
        if layer.macs and len(layer.output_shape) > 1
    }


def _cost(name: str, network: Architecture, item: Mapping[str, Any], maps: Mapping[str, int]) -> tuple[str, ...]:
    share = 100 * item["macs"] / network.cost(network.full_widths).macs
    largest = f"{max(maps.values()) / KILO:.1f}"
    return (name, largest, f"{item['macs']:,}", f"{share:.1f}", f"{item['seconds']:.2f}", f"{item['gap']:.1e}")


def _measurements(table: MapTable, name: str, item: Mapping[str, Any], maps: Mapping[str, int]) -> list[Measurement]:
    numbers = {
        "largest_map_bytes": (max(maps.values()), "bytes", True),
        "macs": (item["macs"], "multiply-adds", True),
        "search_seconds": (item["seconds"], "seconds", False),
        "search_gap": (item["gap"], "fraction", True),
    }
    return [
        Measurement(
            metric=f"{metric} (table {table.name}, {name})",
            unit=unit,
            better="lower",
            value=float(value),
            samples=(float(value),),
            deterministic=deterministic,
            architecture=table.architecture,
            dataset="",
            precision=None,
            device=None,
            subnet=str(table.budget),
            macs=item["macs"],
            seed=SEED,
            bundle=untrained(find_architecture(table.architecture), SEED).content_hash(),
            test=f"paper: table {table.name}, {name}",
        )
        for metric, (value, unit, deterministic) in numbers.items()
    ]
