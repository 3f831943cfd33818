"""Cost tables, and the budgets that a trace means with one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from adaptation_examples import SWITCH_TICKS, WHOLE_RAM_BYTES, WHOLE_TICKS, cost_table

from reds.adaptation.budgets import UNLIMITED, budgets_of
from reds.adaptation.costs import MOST, CostTable, Option, counted_costs
from reds.adaptation.trace import Trace
from reds.bundle import untrained
from reds.errors import ConfigError, MissingError
from reds.zoo import mlp3


def test_a_file_holds_what_was_written(tmp_path: Path) -> None:
    cost_table().write(tmp_path / "costs.json")
    assert CostTable.read(tmp_path / "costs.json") == cost_table()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "another version"),
        ({"ticks_per_us": -1}, "ticks_per_us is not above zero"),
        ({"ticks_per_us": "fast"}, "not a cost table"),
        ({"options": []}, "distinct names"),
        ({"options": [{"name": "100"}]}, "not a cost table"),
        ({"energy_source": "guessed"}, "unknown source of energies 'guessed'"),
        ({"switch_ticks": -1}, "switch_ticks is not a whole number"),
        ({"more": 1}, "not a cost table"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, change: dict, words: str) -> None:
    path = tmp_path / "costs.json"
    cost_table().write(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ConfigError, match=words):
        CostTable.read(path)


def test_what_is_no_json_or_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="cannot read the cost table"):
        CostTable.read(tmp_path / "none.json")
    for text, words in (("{", "not JSON"), ("[]", "not a cost table"), ("{}", "not a cost table")):
        (tmp_path / "costs.json").write_text(text)
        with pytest.raises(ConfigError, match=words):
            CostTable.read(tmp_path / "costs.json")


@pytest.mark.parametrize(
    "values",
    [(0, 1, 1, 0.5), (1, MOST + 1, 1, 0.5), (1, 1, 1.5, 0.5), (1, 1, 1, 1.5), (1, 1, 1, float("nan")), (True, 1, 1, 0.5)],
)
def test_costs_are_whole_and_accuracies_shares(values: tuple) -> None:
    with pytest.raises(ConfigError, match="of subnetwork '100' is not"):
        Option("100", *values)


def test_a_smaller_subnetwork_that_costs_more_is_refused() -> None:
    table = cost_table()
    options = (table.options[0], replace(table.options[1], energy=WHOLE_TICKS + 1))
    with pytest.raises(ConfigError, match="'75' costs more than the larger '100'"):
        replace(table, options=options)


def test_a_table_of_another_device_or_firmware_is_refused() -> None:
    table = cost_table()
    table.check_of("board", "f" * 64)
    with pytest.raises(ConfigError, match=r"another device(?s:.*)board, not phone"):
        table.check_of("phone", "f" * 64)
    with pytest.raises(ConfigError, match=r"another firmware(?s:.*)f, not None"):
        table.check_of("board", None)


def test_a_bundle_counts_macs() -> None:
    bundle = untrained(mlp3(), 0)
    with pytest.raises(ConfigError, match="does not say how accurate subnetwork '100' is"):
        counted_costs(bundle)
    table = counted_costs(bundle.with_provenance(accuracy={"100": 0.9}))
    assert table.options == (Option("100", 5060, 5060, 104, 0.9),)
    assert table.level("100") == 0
    with pytest.raises(ConfigError, match="unknown subnetwork '50'"):
        table.level("50")


def trace(**columns: list[float]) -> Trace:
    return Trace(np.array([0.0, 2.0]), {name: np.array(values) for name, values in columns.items()})


@pytest.mark.parametrize(
    ("columns", "resource", "expected"),
    [
        ({"time_share": [1.0, 0.5]}, "time_ticks", [WHOLE_TICKS + SWITCH_TICKS, (WHOLE_TICKS + SWITCH_TICKS) // 2]),
        ({"time_us": [1.5, 1e9]}, "time_ticks", [96, UNLIMITED]),
        ({"energy_uj": [2.0, 0.5]}, "energy", [2000, 500]),
        ({"energy_share": [2.0, 0.0]}, "energy", [2 * WHOLE_TICKS, 0]),
        ({"power_mw": [1.0, 0.1]}, "energy", [2_000_000, 200_000]),
        ({"harvest_mw": [1.0, 0.1]}, "harvest", [2_000_000, 200_000]),
        ({"harvest_share": [0.3, 0.7]}, "harvest", [600_000, 1_400_000]),
        ({"ram_bytes": [0.0, 5000.9]}, "ram_bytes", [0, 5000]),
        ({"ram_share": [0.25, 1.0]}, "ram_bytes", [WHOLE_RAM_BYTES // 4, WHOLE_RAM_BYTES]),
    ],
)
def test_columns_become_whole_numbers_of_the_device(columns: dict, resource: str, expected: list[int]) -> None:
    budgets = budgets_of(trace(**columns), cost_table())
    assert getattr(budgets, resource).tolist() == expected
    assert budgets.stored == (resource == "harvest")
    for other in {"time_ticks", "energy", "ram_bytes"} - {resource}:
        assert getattr(budgets, other).tolist() == [UNLIMITED] * 2


def test_a_clock_that_does_not_tell_the_time_knows_no_microseconds() -> None:
    emulated = replace(cost_table(), time_unit="instructions", ticks_per_us=None)
    with pytest.raises(ConfigError, match=r"counted in instructions(?s:.*)time_share"):
        budgets_of(trace(time_us=[1.0, 1.0]), emulated)


@pytest.mark.parametrize("name", ["energy_uj", "power_mw", "harvest_mw"])
def test_costs_without_joules_know_no_joules(name: str) -> None:
    counted = replace(cost_table(), energy_unit="macs", energy_source="macs")
    with pytest.raises(ConfigError, match=rf"{name} needs energies in nJ(?s:.*)energy_share"):
        budgets_of(trace(**{name: [1.0, 1.0]}), counted)
