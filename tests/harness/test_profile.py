"""`python -m harness profile`: where the time of each subnetwork goes, and the table for a search."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.__main__ import main
from harness.profiling import grid
from reds.bundle import untrained
from reds.subnets import halving
from reds.zoo import architecture, halved_groups
from targets.availability import check
from targets.inventory import Inventory

pytestmark = pytest.mark.toolchain

UNITS = {"host": "nanoseconds", "nano33ble-emu": "instructions", "pico-emu": "model cycles"}
COLUMNS = ["layer", "kind", "input_channels", "output_channels", "macs", "ticks", "unit"]


@pytest.fixture
def device(request: pytest.FixtureRequest) -> str:
    availability = check(Inventory.load(None).device(request.param))
    if not availability.available:
        pytest.skip(f"{request.param}: {availability.reason} ({availability.remedy})")
    return request.param


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """DS-CNN S with two subnetworks."""
    network = architecture("ds_cnn_s")
    subnets = halving(network, (1, 0.25), halved_groups(network))
    replace(untrained(network, seed=0), subnets=subnets).save(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.mark.parametrize("precision", ["int8", "float32"])
@pytest.mark.parametrize("device", ["host", "nano33ble-emu"], indirect=True)
def test_every_layer_of_every_subnetwork_is_told(
    device: str, precision: str, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", str(bundle), "--device", device, "--precision", precision, "--repeats", "2", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    network = architecture("ds_cnn_s")
    subnets = halving(network, (1, 0.25), halved_groups(network))
    computing = [layer.name for layer in network.cost(network.full_widths).layers if layer.macs or layer.name == "pool"]
    assert [(row["subnet"], row["layer"]) for row in rows] == [(s.name, layer) for s in subnets for layer in computing]
    element_bytes = {"int8": 1, "float32": 4}[precision]
    for subnet in subnets:
        mine = {row["layer"]: row for row in rows if row["subnet"] == subnet.name}
        assert sum(row["macs"] for row in mine.values()) == network.cost(subnet.widths).macs
        assert {row["unit"] for row in mine.values()} == {UNITS[device]}
        assert all(row["ticks"] > 0 for row in mine.values())
        assert mine["pointwise1"]["weight_bytes"] == element_bytes * subnet.widths[1] * subnet.widths[2]
        assert mine["depthwise1"]["weight_bytes"] == element_bytes * 9 * subnet.widths[1]
        assert mine["pool"]["weight_bytes"] == 0
        assert mine["pointwise1"]["activation_bytes"] == element_bytes * 125 * (subnet.widths[1] + subnet.widths[2])
        assert (mine["conv1"]["input_channels"], mine["conv1"]["output_channels"]) == (1, subnet.widths[1])
    if device != "host":  # whose clock varies
        whole, part = (sum(row["ticks"] for row in rows if row["subnet"] == subnet.name) for subnet in subnets)
        assert part < whole / 4


@pytest.mark.parametrize("device", ["nano33ble-emu"], indirect=True)
def test_people_see_a_table_for_each_subnetwork(device: str, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(bundle), "--device", device]) == 0
    out = capsys.readouterr().out
    assert out.count("subnetwork ") == 2
    assert "instructions, 2,656,768 MACs" in out
    assert out.count("pointwise4") == 2
    assert "100.0%" not in out


@pytest.mark.parametrize("device", list(UNITS), indirect=True)
def test_the_table_for_a_search_has_each_pair_of_widths_once(
    device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "table.csv"
    assert main(["profile", "mlp3", "--device", device, "--table", str(path), "--points", "3", "--repeats", "1"]) == 0
    assert f"wrote {path}" in capsys.readouterr().err
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert reader.fieldnames == COLUMNS
    pairs = [(row["layer"], row["input_channels"], row["output_channels"]) for row in rows]
    assert len(set(pairs)) == len(pairs)
    assert {pair for pair in pairs if pair[0] == "hidden2"} == {
        ("hidden2", str(inputs), str(outputs))
        for inputs, outputs in ((40, 50), (27, 33), (13, 17), (40, 33), (40, 17), (27, 50), (13, 50))
    }
    assert {row["unit"] for row in rows} == {UNITS[device]}
    assert all(int(row["macs"]) == int(row["input_channels"]) * int(row["output_channels"]) for row in rows)
    if device != "host":  # whose clock varies
        ticks = {pair: float(row["ticks"]) for pair, row in zip(pairs, rows, strict=True)}
        assert ticks["hidden2", "13", "17"] < ticks["hidden2", "40", "17"] < ticks["hidden2", "40", "50"]


@pytest.mark.parametrize("device", ["nano33ble-emu"], indirect=True)
def test_the_table_can_be_json_too(device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "table.csv"
    assert main(["profile", "mlp1", "--device", device, "--table", str(path), "--points", "2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(path.read_text().splitlines()) - 1


def test_the_grid_begins_with_the_whole_network_and_nests() -> None:
    network = architecture("ds_cnn_s")
    for chain in grid(network, 8):
        assert chain[0].widths == network.full_widths
        assert 2 <= len(chain) <= 8
    together, even, odd = grid(network, 8)
    assert together[7].widths == (1, 8, 8, 8, 8, 8, 12)
    assert even[7].widths == (1, 64, 8, 64, 8, 64, 12)
    assert odd[7].widths == (1, 8, 64, 8, 64, 8, 12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mlp1", "--device", "host", "--repeats", "0"], "--repeats is at least 1"),
        (["mlp1", "--device", "host", "--points", "1"], "--points 2 to 32"),
        (["mlp1", "--device", "host", "--points", "33"], "--points 2 to 32"),
        (["mlp", "--device", "host"], "unknown architecture 'mlp'"),
        (["mlp1", "--device", "hots"], "did you mean host"),
    ],
)
def test_wrong_words_are_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("device", ["pico-emu"], indirect=True)
def test_a_network_that_the_device_does_not_hold_is_an_error(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "dnn_s", "--device", device, "--precision", "float32"]) == 1
    assert "does not fit in the memory pool" in capsys.readouterr().err
