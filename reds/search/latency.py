"""Latency on a device, from a table of what each layer takes at some pairs of widths.

Such tables are measured by the harness (`profile --table`). A layer is taken to need

    ticks = c0 + c1 in + c2 out + c3 in out

with the coefficients that are the least squares relative to what was measured, and not negative. On an emulated Cortex-M4F,
points held out lie 0.3 % off it in the mean where widths are multiples of four, as SIMD kernels like them, and 3 to 4 % where
they are not; terms for the remainders predicted these no better.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from reds.architecture import Architecture, Placed
from reds.errors import ConfigError, MissingError
from reds.image.operations import operations
from reds.search.tables import LayerCosts, groups_of

LATENCY_TICKS = "latency_ticks"
COLUMNS = ("layer", "kind", "input_channels", "output_channels", "macs", "ticks", "unit")
MOST_BYTES = 16 << 20


@dataclass(frozen=True)
class Point:
    """What a layer takes with these active channels, in ticks; `macs` are what it multiplies, as whoever measured it counts."""

    layer: str
    input_channels: int
    output_channels: int
    macs: int
    ticks: float


@dataclass(frozen=True)
class LatencyTable:
    """What the layers of a network take on a device.

    Attributes:
        unit: what a tick is.
        points: what was measured.
    """

    unit: str
    points: tuple[Point, ...]

    @cached_property
    def _by_layer(self) -> Mapping[str, list[Point]]:
        layers: dict[str, list[Point]] = {}
        for point in self.points:
            layers.setdefault(point.layer, []).append(point)
        return layers

    @cached_property
    def fits(self) -> Mapping[str, np.ndarray]:
        """The coefficients of each layer, float64 (4,)."""
        return {layer: _fit(points) for layer, points in self._by_layer.items()}

    def residual(self) -> float:
        """The mean of how far the formula lies from what was measured, as a share of that."""
        return float(np.mean([abs(self.ticks(p.layer, p.input_channels, p.output_channels) / p.ticks - 1) for p in self.points]))

    def ticks(self, layer: str, inputs: int, outputs: int) -> float:
        """What a layer takes with these active channels."""
        return float((_features(np.array([inputs]), np.array([outputs])) @ self.fits[layer])[0])

    def layer_costs(self, architecture: Architecture) -> LayerCosts:
        """The costs of the layers of a network; what is fused with a layer counts there.

        Raises:
            ConfigError: the table is of another network, or does not say enough of a layer.
        """
        self._check(architecture)

        def costs(placed: Placed, inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
            if placed.layer.name not in self.fits:
                return np.zeros(1)
            return _features(inputs, outputs) @ self.fits[placed.layer.name]

        return costs

    def _check(self, architecture: Architecture) -> None:
        do = f"measure it: python -m harness profile {architecture.name} --device ID --table FILE"
        computing = {operation.name for operation in operations(architecture)}
        placed = {each.layer.name: each for each in architecture.placed}
        for layer in self._by_layer:
            if layer not in computing:
                raise ConfigError(
                    f"the latency table is of another network than {architecture.name}", seen=f"layer {layer!r}", do=do
                )
        for layer in sorted(computing):
            points = self._by_layer.get(layer, [])
            if not points:
                raise ConfigError(f"the latency table lacks layer {layer!r} of {architecture.name}", do=do)
            for point in points:
                _check_point(architecture, placed[layer], point, do)
            groups = dict(zip(groups_of(placed[layer]), ("input", "output"), strict=True))
            varying = [group for group in groups if not architecture.groups[group].whole and architecture.groups[group].size > 1]
            for group in varying:
                if len({getattr(point, f"{groups[group]}_channels") for point in points}) < 2:
                    raise ConfigError(f"the latency table has one width of the {groups[group]}s of layer {layer!r}", do=do)
            least = 2 ** len(varying)  # as many points as coefficients that differ
            if len(points) < least:
                what = f"the latency table has too few points of layer {layer!r}"
                raise ConfigError(what, seen=f"{len(points)}, not {least}", do=do)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        rows = [[p.layer, p.input_channels, p.output_channels, p.macs, p.ticks] for p in self.points]
        return {"unit": self.unit, "points": rows}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LatencyTable:
        """What `to_dict` wrote.

        Raises:
            ConfigError: it is not well formed.
        """
        try:
            points = tuple(
                Point(str(layer), int(a), int(b), int(macs), float(ticks)) for layer, a, b, macs, ticks in data["points"]
            )
            return cls(str(data["unit"]), points)
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError("the latency table is not well formed", seen=f"{type(error).__name__}: {error}") from error

    @classmethod
    def read(cls, path: Path) -> LatencyTable:
        """The table in a CSV file.

        Raises:
            MissingError: there is no such file.
            ConfigError: it is no such table; the message names line and column.
        """
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ConfigError(f"{path} is too large for a latency table", seen=f"{path.stat().st_size} bytes")
            with path.open(newline="", encoding="utf-8") as file:
                rows = list(csv.reader(file, strict=True))
        except OSError as error:
            do = "measure one: python -m harness profile NETWORK --device ID --table FILE"
            raise MissingError(f"cannot read the latency table {path}", seen=error.strerror or str(error), do=do) from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise ConfigError(f"{path} is not a CSV file", seen=str(error)) from error
        return _parsed(path, rows)


def _parsed(path: Path, rows: Sequence[Sequence[str]]) -> LatencyTable:
    header = tuple(rows[0]) if rows else ()
    if header != COLUMNS:
        do = f"the columns are {', '.join(COLUMNS)}"
        raise ConfigError(f"{path} is not a latency table", seen=", ".join(header)[:200] or "an empty file", do=do)
    units: dict[str, int] = {}
    points: dict[tuple[str, int, int], Point] = {}
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(COLUMNS):
            raise ConfigError(f"{path}, line {line} has {len(row)} columns, not {len(COLUMNS)}")
        cells = dict(zip(COLUMNS, row, strict=True))
        inputs, outputs, macs = (_whole(path, line, name, cells[name]) for name in COLUMNS[2:5])
        point = Point(cells["layer"], inputs, outputs, macs, _ticks(path, line, cells["ticks"]))
        if min(inputs, outputs) < 1:
            raise ConfigError(f"{path}, line {line}: channels are at least 1", seen=f"{inputs} and {outputs}")
        if points.setdefault((point.layer, inputs, outputs), point) is not point:
            raise ConfigError(f"{path}, line {line} repeats layer {point.layer!r} with {inputs} and {outputs} channels")
        units.setdefault(cells["unit"], line)
    if len(units) != 1:
        seen = ", ".join(f"{unit!r} from line {line}" for unit, line in units.items()) or "no rows"
        raise ConfigError(f"{path} does not count in one unit, column unit", seen=seen)
    return LatencyTable(next(iter(units)), tuple(points.values()))


def _whole(path: Path, line: int, column: str, cell: str) -> int:
    if not (cell.isascii() and cell.isdecimal() and len(cell) <= 15):
        raise ConfigError(f"{path}, line {line}, column {column} is no whole number", seen=repr(cell[:40]))
    return int(cell)


def _ticks(path: Path, line: int, cell: str) -> float:
    try:
        ticks = float(cell)
    except ValueError as error:
        raise ConfigError(f"{path}, line {line}, column ticks is no number", seen=repr(cell[:40])) from error
    if not math.isfinite(ticks) or ticks <= 0:
        raise ConfigError(f"{path}, line {line}, column ticks is not above zero and finite", seen=repr(cell[:40]))
    return ticks


def _check_point(architecture: Architecture, placed: Placed, point: Point, do: str) -> None:
    """Raise ConfigError where the network has no such widths, or multiplies another number of times at them."""
    (source, sink), full = groups_of(placed), architecture.full_widths
    inputs, outputs = point.input_channels, point.output_channels
    seen = f"layer {point.layer!r} with {inputs} and {outputs} channels, {point.macs} MACs"
    fits = inputs <= full[source] and outputs <= full[sink] and placed.macs(inputs, outputs) == point.macs
    if not fits or (source == sink and inputs != outputs):
        raise ConfigError(f"the latency table is of another network than {architecture.name}", seen=seen, do=do)


def _features(inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """What the coefficients belong to, float64 (..., 4)."""
    terms = (np.ones(1), inputs, outputs, inputs * outputs)
    return np.stack(np.broadcast_arrays(*terms), axis=-1).astype(np.float64)


def _fit(points: Sequence[Point]) -> np.ndarray:
    """Non-negative least squares, relative to the ticks: the best of all choices of coefficients that come out not negative."""
    inputs, outputs = (np.array([getattr(p, name) for p in points]) for name in ("input_channels", "output_channels"))
    ticks = np.array([point.ticks for point in points])
    features = _features(inputs, outputs) / ticks[:, None]
    best, least = np.zeros(features.shape[1]), np.inf
    for count in range(1, features.shape[1] + 1):
        for chosen in map(list, combinations(range(features.shape[1]), count)):
            found = np.linalg.lstsq(features[:, chosen], np.ones(len(ticks)))[0]
            missed = float(np.square(features[:, chosen] @ found - 1).sum())
            if (found >= 0).all() and missed < least * (1 - 1e-9):
                least, best = missed, np.zeros(features.shape[1])
                best[chosen] = found
    return best
