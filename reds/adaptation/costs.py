"""What each subnetwork of a network costs on one device, as far as a policy cares."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from reds.bundle import Bundle
from reds.errors import ConfigError, MissingError, unknown_name
from reds.files import write_whole

SCHEMA = 1
MOST = 2**30 - 1
"""The largest cost: a policy on a device keeps costs in 32 bits and adds three of them."""
MACS, NANOJOULES = "macs", "nJ"
US_PER_S = 1_000_000
ENERGY_SOURCES = (MACS, "model", "measured")


@dataclass(frozen=True)
class Option:
    """A subnetwork as a policy sees it.

    Attributes:
        name: of the subnetwork.
        time_ticks: of an inference, in the table's unit.
        energy: of an inference, in the table's unit.
        ram_bytes: what its activations take.
        accuracy: share of samples that it classifies right.
    """

    name: str
    time_ticks: int
    energy: int
    ram_bytes: int
    accuracy: float

    def __post_init__(self) -> None:
        for name in ("time_ticks", "energy", "ram_bytes"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MOST:
                raise ConfigError(f"{name} of subnetwork {self.name!r} is not a whole number from 1 to {MOST}", seen=repr(value))
        accuracy = self.accuracy
        if not isinstance(accuracy, (int, float)) or not math.isfinite(accuracy) or not 0 <= accuracy <= 1:
            raise ConfigError(f"accuracy of subnetwork {self.name!r} is not from 0 to 1", seen=repr(accuracy))


@dataclass(frozen=True)
class CostTable:
    """The costs of the subnetworks of one network on one device with one firmware.

    Attributes:
        network: name of the architecture, data set and precision.
        device: id of the device; "macs" where costs are counted and not measured.
        firmware: SHA-256 of the firmware that was measured; None where there is none.
        time_unit: what `Option.time_ticks` are: "macs", "instructions", "cycles", "ns".
        ticks_per_us: None where the clock does not tell the time.
        energy_unit: "macs", or "nJ".
        energy_source: in words of `ENERGY_SOURCES`, where the energy comes from.
        switch_ticks: what a change of subnetwork takes at most.
        options: the largest first; none costs more than the one before in anything.

    Raises:
        ConfigError: none, names that repeat, or a smaller subnetwork that costs more.
    """

    network: str
    device: str
    firmware: str | None
    time_unit: str
    ticks_per_us: float | None
    energy_unit: str
    energy_source: str
    switch_ticks: int
    options: tuple[Option, ...]

    def __post_init__(self) -> None:
        names = [option.name for option in self.options]
        if not names or len(set(names)) != len(names):
            raise ConfigError("a cost table has subnetworks with distinct names", seen=", ".join(names) or "none")
        if self.energy_source not in ENERGY_SOURCES:
            raise unknown_name("source of energies", str(self.energy_source), ENERGY_SOURCES)
        if not isinstance(self.switch_ticks, int) or not 0 <= self.switch_ticks <= MOST:
            raise ConfigError(f"switch_ticks is not a whole number from 0 to {MOST}", seen=repr(self.switch_ticks))
        for larger, smaller in pairwise(self.options):
            for name in ("time_ticks", "energy", "ram_bytes"):
                if getattr(smaller, name) > getattr(larger, name):
                    raise ConfigError(
                        f"subnetwork {smaller.name!r} costs more than the larger {larger.name!r}",
                        seen=f"{name} {getattr(smaller, name)} and {getattr(larger, name)}",
                        do="leave it out: no policy would choose it",
                    )

    def level(self, name: str) -> int:
        """Position of the subnetwork `name`."""
        names = [option.name for option in self.options]
        if name not in names:
            raise unknown_name("subnetwork", name, names)
        return names.index(name)

    def check_of(self, device: str, firmware: str | None) -> None:
        """Raise ConfigError unless the table was measured on this device with this firmware."""
        for what, ours, theirs in (("device", self.device, device), ("firmware", self.firmware, firmware)):
            if ours != theirs:
                do = "measure again, and make the table of that run"
                raise ConfigError(f"the cost table is of another {what}", seen=f"{ours}, not {theirs}", do=do)

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        write_whole(path, (json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1) + "\n").encode())

    @classmethod
    def read(cls, path: Path) -> CostTable:
        """What `write` wrote.

        Raises:
            MissingError: there is no such file.
            ConfigError: it is no cost table.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise MissingError(f"cannot read the cost table {path}", seen=error.strerror) from error
        except ValueError as error:
            raise ConfigError(f"{path} is not JSON", seen=str(error)) from error
        try:
            return cls._from_dict(data)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error.what}", seen=error.seen, do=error.do) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError(f"{path} is not a cost table", seen=f"{type(error).__name__}: {error}") from error

    @classmethod
    def _from_dict(cls, data: Mapping[str, Any]) -> CostTable:
        facts = dict(data)
        if facts.pop("schema") != SCHEMA:
            raise ConfigError("the cost table is of another version", seen=repr(data["schema"]), do=f"this one reads {SCHEMA}")
        rate = facts["ticks_per_us"]
        if rate is not None and not 0 < float(rate) < math.inf:
            raise ConfigError("ticks_per_us is not above zero and finite", seen=repr(rate))
        facts["options"] = tuple(Option(**option) for option in facts["options"])
        return cls(**facts)


def ticks_per_us(hz: int | None) -> float | None:
    """Of a clock of so many hertz; None of one that does not tell the time."""
    return None if hz is None else hz / US_PER_S


def no_cheaper_than_smaller_ones(options: Sequence[Option]) -> tuple[Option, ...]:
    """The options, largest first, none cheaper in time or RAM than a smaller one, which may have been seen at a bad moment."""
    found: list[Option] = []
    time_ticks = ram_bytes = 0
    for option in reversed(options):
        time_ticks, ram_bytes = max(time_ticks, option.time_ticks), max(ram_bytes, option.ram_bytes)
        found.insert(0, replace(option, time_ticks=time_ticks, ram_bytes=ram_bytes))
    return tuple(found)


def counted_costs(bundle: Bundle) -> CostTable:
    """Costs that need no device: MACs stand for time and energy, int8 activations for RAM; switching costs nothing.

    Raises:
        ConfigError: the bundle does not say how accurate its subnetworks are, or one of them is as large as the one before.
    """
    accuracy = bundle.provenance.get("accuracy", {})
    options = []
    for subnet in bundle.subnets:
        if subnet.name not in accuracy:
            do = "measure it, and keep it: python -m reds evaluate BUNDLE -o EVALUATED"
            raise ConfigError(f"the bundle does not say how accurate subnetwork {subnet.name!r} is", do=do)
        cost = bundle.architecture.cost(subnet.widths)
        options.append(Option(subnet.name, cost.macs, cost.macs, cost.peak_activation_bytes(1), accuracy[subnet.name]))
    return CostTable(bundle.architecture.name, MACS, None, MACS, None, MACS, MACS, 0, tuple(options))
