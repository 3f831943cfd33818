"""Making a run the baseline: what is kept, and which runs are refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness import run_file
from harness.__main__ import main
from harness.records import DeviceFacts, Measurement, Outcome, Run
from tests.harness.examples import a_measurement, a_run, an_outcome, some_device_facts

RECORDS = (some_device_facts(), a_measurement(), an_outcome())


def write(folder: Path, run: Run, *records: Measurement | DeviceFacts | Outcome) -> Path:
    path = folder / f"{run.id}.jsonl"
    run_file.create(path, run)
    run_file.append(path, *records)
    return path


def promote(path: Path, folder: Path, *options: str, reason: str = "a reason") -> int:
    arguments = ["baseline", str(path), "--name", "digits", "--reason", reason, "--baselines", str(folder / "baselines")]
    return main([*arguments, *options])


def test_the_records_are_kept_with_reason_date_and_what_was_there_before(tmp_path: Path) -> None:
    first, second = (write(tmp_path, a_run(name), *RECORDS) for name in ("first", "second"))

    assert promote(first, tmp_path) == 0
    before = run_file.read(tmp_path / "baselines" / "digits.jsonl")
    assert promote(second, tmp_path, reason="  gcc 13  ") == 0
    after = run_file.read(tmp_path / "baselines" / "digits.jsonl")

    assert (before.run.baseline_reason, before.run.baseline_previous) == ("a reason", None)
    assert (after.run.baseline_reason, after.run.baseline_previous) == ("gcc 13", "first")
    assert after.run.baseline_date is not None
    assert after.run.baseline_date >= "2026"
    bare = replace(after.run, baseline_reason=None, baseline_date=None, baseline_previous=None)
    assert bare == run_file.read(second).run
    assert (*after.devices, *after.measurements, *after.outcomes) == RECORDS
    assert [path.name for path in (tmp_path / "baselines").iterdir()] == ["digits.jsonl"]


@pytest.mark.parametrize(
    ("run", "records", "fault"),
    [
        (a_run(), [a_measurement(), an_outcome(outcome="failed", reason="no")], "1 test failed, first suites/test_latency.py"),
        (a_run(), [a_measurement(), an_outcome(outcome="error", reason="no")], "1 test failed"),
        (replace(a_run(), git_dirty=True), [a_measurement()], "the working tree had changes"),
        (replace(a_run(), whole=()), [a_measurement()], "it is a part of its matrix: tests that were chosen one by one"),
        (
            replace(a_run(), whole=("suites/test_latency.py",)),
            [a_measurement()],
            "it is a part of its matrix: suites/test_latency.py alone",
        ),
        (replace(a_run(), tests=3), [a_measurement(), an_outcome()], "cut short: 2 of 3 tests did not run"),
    ],
)
def test_a_run_that_nobody_should_expect_is_refused_unless_forced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Run, records: list[Measurement | Outcome], fault: str
) -> None:
    path = write(tmp_path, run, *records)

    assert promote(path, tmp_path) == 2
    assert fault in capsys.readouterr().err
    assert not (tmp_path / "baselines").exists()
    assert promote(path, tmp_path, "--force") == 0
    assert run_file.read(tmp_path / "baselines" / "digits.jsonl").measurements == run_file.read(path).measurements


@pytest.mark.parametrize(
    ("run", "absent", "part"),
    [
        (replace(a_run(), whole=("suites",), narrowed=("device",)), False, "on nano33ble-emu alone"),
        (replace(a_run(), whole=("suites",), narrowed=()), True, "without pico-emu"),
        (replace(a_run(), whole=(".",), narrowed=()), False, None),
        (a_run(), False, None),  # an older file
    ],
)
def test_a_part_of_the_devices_is_noted_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Run, absent: bool, part: str | None
) -> None:
    there = an_outcome(test="suites/test_latency.py::there", device="pico-emu", outcome="skipped", reason="no", cause="absent")

    assert promote(write(tmp_path, run, *RECORDS, *([there] if absent else [])), tmp_path) == 0

    baseline = tmp_path / "baselines" / "digits.jsonl"
    assert (f"is a part of the matrix: {part}\n" in capsys.readouterr().out) == (part is not None)
    main(["compare", str(baseline), str(baseline)])
    assert (f"a reason; a part of the matrix: {part}\n" in capsys.readouterr().out) == (part is not None)


def test_a_table_that_was_rebuilt_is_no_baseline_even_if_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, replace(a_run(), matrix="paper"), a_measurement())

    assert promote(path, tmp_path, "--force") == 2
    assert "seen: a table that harness paper rebuilt" in capsys.readouterr().err
    assert not (tmp_path / "baselines").exists()


def test_a_torn_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, a_run(), a_measurement())
    path.write_bytes(path.read_bytes() + b'{"kind": "meas')

    assert promote(path, tmp_path) == 2
    assert "seen: line 3 is damaged and left out" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../digits", "a/b", "", ".hidden", "a b"])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, a_run(), a_measurement())

    assert main(["baseline", str(path), "--name", name, "--reason", "r", "--baselines", str(tmp_path / "b")]) == 2


def test_a_reason_is_not_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert promote(write(tmp_path, a_run(), a_measurement()), tmp_path, reason="  ") == 2
    assert "needs a reason" in capsys.readouterr().err


def test_a_run_without_values_is_no_baseline_even_if_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, a_run(), an_outcome())

    assert promote(path, tmp_path, "--force") == 2
    assert "it holds no measurements" in capsys.readouterr().err
    assert not (tmp_path / "baselines").exists()


def test_a_part_does_not_take_the_place_of_the_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = [a_measurement(device="pico-emu", architecture=name) for name in ("mlp1", "mlp3")]
    whole = write(tmp_path, a_run("whole"), a_measurement(), *elsewhere)
    part = write(tmp_path, a_run("part"), a_measurement())
    lost = "2 of the 3 values of the baseline before are not in it (pico-emu 2; mlp1 1, mlp3 1)"
    assert promote(whole, tmp_path) == 0

    assert promote(part, tmp_path) == 2
    assert lost in capsys.readouterr().err
    assert run_file.read(tmp_path / "baselines" / "digits.jsonl").run.id == "whole"
    assert promote(part, tmp_path, "--force") == 0
    assert f"dropped: {lost}\n" in capsys.readouterr().out
    assert promote(whole, tmp_path) == 0  # more than before is no loss


def test_a_run_that_is_promoted_again_keeps_its_predecessor(tmp_path: Path) -> None:
    first, second = (write(tmp_path, a_run(name), *RECORDS) for name in ("first", "second"))

    for path in (first, second, second):
        assert promote(path, tmp_path) == 0

    assert run_file.read(tmp_path / "baselines" / "digits.jsonl").run.baseline_previous == "first"


def test_changes_are_to_be_committed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert promote(write(tmp_path, replace(a_run(), git_dirty=True), *RECORDS), tmp_path) == 2
    assert "do: commit the changes and run again; or use --force" in capsys.readouterr().err
