"""The units of devices' clocks in words: short for tables, long for axes, and what a count is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SHORT: Mapping[str, str] = {
    "instructions": "instr",
    "model cycles": "m.cyc",
    "microseconds": "us",
    "nanoseconds": "ns",
    "multiply-adds": "MACs",
}
LONG: Mapping[str, str] = {"instructions": "retired instructions", "model cycles": "cycles of the emulator's model"}

# Units of clocks that count work instead of time.
COUNTED: Mapping[str, str] = {
    "instructions": "retired instructions of the emulated core, not time: a board's milliseconds do not follow from them",
    "model cycles": "cycles of the emulator's model of the core, not time: a board's milliseconds do not follow from them",
}


def short(unit: str) -> str:
    """The unit as tables have it."""
    return SHORT.get(unit, unit)


def long(unit: str) -> str:
    """The unit as the axes of figures have it."""
    return LONG.get(unit, unit)


def explained(units: Iterable[str]) -> list[str]:
    """What the short names of these units, short or not, stand for, where that is not plain."""
    present = set(map(short, units))
    return [f"{short(unit)}: {meaning}" for unit, meaning in COUNTED.items() if short(unit) in present]
