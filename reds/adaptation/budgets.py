"""The budgets of a trace on one device, in the whole numbers that a policy on a device knows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reds.adaptation.costs import NANOJOULES, CostTable
from reds.adaptation.trace import COLUMNS, Trace
from reds.errors import ConfigError

UNLIMITED = 2**32 - 1
"""A budget that is no limit; also the most a budget can be."""
NJ_PER_UJ, NJ_PER_MW_S = 1_000, 1_000_000
ABSOLUTE = {"energy_uj": NJ_PER_UJ, "power_mw": NJ_PER_MW_S, "harvest_mw": NJ_PER_MW_S}
"""Nanojoules of one unit of a column; of powers, in one second."""


@dataclass(frozen=True, eq=False)
class Budgets:
    """What each inference may take; int64 (requests,), `UNLIMITED` where nothing limits it.

    Attributes:
        time_ticks: in the clock of the cost table.
        energy: in its unit.
        ram_bytes: for activations.
        harvest: energy that has flowed into the store when the request comes, in the table's unit; zero where the trace has none.
        stored: whether there is a store at all.
    """

    time_ticks: np.ndarray
    energy: np.ndarray
    ram_bytes: np.ndarray
    harvest: np.ndarray
    stored: bool

    def __len__(self) -> int:
        return len(self.time_ticks)


def budgets_of(trace: Trace, costs: CostTable) -> Budgets:
    """The budgets of a trace on the device of a cost table. They are rounded down.

    Raises:
        ConfigError: the trace has microseconds or joules, and the table counts in something else.
    """
    found = {COLUMNS[name].resource: _in_units(trace, name, costs) for name in trace.columns}
    none = np.full(len(trace), UNLIMITED, np.int64)
    return Budgets(
        found.get("time", none),
        found.get("energy", none),
        found.get("ram", none),
        found.get("harvest", np.zeros(len(trace), np.int64)),
        "harvest" in found,
    )


def _in_units(trace: Trace, name: str, costs: CostTable) -> np.ndarray:
    values = trace.columns[name]
    whole = costs.options[0]
    factors = {
        "time_share": whole.time_ticks + costs.switch_ticks,
        "energy_share": whole.energy,
        "harvest_share": whole.energy,
        "ram_share": whole.ram_bytes,
        "ram_bytes": 1,
    }
    if name in factors:
        scaled = values * factors[name]
    elif name == "time_us":
        if costs.ticks_per_us is None:
            do = "give the trace a column time_share instead"
            raise ConfigError(f"time_us needs a clock that tells the time; the costs are counted in {costs.time_unit}", do=do)
        scaled = values * costs.ticks_per_us
    else:
        if costs.energy_unit != NANOJOULES:
            do = "give the trace a column energy_share or harvest_share instead"
            raise ConfigError(f"{name} needs energies in {NANOJOULES}; the costs are in {costs.energy_unit}", do=do)
        scaled = values * ABSOLUTE[name] * (trace.durations_s if name.endswith("_mw") else 1)
    return np.minimum(np.floor(scaled + _ROUNDING), UNLIMITED).astype(np.int64)


_ROUNDING = 1e-6  # what a share times a whole number may lack of the whole number that it means
