"""The command that compares two runs: what it shows, in which forms, and how it ends."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness import run_file
from harness.__main__ import main
from harness.records import DeviceFacts, Measurement, Outcome
from tests.harness.examples import a_measurement, a_run, an_outcome, some_device_facts

Write = Callable[..., str]
SAME, WORSE, BETTER = a_measurement(value=1000), a_measurement(value=1001), a_measurement(value=999)
OTHER = a_measurement(subnet="50", value=500)
FAILED = an_outcome(outcome="failed", reason="it broke", test=OTHER.test)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def call(name: str, *records: Measurement | DeviceFacts | Outcome) -> str:
        path = tmp_path / f"{name}.jsonl"
        run_file.create(path, a_run(name))
        run_file.append(path, *records)
        return str(path)

    return call


@pytest.mark.parametrize(
    ("after", "conditions", "ending"),
    [
        ([SAME, OTHER], ["different", "worse", "missing"], (0, "2 deterministic values compared, 0 differ")),
        ([WORSE, OTHER], [], (0, "2 deterministic values compared, 1 differs")),
        ([WORSE, OTHER], ["different"], (1, "2 deterministic values compared, 1 differs")),
        ([WORSE, OTHER], ["worse"], (1, "2 deterministic values compared, 1 differs")),
        ([BETTER, OTHER], ["worse"], (0, "2 deterministic values compared, 1 differs")),
        ([BETTER, OTHER], ["different"], (1, "2 deterministic values compared, 1 differs")),
        ([SAME], ["different"], (0, "1 deterministic value compared, 0 differ")),
        ([SAME], ["worse"], (1, "1 deterministic value compared, 0 differ")),
        ([SAME], ["missing"], (1, "1 deterministic value compared, 0 differ")),
        ([SAME, OTHER, FAILED], ["worse"], (1, "2 deterministic values compared, 0 differ")),
    ],
)
def test_it_ends_as_asked(
    write: Write,
    capsys: pytest.CaptureFixture[str],
    after: list[Measurement],
    conditions: list[str],
    ending: tuple[int, str],
) -> None:
    a, b = write("a", SAME, OTHER), write("b", *after)
    options = [word for condition in conditions for word in ("--fail-on", condition)]

    exit_code = main(["compare", a, b, *options])

    assert (exit_code, capsys.readouterr().out.splitlines()[-1]) == ending


def test_it_shows_what_changed_or_everything(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    new = [a_measurement(device="host", subnet=subnet) for subnet in ("100", "50")]
    a, b = write("a", SAME, OTHER), write("b", a_measurement(value=1100, image="x" * 64), OTHER, *new)

    main(["compare", a, b, "--all"])
    everything = capsys.readouterr().out
    main(["compare", a, b])
    changed = capsys.readouterr().out
    main(["compare", a, b, "--markdown"])
    markdown = capsys.readouterr().out

    row = "latency[mlp3-digits-int8-nano33ble-emu-100] 1,000 1,100 instr +10.00 % worse other image"
    assert row.split() == next(line for line in changed.splitlines() if "latency" in line).split()
    assert "nano33ble-emu-50]" not in changed
    assert "nano33ble-emu-50]" in everything
    assert everything.index("emu-100]") < everything.index("emu-50]")  # what matters most comes first
    assert "host-50]" in everything
    assert "not shown" not in everything
    hidden = "not shown (--all shows them): 1 value that did not change, 2 values of host that only B has"
    assert hidden in changed.splitlines()
    assert hidden in markdown.replace("\\", "").splitlines()


def test_where_nothing_changed_there_is_no_table(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    a = write("a", SAME, OTHER)

    assert main(["compare", a, a]) == 0

    out = capsys.readouterr().out
    assert "latency[" not in out
    assert out.splitlines()[-3:] == [
        "not shown (--all shows them): 2 values that did not change",
        "2 same",
        "2 deterministic values compared, 0 differ",
    ]


def test_it_groups_by_axes(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    a = write("a", SAME, OTHER, a_measurement(architecture="mlp1"))

    assert main(["compare", a, a, "--all", "--by", "device,architecture"]) == 0

    out = capsys.readouterr().out
    assert re.findall(r"^device .*$", out, re.MULTILINE) == [
        "device nano33ble-emu, architecture mlp3",
        "device nano33ble-emu, architecture mlp1",
    ]


def test_an_unknown_axis_is_named_with_the_nearest(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    a = write("a", SAME)

    assert main(["compare", a, a, "--by", "devise"]) == 2
    assert "did you mean device" in capsys.readouterr().err


def test_forms_for_programs(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = write("a", SAME, OTHER), write("b", WORSE, OTHER)

    main(["compare", a, b, "--json"])
    document = json.loads(capsys.readouterr().out)
    main(["compare", a, b, "--csv"])
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    assert (document["a"], document["b"]) == ("a", "b")
    assert (document["summary"]["compared"], document["summary"]["differing"]) == (2, 1)
    assert document["summary"]["verdicts"]["worse"] == 1
    assert [value["verdict"] for value in document["values"]] == ["worse", "same"]
    assert [(row["a"], row["b"], row["verdict"], row["subnet"]) for row in table] == [
        ("1000", "1001", "worse", "100"),
        ("500", "500", "same", "50"),
    ]


def test_it_says_what_is_compared_and_what_differs_around_it(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    a = write("a", SAME, some_device_facts())
    b = write("b", SAME, some_device_facts(runtime_version="1.1", firmware="e" * 64), some_device_facts(id="pico-emu"))

    main(["compare", a, b])
    lines = capsys.readouterr().out.splitlines()
    main(["compare", a, b, "--markdown"])
    markdown = capsys.readouterr().out.splitlines()

    assert lines[:5] == [
        f"A: a, 2026-01-01 00:00 UTC, commit 000000000000; {a}",
        f"B: b, 2026-01-01 00:00 UTC, commit 000000000000; {b}",
        "differs: nano33ble-emu: runtime_version 1.0 -> 1.1",
        "differs: nano33ble-emu: firmware ffffffffffff -> eeeeeeeeeeee",
        "differs: pico-emu: only in B",
    ]
    assert [line.replace("\\", "").removeprefix("* ") for line in markdown[:5]] == lines[:5]


def test_a_test_that_failed_only_now_is_a_regression_even_without_a_value(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    passed = an_outcome(test="suites/test_own.py::test_own")
    failed = replace(passed, outcome="failed", reason="assert 1 == 2")
    a, b, new = write("a", SAME, passed), write("b", SAME, failed), write("c", SAME)

    assert main(["compare", a, b, "--fail-on", "worse"]) == 1
    assert "failed: assert 1 == 2\n    suites/test_own.py::test_own, which passed before" in capsys.readouterr().out
    assert main(["compare", a, b, "--json"]) == 0
    assert [test["test"] for test in json.loads(capsys.readouterr().out)["failed_tests"]] == [passed.test]
    assert main(["compare", b, b, "--fail-on", "worse"]) == 0  # it failed before as well
    assert main(["compare", new, b, "--fail-on", "worse"]) == 0  # it was not there before


def test_values_whose_tests_did_not_run_are_left_out_and_counted(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = a_measurement(device="pico-emu", test="suites/test_latency.py::another")
    a, b = write("a", SAME, elsewhere), write("b", SAME, an_outcome())

    assert main(["compare", a, b]) == 0
    out = capsys.readouterr().out
    assert "pico-emu" not in out
    assert "left out: 1 value of the earlier run" in out
    assert main(["compare", a, b, "--fail-on", "missing"]) == 1
    capsys.readouterr()
    main(["compare", a, b, "--csv"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["device"], row["verdict"], row["reason"]) for row in rows] == [
        ("nano33ble-emu", "same", ""),
        ("pico-emu", "missing", "its test did not run"),
    ]


def test_markdown_for_pull_requests(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    failed = an_outcome(outcome="failed", reason="a | b <script> `c`", test=OTHER.test)
    a, b = write("a", SAME, OTHER), write("b", WORSE, failed)

    main(["compare", a, b, "--markdown", "--by", "device"])

    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert "### device nano33ble-emu" in lines
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9}
    assert "note 1: failed: a \\| b \\<script\\> \\`c\\`" in lines
    assert lines[-1] == "1 deterministic value compared, 1 differs"


def test_other_circumstances_are_named(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    a = write("a", SAME, OTHER, some_device_facts())
    b = write("b", WORSE, OTHER, some_device_facts(compiler="GCC 13"))

    assert main(["compare", a, b, "--fail-on", "worse"]) == 0
    assert "needs a new baseline: compiler GCC 12.2.1 -> GCC 13 (1 value)" in capsys.readouterr().out


def test_where_every_value_needs_a_new_baseline_nothing_was_judged(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    a = write("a", SAME, some_device_facts())
    b = write("b", WORSE, some_device_facts(compiler="GCC 13"))

    assert main(["compare", a, b]) == 0
    assert main(["compare", a, b, "--fail-on", "worse"]) == 1
    assert "nothing was judged" in capsys.readouterr().out.splitlines()
    main(["compare", a, b, "--json"])
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_it_says_that_b_was_cut_short(write: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    a, b = write("a", SAME), write("b", SAME, an_outcome())
    run_file.restate(Path(b), replace(a_run("b"), tests=3))

    assert main(["compare", a, b, "--fail-on", "worse"]) == 1
    assert "cut short: 2 of 3 tests did not run" in capsys.readouterr().out.splitlines()
    main(["compare", a, b, "--json"])
    assert json.loads(capsys.readouterr().out)["cut_short"] == "cut short: 2 of 3 tests did not run"
    main(["compare", a, a, "--json"])
    assert json.loads(capsys.readouterr().out)["cut_short"] is None


@pytest.mark.parametrize("other", [[], [a_measurement(architecture="mlp1")]])
def test_runs_without_a_common_value_are_an_error(
    write: Write, capsys: pytest.CaptureFixture[str], other: list[Measurement]
) -> None:
    a, b = write("a", SAME), write("b", *other)

    assert main(["compare", a, b]) == 2
    err = capsys.readouterr().err
    assert "the runs have no value in common" in err
    assert "seen: A: 1 value of nano33ble-emu with mlp3-digits; B: " in err
    assert ("1 value of nano33ble-emu with mlp1-digits" if other else "0 values of no device with no network") in err


def test_rules_that_no_value_falls_under_are_named(write: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    a, matrix = write("a", SAME), tmp_path / "own.toml"
    matrix.write_text(
        '[[thresholds]]\nmetric = "latancy"\nchange = 0.2\n'
        '[[thresholds]]\nmetric = "latency"\nsuite = "test_latency"\nchange = 0.2\n'
        '[[thresholds]]\nmetric = "latency"\ndevice = "pico"\nsuite = "suites/test_latencies.py"\nchange = 0.2\n'
    )

    assert main(["compare", a, a, "--matrix", str(matrix)]) == 0

    assert [line for line in capsys.readouterr().out.splitlines() if "thresholds" in line] == [
        "thresholds: no value has metric latancy (did you mean latency?)",
        "thresholds: no value has metric latency, device pico, suite suites/test_latencies.py (did you mean test_latency?)",
    ]


def test_a_rule_for_a_device_that_was_not_chosen_is_no_mistake(
    write: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    a, matrix = write("a", SAME), tmp_path / "own.toml"
    run_file.restate(Path(a), replace(a_run("a"), narrowed=("device",)))
    matrix.write_text('[[thresholds]]\ndevice = "host"\nchange = 0.2\n')

    assert main(["compare", a, a, "--matrix", str(matrix)]) == 0
    assert "thresholds" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("records", "fault"),
    [
        ((an_outcome(outcome="skipped", reason="no board"),), "it holds no measurements, 1 test skipped"),
        ((SAME, FAILED), "1 test failed"),
        ((SAME, an_outcome()), "cut short: 1 of 2 tests did not run"),
        ((SAME, an_outcome(), replace(FAILED, outcome="passed", test="another")), None),
    ],
)
def test_the_last_run_is_named_if_it_did_not_go_well(
    write: Write,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    records: tuple[Measurement | Outcome, ...],
    fault: str | None,
) -> None:
    runs = tmp_path / "runs"
    run_file.create(runs / "last.jsonl", replace(a_run("last"), tests=2 if fault is None or "cut" in fault else 1))
    run_file.append(runs / "last.jsonl", *records)

    main(["compare", write("a", SAME), "latest", "--results", str(runs)])

    err = capsys.readouterr().err
    assert (f"warning: latest is {runs / 'last.jsonl'}: {fault}" in err) if fault else not err


def test_thresholds_come_from_the_matrix(write: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    a, b = write("a", SAME), write("b", WORSE)
    tolerant = tmp_path / "tolerant.toml"
    tolerant.write_text('[[thresholds]]\nmetric = "latency"\ntolerance = 0.01\n')

    assert main(["compare", a, b, "--fail-on", "worse"]) == 1
    assert main(["compare", a, b, "--fail-on", "worse", "--matrix", str(tolerant)]) == 0
    tolerant.write_text('[[thresholds]]\nmetric = "latency"\ntolerence = 0.01\n')
    assert main(["compare", a, b, "--matrix", str(tolerant)]) == 2
    assert "did you mean tolerance" in capsys.readouterr().err


def of_matrix(name: Path | str, path: str) -> None:
    """Have the run of this file be one of that matrix."""
    file = Path(path)
    file.write_text(file.read_text().replace('"matrix": "digits"', f'"matrix": "{name}"'))


@pytest.mark.parametrize("name", ["gone.toml", "gone"])
def test_a_matrix_that_is_gone_is_no_obstacle_but_to_a_gate(write: Write, capsys: pytest.CaptureFixture[str], name: str) -> None:
    a = write("a", SAME)
    of_matrix(name, a)

    assert main(["compare", a, a]) == 0
    assert f"the default thresholds are used: the matrix {name} is gone" in capsys.readouterr().err
    assert main(["compare", a, a, "--fail-on", "worse"]) == 2
    assert re.search(rf"gone, and with it the thresholds to judge by\n  seen: {name}\n  do: .*--matrix", capsys.readouterr().err)
    assert main(["compare", a, a, "--fail-on", "worse", "--matrix", "digits"]) == 0


def test_rebuilt_tables_need_no_thresholds(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    a = write("a", SAME)
    of_matrix("paper", a)

    assert main(["compare", a, a, "--fail-on", "worse"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[[thresholds]]\nmetric = "latency"\ntolerence = 0.01\n', "did you mean tolerance"),
        ('[[treshold]]\nmetric = "latency"\ntolerance = 0.01\n', "did you mean thresholds"),
        ("[[thresholds", "cannot be read as TOML"),
    ],
)
def test_no_run_is_judged_by_other_rules_than_its_matrix_should_hold(
    write: Write, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str, message: str
) -> None:
    matrix = tmp_path / "own.toml"
    matrix.write_text(content)
    a = write("a", SAME)
    of_matrix(matrix, a)

    for words in (["compare", a, a], ["compare", a, a, "--fail-on", "worse"], ["report", a, "--json", "--against", a]):
        assert main(words) == 2
        assert message in capsys.readouterr().err
