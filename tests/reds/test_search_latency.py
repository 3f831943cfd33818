"""Searching for latency: tables of what layers take on a device."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reds.architecture import Architecture
from reds.commands import main
from reds.errors import ConfigError, MissingError
from reds.image.operations import operations
from reds.importance import random
from reds.permutation import importance_orders, permute
from reds.search.latency import COLUMNS, LatencyTable, Point
from reds.search.limits import Limits
from reds.search.models import Settings
from reds.search.nested import search
from reds.search.tables import groups_of, total
from reds.widths import SearchRule, rule_from_dict
from reds.zoo import architecture

Ticks = Callable[[int, int], float]


def plausible(inputs: int, outputs: int) -> float:
    """A layer that takes a constant, and work for each output and each pair."""
    return 50 + 3 * outputs + 0.75 * inputs * outputs


def measured(network: Architecture, ticks: Ticks = plausible) -> list[list[object]]:
    """The rows of a table of a network: each layer at nine pairs of widths."""
    placed = {each.layer.name: each for each in network.placed}
    rows = {}
    for operation in operations(network):
        source, sink = groups_of(placed[operation.name])
        for a in (4, 8, network.full_widths[source]):
            for b in (4, 8, network.full_widths[sink]):
                inputs = network.full_widths[source] if network.groups[source].whole else a
                outputs = inputs if source == sink else network.full_widths[sink] if network.groups[sink].whole else b
                row = [operation.name, operation.kind, inputs, outputs, placed[operation.name].macs(inputs, outputs)]
                rows[operation.name, inputs, outputs] = [*row, ticks(inputs, outputs), "instructions"]
    return list(rows.values())


def write(path: Path, rows: list[list[object]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    return path


@pytest.fixture
def network() -> Architecture:
    return architecture("ds_cnn_s")


@pytest.fixture
def table(network: Architecture, tmp_path: Path) -> Path:
    return write(tmp_path / "table.csv", measured(network))


def test_a_table_gives_back_what_was_measured_and_what_lies_between(network: Architecture, table: Path) -> None:
    found = LatencyTable.read(table)
    assert found.unit == "instructions"
    assert found.residual() < 1e-6
    assert found.ticks("pointwise2", 13, 57) == pytest.approx(plausible(13, 57))
    widths = (1, 13, 22, 31, 40, 60, 12)
    expected = sum(plausible(op.inputs(widths), op.outputs(widths)) for op in operations(network))
    assert total(network, widths, found.layer_costs(network)) == pytest.approx(expected)
    assert LatencyTable.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_what_falls_with_width_is_not_extrapolated_below_zero() -> None:
    points = tuple(Point("a", n, n, n, 100.0 / n) for n in (1, 2, 4, 8, 16))
    table = LatencyTable("ticks", points)
    assert (table.fits["a"] >= 0).all()
    assert all(table.ticks("a", n, n) > 0 for n in (1, 100, 10_000))


@pytest.mark.parametrize("direction", ["bottom-up", "top-down"])
def test_budgets_are_shares_of_the_whole_networks_latency(network: Architecture, table: Path, direction: str) -> None:
    latency = LatencyTable.read(table)
    importance = random(network, 1)
    importance = permute(network, importance, importance_orders(network, importance))
    limits = Limits(60_000)
    found = search(network, importance, (1.0, 0.6, 0.3), Settings(direction, align=4, latency=latency, limits=limits))
    costs = latency.layer_costs(network)
    whole = total(network, network.full_widths, costs)
    for item, share in zip(found, (1.0, 0.6, 0.3), strict=True):
        used = total(network, item.subnet.widths, costs)
        assert used == pytest.approx(item.solution.costs[0])
        assert 0.9 * share * whole < used <= share * whole + 1e-6
        assert item.to_dict()["limit_latency_ticks"] == pytest.approx(share * whole, abs=1)
        assert item.macs == network.cost(item.subnet.widths).macs


def test_a_rule_keeps_its_table(table: Path) -> None:
    rule = SearchRule((1.0, 0.5), latency=LatencyTable.read(table), limits=Limits(30_000), align=4, time_limit_s=5)
    again = rule_from_dict(json.loads(json.dumps(rule.to_dict())))
    assert again == rule
    with pytest.raises(ConfigError, match="not well formed"):
        rule_from_dict({"latency": {"unit": "ticks", "points": [["a", 1]]}})


def test_the_command_searches_for_latency(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["search", "ds_cnn_s", "--importance", "random", "--cost", "latency", "--table", str(table), "--json"]
    assert main(command) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["unit"] == "instructions"
    assert [row["name"] for row in answer["subnets"]] == ["100", "75", "50", "25"]
    assert all(row["used_latency_ticks"] <= row["limit_latency_ticks"] + 1e-6 for row in answer["subnets"][1:])
    assert main(["search", "ds_cnn_m", *command[2:]]) == 2
    assert "another network than ds_cnn_m" in capsys.readouterr().err
    assert main(["search", "ds_cnn_s", "--importance", "random", "--cost", "latency"]) == 2
    assert "--cost latency and --table go together" in capsys.readouterr().err


def changed(rows: list[list[object]], line: int, column: str, cell: object) -> list[list[object]]:
    rows[line - 2][COLUMNS.index(column)] = cell
    return rows


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("ticks", "nan", "line 3, column ticks is not above zero and finite"),
        ("ticks", "inf", "line 3, column ticks is not above zero and finite"),
        ("ticks", -1, "line 3, column ticks is not above zero and finite"),
        ("ticks", "fast", "line 3, column ticks is no number"),
        ("input_channels", "-4", "line 3, column input_channels is no whole number"),
        ("output_channels", "4.5", "line 3, column output_channels is no whole number"),
        ("macs", "9" * 20, "line 3, column macs is no whole number"),
        ("output_channels", 0, "line 3: channels are at least 1"),
        ("unit", "seconds", "'instructions' from line 2, 'seconds' from line 3"),
    ],
)
def test_cells_that_are_no_measurement_are_named(network, tmp_path: Path, column: str, cell: object, message: str) -> None:
    path = write(tmp_path / "table.csv", changed(measured(network), 3, column, cell))
    with pytest.raises(ConfigError, match=message):
        LatencyTable.read(path)


def test_files_that_are_no_table_are_refused(network: Architecture, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "table.csv"
    with pytest.raises(MissingError, match="cannot read the latency table"):
        LatencyTable.read(path)
    for content, message in (
        (b"", "an empty file"),
        (b"layer,ticks\n", "the columns are layer"),
        (b"\xff\xfe\x00", "is not a CSV file"),
        (b'"', "is not a CSV file"),
        (",".join(COLUMNS).encode(), "no rows"),
        (",".join(COLUMNS).encode() + b"\nconv1,conv\n", "line 2 has 2 columns, not 7"),
    ):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=message):
            LatencyTable.read(path)
    rows = measured(network)
    with pytest.raises(ConfigError, match="repeats layer 'conv1'"):
        LatencyTable.read(write(path, [rows[0], *rows]))
    monkeypatch.setattr("reds.search.latency.MOST_BYTES", 10)
    with pytest.raises(ConfigError, match="too large"):
        LatencyTable.read(path)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda rows: [row for row in rows if row[0] != "pointwise3"], "lacks layer 'pointwise3'"),
        (lambda rows: [*rows, ["pointwise9", "convolution", 4, 4, 2000, 9, "instructions"]], "of another network"),
        (lambda rows: changed(rows, 2, "macs", 1), "of another network"),
        (lambda rows: [*rows, ["classes", "dense", 65, 12, 780, 9, "instructions"]], "of another network"),
        (lambda rows: [*rows, ["depthwise1", "depthwise", 4, 5, 4500, 9, "instructions"]], "of another network"),
        (lambda rows: [r for r in rows if r[0] != "pointwise1" or r[2] == 64], "one width of the inputs of layer 'pointwise1'"),
        (lambda rows: [r for r in rows if r[0] != "pointwise1" or r[3] == 64], "one width of the outputs of layer 'pointwise1'"),
        (lambda rows: [r for r in rows if r[0] != "pointwise1" or r[2] == r[3] != 8], "too few points of layer 'pointwise1'"),
    ],
)
def test_tables_that_do_not_fit_the_network_are_refused(network: Architecture, tmp_path: Path, edit, message: str) -> None:
    table = LatencyTable.read(write(tmp_path / "table.csv", edit(measured(network))))
    with pytest.raises(ConfigError, match=message):
        table.layer_costs(network)


@pytest.mark.slow
@pytest.mark.toolchain
def test_a_real_table_predicts_points_held_out(tmp_path: Path) -> None:
    """An emulated board's table at multiples of eight predicts aligned widths to 1 %, any others to 10 % on average."""
    from harness.__main__ import main as harness
    from targets.availability import check
    from targets.inventory import Inventory

    availability = check(Inventory.load(None).device("nano33ble-emu"))
    if not availability.available:
        pytest.skip(f"nano33ble-emu: {availability.reason} ({availability.remedy})")
    tables = {}
    for points in (8, 13, 16):
        path = tmp_path / f"{points}.csv"
        command = ["profile", "ds_cnn_s", "--device", "nano33ble-emu", "--points", str(points), "--table", str(path)]
        assert harness(command) == 0
        tables[points] = LatencyTable.read(path)
    network = architecture("ds_cnn_s")
    fitted = tables[8]
    fitted.layer_costs(network)
    assert fitted.residual() < 0.01
    for points, allowed in ((16, 0.01), (13, 0.1)):
        held_out = [p for p in tables[points].points if p not in fitted.points and p.layer != "pool"]
        errors = [abs(fitted.ticks(p.layer, p.input_channels, p.output_channels) / p.ticks - 1) for p in held_out]
        assert len(held_out) > 50
        assert np.mean(errors) < allowed
