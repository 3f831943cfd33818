"""History: series by key, their steps, and how they are shown."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import terminal
from harness.__main__ import main
from harness.history import BLOCKS, Series, series, sparkline
from harness.lines import to_line
from harness.readings import of_run
from harness.records import DeviceFacts
from harness.sources import values
from tests.harness.examples import a_measurement, some_device_facts
from tests.harness.storing import file_of, run_of_day, write_run

NOISY = {"deterministic": False, "unit": "nanoseconds", "device": "host"}


def history(values: Sequence[float], devices: Sequence[DeviceFacts] = (), **facts: Any) -> Series:
    """The series of one key with these values on consecutive days, and these device facts if there are any."""
    runs = []
    for day, value in enumerate(values):
        device = devices[day : day + 1]
        runs.append(of_run(file_of(run_of_day(day), [a_measurement(value=value, **facts)], device)))
    (one,) = series(runs)
    return one


def test_an_exact_value_that_changed_is_a_step_with_its_commits() -> None:
    one = history([1000, 1000, 1001, 1001, 990])

    assert [(s.position, s.before, s.after, s.verdict) for s in one.steps] == [(2, 1000, 1001, "worse"), (4, 1001, 990, "better")]
    first = one.steps[0]
    assert first.commits == (f"{1:040x}", f"{2:040x}")
    assert first.change == pytest.approx(0.001)
    assert first.runs == (run_of_day(1).id, run_of_day(2).id)


def test_more_accuracy_is_better() -> None:
    one = history([0.9, 0.95, 0.8], metric="accuracy", better="higher", sample_count=60)

    assert [step.verdict for step in one.steps] == ["better", "worse"]


def test_a_noisy_value_steps_between_levels() -> None:
    noise = np.random.default_rng(2).normal(0, 2, 40)
    one = history((np.where(np.arange(40) < 25, 100, 130) + noise).tolist(), **NOISY)

    (step,) = one.steps
    assert step.position == 25
    assert (step.before, step.after) == (pytest.approx(100, abs=2), pytest.approx(130, abs=2))
    assert step.verdict == "worse"


@pytest.mark.parametrize("change", [{"compiler": "GCC 13.1"}, {"board": "nano33iot"}, {"clock_hz": 64_000_000}])
def test_a_change_of_the_toolchain_or_the_board_is_marked_as_such(change: dict[str, Any]) -> None:
    before, after = some_device_facts(), some_device_facts(**change)
    one = history([1000, 1000, 900, 905], [before, before, after, after])

    assert [step.verdict for step in one.steps] == ["toolchain", "worse"]
    ((name, value),) = change.items()
    assert one.steps[0].toolchain == (f"{name} {getattr(before, name)} -> {value}",)


def test_other_firmware_is_what_history_is_about() -> None:
    one = history([1000, 900], [some_device_facts(), some_device_facts(firmware="e" * 64, runtime_version="2.0")])

    assert [step.verdict for step in one.steps] == ["better"]


def test_another_computer_explains_a_running_clock_only() -> None:
    def verdicts(device: str | None, kind: str, deterministic: bool) -> list[str]:
        runs = []
        for day in range(20):
            run = replace(run_of_day(day), host={"cpu": "old" if day < 10 else "new"})
            value = 100 + day % 2 + 50 * (day >= 10) if not deterministic else 100 + (day >= 10)
            facts = [some_device_facts(id=device, device_kind=kind)] if device else []
            runs.append(of_run(file_of(run, [a_measurement(value=value, device=device, deterministic=deterministic)], facts)))
        (one,) = series(runs)
        return [step.verdict for step in one.steps]

    assert verdicts("host", "host", deterministic=False) == ["toolchain"]
    assert verdicts(None, "", deterministic=False) == ["toolchain"]
    assert verdicts("host", "host", deterministic=True) == ["worse"]
    assert verdicts("pico", "serial", deterministic=False) == ["worse"]


def test_another_network_is_named() -> None:
    runs = [of_run(file_of(run_of_day(day), [a_measurement(value=day, bundle=str(day // 2))])) for day in range(3)]

    assert [step.retrained for step in series(runs)[0].steps] == [False, True]


def test_keys_units_and_matrices_are_series_of_their_own() -> None:
    measured = [a_measurement(), a_measurement(subnet="50"), a_measurement(layer="dense"), a_measurement(unit="cycles")]
    runs = [file_of(run_of_day(day), measured) for day in range(3)]
    other = file_of(run_of_day(3, matrix="poster"), measured[:1])

    found = series(map(of_run, [*runs, other]))

    assert [(one.matrix, one.key.subnet, one.key.layer, one.unit, len(one.points)) for one in found] == [
        ("digits", "100", None, "instructions", 3),
        ("digits", "50", None, "instructions", 3),
        ("digits", "100", "dense", "instructions", 3),
        ("digits", "100", None, "cycles", 3),
        ("poster", "100", None, "instructions", 1),
    ]


def test_the_last_of_repeated_measurements_counts() -> None:
    (one,) = series([of_run(file_of(run_of_day(0), [a_measurement(value=1), a_measurement(value=2)]))])

    assert one.values == [2]


@pytest.mark.parametrize(
    ("shas", "text"),
    [
        (("a" * 40, "b" * 40), "aaaaaaaaaa..bbbbbbbbbb"),
        (("a" * 40, "a" * 40), "within aaaaaaaaaa"),
        ((None, "b" * 40), "between runs 20260101T000000Z-000000 and 20260102T000000Z-000001"),
    ],
)
def test_the_commits_of_a_step(shas: tuple[str | None, str | None], text: str) -> None:
    runs = [of_run(file_of(run_of_day(day, git_sha=sha), [a_measurement(value=day)])) for day, sha in enumerate(shas)]

    assert series(runs)[0].steps[0].commit_range == text


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=200), st.integers(1, 50))
def test_a_sparkline_fits_and_keeps_the_order(values: list[float], width: int) -> None:
    line = sparkline(values, width)

    assert len(line) == min(width, len(values))
    assert set(line) <= set(BLOCKS)
    if len(values) <= width:
        heights = [BLOCKS.index(block) for block in line]
        ranked = sorted(range(len(values)), key=values.__getitem__)
        assert [heights[i] for i in ranked] == sorted(heights)


def test_sparklines() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == BLOCKS
    assert sparkline([0, 0, 7, 7], 2) == "▁█"
    assert sparkline([5, 5, 5], 40) == "▅▅▅"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty runs: a latency that steps in run 12, an accuracy that stays."""
    for day in range(20):
        accuracy = a_measurement(metric="accuracy", better="higher", value=0.9, sample_count=60)
        measured = [a_measurement(value=1000 if day < 12 else 1050), a_measurement(device="pico-emu", value=500), accuracy]
        run = run_of_day(day, git_sha=f"{day:02d}" * 20, baseline_reason="wider layers" if day == 12 else None)
        write_run(tmp_path, run, some_device_facts(), *measured)
    return tmp_path


