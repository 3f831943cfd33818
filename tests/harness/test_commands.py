"""The commands of `python -m harness`: what they print and how they end."""

import csv
import io
import json
from pathlib import Path

import pytest

from harness import records
from harness.__main__ import main
from harness.records import Measurement
from tests.harness.examples import a_measurement, a_run


@pytest.fixture
def write(tmp_path: Path):
    def call(name: str, *measurements: Measurement) -> str:
        path = tmp_path / f"{name}.jsonl"
        records.create(path, a_run(name))
        for measurement in measurements:
            records.append(path, measurement)
        return str(path)

    return call


def test_devices_lists_the_inventory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "--json"]) == 0

    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert {"host", "nano33ble-emu", "pico-emu"} <= rows.keys()
    assert all(row["available"] or (row["reason"] and row["remedy"]) for row in rows.values())


def test_a_required_device_that_is_absent_is_a_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main(["devices"]) == 0
    assert main(["devices", "--require", "host"]) == 1
    assert "gcc is missing; apt-get install gcc" in capsys.readouterr().out
    assert main(["devices", "--require", "hots"]) == 2
    assert "did you mean host" in capsys.readouterr().err


def test_report_shows_the_table(write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("a", a_measurement(value=23456))

    assert main(["report", path]) == 0

    out = capsys.readouterr().out
    assert "23,456 instr" in out
    assert f"1 measurements in {path}" in out


def test_report_for_programs(write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("a", a_measurement(value=23456), a_measurement(subnet="50", value=12000))

    assert main(["report", path, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert main(["report", path, "--csv"]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    assert document["run"] == "a"
    assert [row["latency"] for row in document["rows"]] == [23456, 12000]
    assert [row["latency"] for row in table] == ["23456", "12000"]
    assert [row["subnet"] for row in table] == ["100", "50"]


def test_report_of_the_latest_run(write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("20260101T000000Z-b", a_measurement(value=111))
    write("20260102T000000Z-a", a_measurement(value=222))

    assert main(["report", "latest", "--results", str(tmp_path)]) == 0

    assert "222" in capsys.readouterr().out


def test_a_damaged_line_is_reported(write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("a", a_measurement())
    with Path(path).open("a") as file:
        file.write('{"kind": "meas')

    assert main(["report", path]) == 0

    assert "damaged lines are left out: 3" in capsys.readouterr().err


def test_a_run_that_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "nowhere", "--results", str(tmp_path)]) == 1
    assert "error: there is no run 'nowhere'" in capsys.readouterr().err


SAME, WORSE, BETTER = a_measurement(value=1000), a_measurement(value=1001), a_measurement(value=999)
OTHER = a_measurement(subnet="50", value=500)


@pytest.mark.parametrize(
    ("after", "conditions", "ending"),
    [
        ([SAME, OTHER], ["different", "worse", "missing"], (0, "2 deterministic values compared, 0 differ")),
        ([WORSE, OTHER], [], (0, "2 deterministic values compared, 1 differ")),
        ([WORSE, OTHER], ["different"], (1, "2 deterministic values compared, 1 differ")),
        ([WORSE, OTHER], ["worse"], (1, "2 deterministic values compared, 1 differ")),
        ([BETTER, OTHER], ["worse"], (0, "2 deterministic values compared, 1 differ")),
        ([BETTER, OTHER], ["different"], (1, "2 deterministic values compared, 1 differ")),
        ([SAME], ["different"], (0, "1 deterministic values compared, 0 differ (1 values only in A, 0 only in B)")),
        ([SAME], ["missing"], (1, "1 deterministic values compared, 0 differ (1 values only in A, 0 only in B)")),
    ],
)
def test_compare_ends_as_asked(
    write, capsys: pytest.CaptureFixture[str], after: list[Measurement], conditions: list[str], ending: tuple[int, str]
) -> None:
    a, b = write("a", SAME, OTHER), write("b", *after)
    options = [word for condition in conditions for word in ("--fail-on", condition)]

    exit_code = main(["compare", a, b, *options])

    assert (exit_code, capsys.readouterr().out.splitlines()[-1]) == ending


def test_compare_shows_what_differs_and_all_if_asked(write, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = write("a", SAME, OTHER), write("b", a_measurement(value=1100, image="x" * 64), OTHER)

    main(["compare", a, b])
    different = capsys.readouterr().out
    main(["compare", a, b, "--all"])
    everything = capsys.readouterr().out
    main(["compare", a, b, "--json"])
    document = json.loads(capsys.readouterr().out)

    row = "latency[mlp3-digits-int8-nano33ble-emu-100] 1,000 1,100 instructions +10.00 % worse   image"
    assert row.split() == next(line for line in different.splitlines() if "latency" in line).split()
    assert "nano33ble-emu-50]" not in different
    assert "nano33ble-emu-50]" in everything
    assert document["summary"] == {"compared": 2, "differing": 1, "worse": 1, "only_a": 0, "only_b": 0}
    assert [value["verdict"] for value in document["values"]] == ["worse"]


def test_a_condition_that_could_not_fail_is_refused(write, capsys: pytest.CaptureFixture[str]) -> None:
    noisy = a_measurement(deterministic=False, unit="nanoseconds")
    a, b = write("a", noisy), write("b", noisy)

    assert main(["compare", a, b]) == 0
    assert main(["compare", a, b, "--fail-on", "different"]) == 2
    assert "share no deterministic value" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["devices", "prepare", "report", "compare"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"python -m harness {command}" in capsys.readouterr().out.partition("examples:")[2]
