"""The commands of `python -m harness`: what they print and how they end."""

import csv
import io
import json
from pathlib import Path

import pytest

from harness import run_file
from harness.__main__ import COMMANDS, main
from harness.commands.output import print_table
from harness.records import Measurement
from tests.harness.examples import a_measurement, a_run


@pytest.fixture
def write(tmp_path: Path):
    def call(name: str, *measurements: Measurement) -> str:
        path = tmp_path / f"{name}.jsonl"
        run_file.create(path, a_run(name))
        for measurement in measurements:
            run_file.append(path, measurement)
        return str(path)

    return call


def test_nothing_in_a_table_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["what"], [["a\x1b[2Jb\x9b31m\rc"]])

    assert all(c.isprintable() or c == "\n" for c in capsys.readouterr().out)


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
    assert f"1 measurement in {path}" in out


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

    assert "line 3 is damaged and left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere", "there is no run 'nowhere'"),
        ("nowhere.jsonl", "there is no file nowhere.jsonl"),
        ("./runs/nowhere", "there is no file ./runs/nowhere"),
        (".", ". is a folder, not a run"),
    ],
)
def test_a_run_that_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, says: str) -> None:
    assert main(["report", name, "--results", str(tmp_path)]) == 1
    assert f"error: {says}" in capsys.readouterr().err


@pytest.mark.parametrize(("content", "seen"), [("", "an empty file"), ('{"kind": "run"', "no whole line")])
def test_a_file_without_a_run_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, seen: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(content)

    assert main(["report", str(path)]) == 1
    assert f"{path} is not the file of a run\n  seen: {seen}" in capsys.readouterr().err


@pytest.mark.parametrize("command", [command.NAME for command in COMMANDS])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"python -m harness {command}" in capsys.readouterr().out.partition("examples:")[2]