def test_the_command_shows_steps(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "latency", "--in", str(folder)]) == 0

    out = capsys.readouterr().out
    assert "▁▁▁▁▁▁▁▁▁▁▁▁████████" in out
    assert "2026-01-13  worse: 1,000 -> 1,050 (+5.00 %), 1111111111..1212121212; accepted: wider layers" in out
    assert out.splitlines()[-1] == "2 values in 20 runs, 1 of them changed its level"
    assert "accuracy" not in out


def test_a_step_is_named_with_changes_that_were_not_committed_and_never_as_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for day in range(3):
        write_run(tmp_path, run_of_day(day, git_sha=f"{min(day, 1)}" * 40, git_dirty=day > 0), a_measurement(value=100_000 + day))

    assert main(["history", "--in", str(tmp_path)]) == 0

    out = capsys.readouterr().out
    assert "(+0.001 %), 0000000000 to 1111111111 with changes" in out
    assert "(+0.001 %), within 1111111111 with changes" in out


@pytest.mark.parametrize("metric", ["latency", "accuracy"])
def test_damaged_lines_are_named_once(folder: Path, capsys: pytest.CaptureFixture[str], metric: str) -> None:
    path = min(folder.glob("*.jsonl"))
    path.write_bytes(path.read_bytes() + to_line(a_measurement(subnet="50"))[:100])

    assert main(["history", metric, "--in", str(folder)]) == 0
    assert capsys.readouterr().err == f"warning: {path}: line 6 is damaged and left out\n"


