"""Where the maps of a level lie in the arena: in place where the format allows it, in as few bytes as that takes.

A step's output may run behind its input (docs/image-format.md, "Buffers"): it begins at least `lag` bytes below it. Otherwise
the two lie apart. So each step goes *down*, output_offset <= input_offset - lag, or *up*, output_offset >= input_offset + input
bytes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from reds.errors import ConfigError
from reds.image import format as image_format
from reds.image.records import Layer, Level, Step, StepTable


def input_bytes(precision: str, layer: Layer, input_channels: int) -> int:
    """Bytes of the input map of a step."""
    return image_format.map_bytes(precision, math.prod(layer.input_size) * input_channels)


def output_bytes(precision: str, layer: Layer, output_channels: int) -> int:
    """Bytes of the output map of a step."""
    return image_format.map_bytes(precision, math.prod(layer.output_size) * output_channels)


def lag(precision: str, layer: Layer, input_channels: int, output_channels: int) -> int:
    """How many bytes before its input a step's output must begin, at least, to run behind it.

    The output's rows 0 .. y must lie before the first input row that row y reads, for every y; every window touches the input,
    so that the output's end then lies before the input's. A dense layer's buffers never overlap.
    """
    if layer.kind == image_format.DENSE:
        return output_bytes(precision, layer, output_channels)
    itemsize = image_format.ELEMENT[precision].itemsize
    input_row = layer.input_size[1] * input_channels * itemsize
    output_row = layer.output_size[1] * output_channels * itemsize
    # The distance grows up to the last row whose windows begin in the padding, and is linear in y after it.
    last, padded = layer.output_size[0] - 1, layer.before[0] // layer.strides[0]
    return max(
        (y + 1) * output_row - max(0, y * layer.strides[0] - layer.before[0]) * input_row
        for y in (min(padded, last), min(padded + 1, last), last)
    )


def offsets(sizes: Sequence[int], lags: Sequence[int]) -> tuple[int, ...]:
    """Offsets of a level's maps with the least end of all that the rules above allow.

    Args:
        sizes: bytes of the input and of every step's output.
        lags: of every step, at most the bytes of its output.
    """
    end = bisect_left(range(sum(sizes)), True, lo=max(sizes), key=lambda end: _reachable(sizes, lags, end) is not None)
    reachable = _reachable(sizes, lags, end)
    assert reachable is not None  # all maps side by side always fit
    found = [reachable[-1].lowest]
    for ranges, lag_bytes in zip(reversed(reachable[:-1]), reversed(lags), strict=True):
        found.append(ranges.before(found[-1], lag_bytes))
    return tuple(reversed(found))


@dataclass(frozen=True)
class _Reachable:
    """Offsets that a map can have: those a step down leads to, and those a step up leads to, each from first to last."""

    down: range
    up: range

    @property
    def lowest(self) -> int:
        return min(ends[0] for ends in (self.down, self.up) if ends)

    @property
    def highest(self) -> int:
        return max(ends[-1] for ends in (self.down, self.up) if ends)

    def before(self, following: int, lag_bytes: int) -> int:
        """An offset from which a step leads to `following`: down from as low as that goes, or else up."""
        needed = following + lag_bytes
        if needed in self.down or needed in self.up:
            return needed
        return self.highest if self.highest > needed else self.lowest


def _reachable(sizes: Sequence[int], lags: Sequence[int], end: int) -> list[_Reachable] | None:
    """What each map can reach when none ends beyond `end`; None if one has nowhere to go.

    Of a map only the extremes matter to the next: from the highest offset a step down reaches whatever it reaches from any, and
    from the lowest one a step up does.
    """
    found = [_Reachable(range(end - sizes[0] + 1), range(0))]
    for size, lag_bytes, following in zip(sizes, lags, sizes[1:], strict=False):
        before, last = found[-1], end - following
        down = range(min(before.highest - lag_bytes, last) + 1)
        up = range(before.lowest + size, last + 1)
        if not down and not up:
            return None
        found.append(_Reachable(down, up))
    return found


def place(
    name: str,
    *,
    macs: int,
    precision: str,
    layers: Sequence[Layer],
    tables: Sequence[StepTable],
    output_scale: float = 1.0,
    output_zero_point: int = 0,
) -> Level:
    """The level of these steps with its maps placed in the arena.

    Raises:
        ConfigError: not one table for each layer, or steps that do not fit one another.
    """
    if len(layers) != len(tables) or not layers:
        raise ConfigError(f"level {name!r} needs one step for each layer", seen=f"{len(tables)} steps, {len(layers)} layers")
    sizes = [input_bytes(precision, layers[0], tables[0].input_channels)]
    lags = []
    for index, (layer, table) in enumerate(zip(layers, tables, strict=True)):
        reads = input_bytes(precision, layer, table.input_channels)
        if reads != sizes[-1]:
            seen = f"{reads} bytes after {sizes[-1]}"
            raise ConfigError(f"level {name!r}, step {index}: it does not read what comes before it", seen=seen)
        sizes.append(output_bytes(precision, layer, table.output_channels))
        lags.append(image_format.round_up(lag(precision, layer, table.input_channels, table.output_channels)))
    found = offsets(sizes, lags)
    steps = tuple(Step(table, found[i], found[i + 1]) for i, table in enumerate(tables))
    end = max(offset + size for offset, size in zip(found, sizes, strict=True))
    return Level(name, macs, end, output_scale, output_zero_point, steps)
