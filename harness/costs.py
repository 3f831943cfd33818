"""What the subnetworks of a network took on a device in a run, as the table that policies choose by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from harness.records import Measurement
from harness.run_file import RunFile
from reds.adaptation.costs import MACS, NANOJOULES, CostTable, Option, no_cheaper_than_smaller_ones, ticks_per_us
from reds.errors import ConfigError, unknown_name

ACCURACY, LATENCY, FIRST, SWITCH, ARENA = "accuracy", "latency", "latency_first", "switch", "arena_bytes"
NEEDED = {ACCURACY: "accuracy", LATENCY: "latency", SWITCH: "switching", ARENA: "footprint"}
"""Metrics without which there is no table, and the suite that measures each."""


def networks(run: RunFile, device: str) -> list[str]:
    """The networks that a run measured on a device, as "ds_cnn_s-speech_commands-int8"."""
    return sorted({_network(each) for each in run.measurements if each.device == device and each.metric == LATENCY})


def cost_table(run: RunFile, device: str, network: str, active_mw: float | None = None) -> CostTable:
    """The costs of a network's subnetworks on a device.

    A subnetwork takes the longest time that was seen of it, also right after a change to it, and no less than a smaller one; a
    change takes the longest of all changes. Its energy is that time at the power given, else its MACs stand for it.

    Args:
        run: with measurements of accuracy, latency, switching and footprint.
        device: its id.
        network: one of `networks`.
        active_mw: power while it computes, in milliwatts; the clock must tell the time.

    Raises:
        ConfigError: the run has no such device or network, lacks a metric, has two firmwares, or the clock does not tell time.
    """
    known = sorted({each.device for each in run.measurements if each.device is not None})
    if device not in known:
        raise unknown_name(f"device of run {run.run.id}:", device, known)
    if network not in networks(run, device):
        raise unknown_name(f"network of run {run.run.id} on {device}:", network, networks(run, device))
    found = [each for each in run.measurements if each.device == device and _network(each) == network]
    options = no_cheaper_than_smaller_ones(sorted(_options(found), key=lambda option: -option.energy))
    unit, rate = next(each.unit for each in found if each.metric == LATENCY), _ticks_per_us(run, device)
    energy_unit, source = MACS, MACS
    if active_mw is not None:
        options = _powered(options, unit, rate, active_mw)
        energy_unit, source = NANOJOULES, "model"
    switch = _longest(each for each in found if each.metric == SWITCH) if len(options) > 1 else 0
    return CostTable(network, device, _firmware(found), unit, rate, energy_unit, source, switch, options)


def _powered(options: Iterable[Option], unit: str, rate: float | None, active_mw: float) -> tuple[Option, ...]:
    if rate is None:
        do = "leave out --active-mw: MACs stand for energy"
        raise ConfigError(f"a power makes no energy of {unit}, which are not time", do=do)
    return tuple(replace(option, energy=round(option.time_ticks / rate * active_mw) or 1) for option in options)


def _options(found: Sequence[Measurement]) -> Iterator[Option]:
    """The subnetworks, with MACs as energy."""
    firsts, accuracy, arena = (_by_subnet(found, metric) for metric in (FIRST, ACCURACY, ARENA))
    for name, measured in _by_subnet(found, LATENCY).items():
        for metric, values in ((ACCURACY, accuracy), (ARENA, arena)):
            if name not in values:
                raise _lacking(metric, f"subnetwork {name!r}")
        ticks = _longest([*measured, *firsts.get(name, [])])
        yield Option(name, ticks, measured[0].macs or 0, int(arena[name][-1].value), accuracy[name][-1].value)


def _ticks_per_us(run: RunFile, device: str) -> float | None:
    """None where the device's clock does not tell the time."""
    hz = next((facts.clock_hz for facts in reversed(run.devices) if facts.id == device), None)
    return ticks_per_us(hz)


def _network(measurement: Measurement) -> str:
    return "-".join(filter(None, (measurement.architecture, measurement.dataset, measurement.precision)))


def _by_subnet(found: Iterable[Measurement], metric: str) -> dict[str, list[Measurement]]:
    subnets: dict[str, list[Measurement]] = {}
    for each in found:
        if each.metric == metric and each.subnet is not None:
            subnets.setdefault(each.subnet, []).append(each)
    return subnets


def _lacking(metric: str, what: str) -> ConfigError:
    return ConfigError(f"{what} has no {metric}", do=f"measure it: pytest suites/test_{NEEDED[metric]}.py")


def _longest(found: Iterable[Measurement]) -> int:
    values = [value for each in found for value in each.samples]
    if not values:
        raise _lacking(SWITCH, "the run")
    return round(max(values))


def _firmware(found: Sequence[Measurement]) -> str | None:
    firmwares = {each.firmware for each in found}
    if len(firmwares) != 1:
        raise ConfigError("the run measured the network with two firmwares", seen=", ".join(map(str, firmwares)))
    return firmwares.pop()