def test_the_command_for_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "--in", str(folder), "--json", "--changed"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["runs"] == 20
    (one,) = document["series"]
    assert (one["metric"], one["device"], len(one["points"])) == ("latency", "nano33ble-emu", 20)
    assert one["steps"][0]["commit_range"] == "1111111111..1212121212"

    assert main(["history", "latency", "--in", str(folder), "--json", "--device", "pico-emu", "--since", "2026-01-11"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [len(one["points"]) for one in document["series"]] == [10]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["latenzy"], "unknown metric 'latenzy'\n  do: did you mean latency"),
        (["latency", "--device", "pico"], "unknown device 'pico'\n  do: did you mean pico-emu"),
        (["accuracy", "device=pico-emu"], "nothing was measured with all of this"),
        (["latency", "--since", "2030-01-01"], "since 2030-01-01"),
        (["latency=latency"], "unknown field 'latency'"),
    ],
)
def test_what_was_never_measured_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["history", "--in", str(folder), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_what_no_committed_baseline_has_may_be_among_the_runs_of_this_computer(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    committed = lambda where, *arguments, **options: values(where or folder, *arguments, **options)  # noqa: E731
    monkeypatch.setattr("harness.commands.history.values", committed)

    assert main(["history", "latency", "device=host"]) == 2

    err = capsys.readouterr().err
    assert "no committed baseline has device host\n" in err
    assert "results/runs" in err.rpartition("--in")[2]


def test_words_and_options_come_in_any_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["latency", "device=pico-emu", "subnet=100"]
    asked_for = (
        ["--in", str(folder), "--json", *words],
        [*words, "--in", str(folder), "--json"],
        [words[0], "--in", str(folder), words[1], "--json", words[2]],
    )
    found = []
    for arguments in asked_for:
        assert main(["history", *arguments]) == 0
        found.append(capsys.readouterr().out)

    assert found[0] == found[1] == found[2]
    assert len(json.loads(found[0])["series"]) == 1


def test_options_that_do_not_exist_are_still_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["history", "latency", "--inn", "x"], ["pareto", "a", "b", "c"], ["devices", "host"]):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
        assert "unrecognized arguments" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_named_once_and_the_others_are_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (main(["history", "--in", str(folder)]), capsys.readouterr().out)
    bad = folder / "bad.jsonl"
    bad.write_bytes(to_line(run_of_day(1)).replace(b"2026-01-02T00:00:00+00:00", b"last tuesday"))

    code = main(["history", "--in", str(folder)])
    out, error = capsys.readouterr()
    assert (code, out) == before
    (line,) = error.splitlines()
    assert line.startswith(f"warning: left out: {bad}, line 1 is not a run record")
    assert "'last tuesday'" in line

    assert main(["history", "latenzy", "--in", str(folder)]) == 2
    assert capsys.readouterr().err.count("warning") == 1


def test_a_folder_of_which_nothing_can_be_read_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.jsonl").touch()

    assert main(["history", "--in", str(tmp_path)]) == 1
    warning, error, *_ = capsys.readouterr().err.splitlines()
    assert warning == f"warning: left out: {tmp_path}/bad.jsonl is not the file of a run (an empty file)"
    assert error == f"error: no run can be read in {tmp_path}"


def test_in_a_narrow_terminal_nothing_is_folded(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "columns", lambda: 80)

    assert main(["history", "latency", "--in", str(folder)]) == 0

    lines = capsys.readouterr().out.splitlines()
    start = lines.index("latency[mlp3-digits-int8-nano33ble-emu-100] of digits")
    assert lines[start + 1] == "  ▁▁▁▁▁▁▁▁▁▁▁▁████████  1,050 instr, 20 runs, 1 step"
    assert max(map(len, lines[: start + 4])) <= 80


def test_a_date_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["history", "--since", "yesterday"])
    assert "'yesterday' is not a date" in capsys.readouterr().err
