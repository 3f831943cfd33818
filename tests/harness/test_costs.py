"""Cost tables of what a run measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.__main__ import main
from harness.costs import cost_table, networks
from harness.records import DeviceFacts, Measurement
from harness.run_file import RunFile
from reds.adaptation.costs import CostTable, Option
from reds.errors import ConfigError
from tests.harness.examples import a_measurement, some_device_facts
from tests.harness.storing import file_of, run_of_day, write_run

DEVICE, NETWORK = "nano33ble-emu", "mlp3-digits-int8"


def measured(name: str, ticks: tuple[int, ...], accuracy: float, macs: int, arena: int) -> list[Measurement]:
    """What the suites record of a subnetwork."""
    whole = {"subnet": name, "macs": macs}
    return [
        a_measurement(metric="latency", value=ticks[0], samples=ticks, **whole),
        a_measurement(metric="latency_first", value=ticks[0] + 5, samples=(ticks[0] + 5,), from_subnet="other", **whole),
        a_measurement(metric="accuracy", unit="fraction", better="higher", value=accuracy, samples=(accuracy,), **whole),
        a_measurement(metric="arena_bytes", unit="bytes", value=arena, samples=(arena,), **whole),
        a_measurement(metric="switch", value=17, samples=(17, 19), from_subnet="other", **whole),
    ]


def a_run(*more: Measurement, facts: DeviceFacts | None = None) -> RunFile:
    some = [*measured("25", (400, 430), 0.8, 100, 50), *measured("100", (1000,), 0.9, 400, 200), *more]
    return replace(file_of(run_of_day(0), some), devices=(facts or some_device_facts(id=DEVICE),))


def stored(folder: Path, run: RunFile) -> Path:
    return write_run(folder, run.run, *run.devices, *run.measurements)


def test_a_subnetwork_takes_the_longest_that_was_seen() -> None:
    table = cost_table(a_run(), DEVICE, NETWORK)
    assert table.options == (Option("100", 1005, 400, 200, 0.9), Option("25", 430, 100, 50, 0.8))
    assert (table.switch_ticks, table.time_unit, table.ticks_per_us) == (19, "instructions", None)
    assert (table.energy_unit, table.energy_source) == ("macs", "macs")
    table.check_of(DEVICE, a_measurement().firmware)


def test_a_smaller_subnetwork_that_was_seen_at_a_bad_moment_slows_the_larger_ones() -> None:
    run = a_run(*measured("50", (1200,), 0.85, 200, 100))
    assert [(option.name, option.time_ticks) for option in cost_table(run, DEVICE, NETWORK).options] == [
        ("100", 1205),
        ("50", 1205),
        ("25", 430),
    ]


def test_a_power_makes_energies_where_the_clock_tells_the_time() -> None:
    some = [replace(each, unit="cycles") if each.unit == "instructions" else each for each in a_run().measurements]
    run = replace(a_run(), measurements=tuple(some), devices=(some_device_facts(id=DEVICE, clock="cycles", clock_hz=64_000_000),))
    table = cost_table(run, DEVICE, NETWORK, active_mw=32.0)
    assert (table.time_unit, table.ticks_per_us, table.energy_unit, table.energy_source) == ("cycles", 64.0, "nJ", "model")
    assert [option.energy for option in table.options] == [round(1005 / 64 * 32), 215]
    with pytest.raises(ConfigError, match=r"no energy of instructions(?s:.*)leave out --active-mw"):
        cost_table(a_run(), DEVICE, NETWORK, active_mw=32.0)


@pytest.mark.parametrize(("metric", "suite"), [("accuracy", "accuracy"), ("arena_bytes", "footprint"), ("switch", "switching")])
def test_a_run_that_lacks_a_metric_is_refused_with_the_suite_that_measures_it(metric: str, suite: str) -> None:
    run = a_run()
    run = replace(run, measurements=tuple(each for each in run.measurements if each.metric != metric))
    with pytest.raises(ConfigError, match=rf"has no {metric}(?s:.*)suites/test_{suite}\.py"):
        cost_table(run, DEVICE, NETWORK)


def test_a_subnetwork_without_accuracy_is_named() -> None:
    run = a_run(a_measurement(metric="latency", value=700, samples=(700,), subnet="50", macs=200))
    with pytest.raises(ConfigError, match="subnetwork '50' has no accuracy"):
        cost_table(run, DEVICE, NETWORK)


def test_two_firmwares_are_refused() -> None:
    run = a_run(a_measurement(metric="latency", value=400, samples=(400,), subnet="25", macs=100, firmware="0" * 64))
    with pytest.raises(ConfigError, match="with two firmwares"):
        cost_table(run, DEVICE, NETWORK)


def test_unknown_names_are_refused() -> None:
    run = a_run()
    assert networks(run, DEVICE) == [NETWORK]
    with pytest.raises(ConfigError, match="unknown device of run"):
        cost_table(run, "pico", NETWORK)
    with pytest.raises(ConfigError, match=r"unknown network of run(?s:.*)did you mean mlp3-digits-int8"):
        cost_table(run, DEVICE, "mlp3-digits")


def test_the_command_writes_what_adapt_reads(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    run = a_run()
    path = stored(tmp_path, run)
    output = tmp_path / "costs.json"
    assert main(["costs", str(path), "--device", DEVICE, "-o", str(output)]) == 0
    shown = capsys.readouterr()
    assert "1,005" in shown.out
    assert "a change of subnetwork takes at most 19 instr" in shown.out
    assert CostTable.read(output) == cost_table(run, DEVICE, NETWORK)
    assert main(["costs", str(path), "--device", DEVICE, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["switch_ticks"] == 19


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--device", "pico"), "has 0 networks on pico"),
        (("--device", DEVICE, "--network", "other"), "unknown network"),
        (("--device", DEVICE, "--active-mw", "0"), "above zero"),
        (("--device", DEVICE, "--active-mw", "nan"), "above zero"),
    ],
)
def test_wrong_arguments_end_with_two(capsys: pytest.CaptureFixture, tmp_path: Path, arguments: tuple, words: str) -> None:
    path = stored(tmp_path, a_run())
    assert main(["costs", str(path), *arguments]) == 2
    assert words in capsys.readouterr().err
