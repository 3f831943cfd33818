"""A trace: the budgets of an inference over time, one request at each of its times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reds.errors import ConfigError

TIME = "time_s"
GAP = 1.5  # median steps between two rows: more is a gap
LEAST_ROWS = 2


@dataclass(frozen=True)
class Column:
    """A column of a trace.

    Attributes:
        name: with its unit; shares are of what the whole network needs on the device at hand.
        resource: what it limits or, for "harvest", feeds: two columns of one resource contradict one another.
        meaning: in words.
    """

    name: str
    resource: str
    meaning: str


_COLUMNS = (
    Column("time_us", "time", "time that an inference may take"),
    Column("time_share", "time", "the same, as a share of the whole network's time"),
    Column("energy_uj", "energy", "energy that an inference may take"),
    Column("energy_share", "energy", "the same, as a share of the whole network's energy"),
    Column("power_mw", "energy", "power that may be drawn; over the time to the next row it is the energy of an inference"),
    Column("harvest_mw", "harvest", "power that flows into the store until the next row"),
    Column("harvest_share", "harvest", "energy that flows into the store until the next row, as a share of the whole network's"),
    Column("ram_bytes", "ram", "RAM that is free for activations"),
    Column("ram_share", "ram", "the same, as a share of the whole network's"),
)
COLUMNS: Mapping[str, Column] = {column.name: column for column in _COLUMNS}


class RowError(ConfigError):
    """A row of a trace breaks the rules; readers of files add where it stands.

    Args:
        row: its number, from 0.
        what: what is wrong.
        seen: what it has.
    """

    def __init__(self, row: int, what: str, seen: str, do: str | None = None) -> None:
        super().__init__(f"row {row + 1} of the trace: {what}", seen=seen, do=do)
        self.row, self.rule, self.remedy = row, what, do


@dataclass(frozen=True, eq=False)
class Trace:
    """Budgets over time.

    Attributes:
        times_s: float64 (rows,), rising, without gaps: no step is longer than 1.5 times the median.
        columns: float64 (rows,) by name in `COLUMNS`; at least one, and no two of one resource. What has no column has no limit.

    Raises:
        ConfigError: unknown columns, none, two that contradict one another, or fewer than two rows.
        RowError: times that do not rise, a gap, or a value that is not finite or below zero.
    """

    times_s: np.ndarray
    columns: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        check_columns(list(self.columns))
        if len(self.times_s) < LEAST_ROWS:
            raise ConfigError("a trace has at least two rows", seen=f"{len(self.times_s)}")
        for name, values in ((TIME, self.times_s), *self.columns.items()):
            _check_values(name, values)
        self._check_times()

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def durations_s(self) -> np.ndarray:
        """How long each row lasts, float64 (rows,): until the next one; the last as long as the one before."""
        steps = np.diff(self.times_s)
        return np.append(steps, steps[-1])

    def _check_times(self) -> None:
        steps = np.diff(self.times_s)
        for row in np.flatnonzero(steps <= 0)[:1]:
            seen = f"{self.times_s[row + 1]:g} s after {self.times_s[row]:g} s"
            raise RowError(int(row) + 1, "time does not run forward", seen, "sort the rows and leave out repeated ones")
        usual = float(np.median(steps))
        for row in np.flatnonzero(steps > GAP * usual)[:1]:
            seen = f"{steps[row]:g} s after the row before, where {usual:g} s are usual"
            raise RowError(int(row) + 1, "there is a gap before it", seen, "fill it, or make two traces of it")


def check_columns(names: list[str]) -> None:
    """Raise ConfigError unless these may be the columns of a trace besides the time."""
    known = ", ".join(COLUMNS)
    if not names:
        raise ConfigError("a trace has a budget", seen="nothing but the time", do=f"give one of: {known}")
    for name in names:
        if name not in COLUMNS:
            raise ConfigError(f"a trace has no column {name!r}", do=f"columns are named with their units: {known}")
    resources = [COLUMNS[name].resource for name in names]
    for name, resource in zip(names, resources, strict=True):
        if resources.count(resource) > 1:
            both = " and ".join(other for other in names if COLUMNS[other].resource == resource)
            raise ConfigError(f"the trace says twice what {resource} there is", seen=both, do=f"leave out all but {name}")


def _check_values(name: str, values: np.ndarray) -> None:
    for row in np.flatnonzero(~np.isfinite(values))[:1]:
        raise RowError(int(row), f"column {name} is no number", f"{values[row]}", "fill the gap")
    for row in np.flatnonzero(values < 0)[:1]:
        raise RowError(int(row), f"column {name} is below zero", f"{values[row]:g}")
