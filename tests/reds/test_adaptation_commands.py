"""`python -m reds trace` and `python -m reds adapt`."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from adaptation_examples import cost_table

from reds.adaptation.generators import KINDS
from reds.bundle import untrained
from reds.commands import main
from reds.subnets import halving
from reds.zoo import mlp3

pytest.importorskip("scipy")


def run(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def evaluated(tmp_path: Path) -> Path:
    network = mlp3()
    bundle = untrained(network, 0)
    subnets = halving(network, (1.0, 0.5), [group.name for group in network.groups if not group.whole])
    facts = bundle.with_provenance(accuracy={"100": 0.9, "50": 0.8})
    type(bundle)(network, facts.weights, subnets, facts.provenance).save(tmp_path / "evaluated")
    return tmp_path / "evaluated"


def made(capsys: pytest.CaptureFixture, folder: Path, kind: str, *arguments: Sequence[object] | object) -> Path:
    path = folder / f"{kind}{len(list(folder.glob('*.csv')))}.csv"
    code, _, err = run(capsys, "trace", "--kind", kind, "--hours", "0.2", "-o", path, *arguments)
    assert (code, err) == (0, f"wrote {path}\n")
    return path


def test_a_trace_is_made_and_shown(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = made(capsys, tmp_path, "bursty")
    code, out, _ = run(capsys, "trace", path)
    assert code == 0
    assert "time_share" in out
    assert "ram_share" in out
    assert "720 inferences in 0.2 h" in out
    code, out, _ = run(capsys, "trace", path, "--json")
    assert json.loads(out)["rows"] == 720


def test_the_kinds_are_listed_with_their_sources(capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, "trace", "--kinds")
    assert code == 0
    assert all(f"{kind}: " in out for kind in KINDS)
    code, out, _ = run(capsys, "trace", "--kinds", "--json")
    assert [entry["kind"] for entry in json.loads(out)] == list(KINDS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "read from a file, or made with --kind"),
        (("a.csv", "--kind", "solar"), "read from a file, or made with --kind"),
        (("--kind", "moon"), "unknown kind of trace 'moon'"),
        (("--kind", "solar", "-o", "a.txt"), "ends in .csv or .parquet"),
        (("--kind", "solar", "--least", "2"), "lower and an upper share"),
        (("--kind", "solar", "--hours", "-1"), "--hours is above zero\n  seen: -1"),
        (("--kind", "solar", "--step", "nan"), "--step is above zero"),
    ],
)
def test_wrong_arguments_of_trace_end_with_two(capsys: pytest.CaptureFixture, arguments: tuple, words: str) -> None:
    code, _, err = run(capsys, "trace", *arguments)
    assert code == 2
    assert words in err


def test_policies_are_replayed_beside_static_networks(capsys: pytest.CaptureFixture, tmp_path: Path, evaluated: Path) -> None:
    trace = made(capsys, tmp_path, "periodic")
    code, out, err = run(capsys, "adapt", evaluated, "--trace", trace, "-o", tmp_path / "choices.csv")
    assert code == 0, err
    assert "always 50" in out
    assert "nothing exceeds an accuracy of" in out
    assert "costs are MACs" in out
    rows = list(csv.DictReader((tmp_path / "choices.csv").read_text().splitlines()))
    assert len(rows) == 720
    assert {row["subnet"] for row in rows} == {"100", "50"}
    code, out, _ = run(capsys, "adapt", evaluated, "--trace", trace, "--policy", "largest-fit", "--json")
    result = json.loads(out)
    assert [row["policy"] for row in result["policies"]] == ["largest-fit", "always 100", "always 50"]
    assert result["policies"][0]["accuracy"] == pytest.approx(result["look_ahead_bound"])
    assert sum(result["policies"][0]["chosen"].values()) == 720


def test_a_harvest_needs_a_store_and_may_have_a_forecast(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    cost_table().write(tmp_path / "costs.json")
    day, before = (made(capsys, tmp_path, "solar", "--hours", "24", "--step", "60", "--seed", seed) for seed in (0, 1))
    code, _, err = run(capsys, "adapt", tmp_path / "costs.json", "--trace", day)
    assert code == 2
    assert "--store N" in err
    arguments = ("adapt", tmp_path / "costs.json", "--trace", day, "--store", 300, "--forecast", before)
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 0, err
    assert json.loads(out)["policies"][0]["of_bound"] > 0.9
    code, out, _ = run(capsys, *arguments)
    assert "costs in cycles of board" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--store", "10"), "the trace has no harvest"),
        (("--forecast", "a.csv"), "go with a harvest"),
        (("--policy", "best"), "unknown policy 'best'"),
    ],
)
def test_wrong_arguments_of_adapt_end_with_two(
    capsys: pytest.CaptureFixture, tmp_path: Path, evaluated: Path, arguments: tuple, words: str
) -> None:
    code, _, err = run(capsys, "adapt", evaluated, "--trace", made(capsys, tmp_path, "periodic"), *arguments)
    assert code == 2
    assert words in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--stored", "2"), "from 0 to 1"),
        (("--period", "10000"), "a period has at least two requests"),
        (("--period", "0"), "a period has at least two requests"),
    ],
)
def test_wrong_numbers_of_a_store_end_with_two(
    capsys: pytest.CaptureFixture, tmp_path: Path, evaluated: Path, arguments: tuple, words: str
) -> None:
    trace = made(capsys, tmp_path, "solar")
    code, _, err = run(capsys, "adapt", evaluated, "--trace", trace, "--store", "100", *arguments)
    assert code == 2
    assert words in err


def test_a_forecast_has_a_harvest(capsys: pytest.CaptureFixture, tmp_path: Path, evaluated: Path) -> None:
    sun, other = made(capsys, tmp_path, "solar"), made(capsys, tmp_path, "periodic")
    code, _, err = run(capsys, "adapt", evaluated, "--trace", sun, "--store", "100", "--forecast", other)
    assert code == 2
    assert "has no harvest" in err
