"""The A/A noise floor: taken from runs of the same program, and what the gate makes of it."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import run_file
from harness.__main__ import main
from harness.judging import Thresholds, Verdict, compare
from harness.judging.noise_floor import EARLIER_RUNS, NoiseFloor, noise_floors
from harness.records import Measurement
from harness.toml_table import read_toml
from reds.errors import ConfigError
from targets.firmware import build
from tests.harness.examples import a_measurement, some_device_facts
from tests.harness.running import MATRIX, run_pytest
from tests.harness.storing import file_of, run_of_day, write_run
from tests.targets.bridge import on_tcp

HOST = some_device_facts(id="host", device_kind="host", clock="nanoseconds")
BETWEEN_RUNS = 0.2
RUNS = 30


def a_latency(rng: np.random.Generator, **changes: Any) -> Measurement:
    """Quiet within a run, and another fifth from run to run."""
    samples = tuple((1000 * (1 + rng.normal(0, BETWEEN_RUNS)) * (1 + rng.normal(0, 0.001, 20))).tolist())
    facts = {"unit": "nanoseconds", "clock": "nanoseconds", "deterministic": False, "device": "host", "samples": samples}
    return a_measurement(**facts, value=float(np.median(samples)), **changes)


def floors(*changes: dict[str, Any], device: Any = lambda day: HOST) -> list[NoiseFloor]:
    """Of runs with one latency each."""
    rng = np.random.default_rng(0)
    return noise_floors(
        file_of(run_of_day(day), [a_latency(rng, **changed)], [device(day)]) for day, changed in enumerate(changes)
    )


def test_the_floor_is_what_the_same_program_differs_by() -> None:
    (floor,) = floors(*[{}] * RUNS)

    assert (floor.place.metric, floor.place.device) == ("latency", "host")
    assert floor.shifts == sum(min(day, EARLIER_RUNS) for day in range(RUNS))
    assert floor.noise is not None
    assert 2 * BETWEEN_RUNS < floor.noise < 10 * BETWEEN_RUNS


def test_too_few_runs_say_nothing() -> None:
    (floor,) = floors({}, {}, {})

    assert (floor.noise, floor.shifts) == (None, 3)


@pytest.mark.parametrize("field", ["firmware", "image", "subnet"])
def test_another_program_or_value_is_no_noise(field: str) -> None:
    assert floors(*({field: str(number)} for number in range(RUNS))) == []


def test_other_circumstances_are_no_noise() -> None:
    assert floors(*[{}] * RUNS, device=lambda day: some_device_facts(id="host", compiler=f"GCC {day}")) == []


def test_what_is_exact_or_of_an_unknown_program_has_no_noise() -> None:
    exact, unknown = a_measurement(), a_latency(np.random.default_rng(0), firmware=None)

    assert noise_floors(file_of(run_of_day(day), [exact, unknown]) for day in range(RUNS)) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Runs of one program."""
    rng = np.random.default_rng(0)
    for day in range(RUNS):
        write_run(tmp_path / "runs", run_of_day(day), HOST, a_latency(rng))
    return tmp_path / "runs"


def test_the_command_prints_thresholds_that_keep_the_gate_quiet(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["noise", "--in", str(folder), "--device", "host"]) == 0
    matrix = tmp_path / "own.toml"
    matrix.write_text(capsys.readouterr().out)
    thresholds = Thresholds.parse("own.toml", read_toml(matrix)["thresholds"])

    rng = np.random.default_rng(1)
    quiet, loud = a_latency(rng, firmware="a"), a_latency(rng, firmware="b")
    before, after = (file_of(run_of_day(day), [m], [HOST]) for day, m in enumerate((quiet, loud)))

    (without,), (knowing,) = compare(before, after, Thresholds()), compare(before, after, thresholds)
    assert without.verdict in {Verdict.WORSE, Verdict.BETTER}
    assert (knowing.verdict, knowing.reason) == (Verdict.UNSTABLE, "below the noise floor")


def test_a_baseline_keeps_the_floors_that_were_measured_for_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    quiet, loud = a_latency(rng, firmware="a"), a_latency(rng, firmware="b")
    path = write_run(tmp_path, run_of_day(0), HOST, quiet)
    options = ["--name", "floors", "--reason", "a reason", "--baselines", str(tmp_path / "baselines"), "--force"]

    assert main(["baseline", str(path), *options, "--noise", str(folder)]) == 0

    assert "with 1 noise floor: latency on host " in capsys.readouterr().out
    baseline = run_file.read(tmp_path / "baselines" / "floors.jsonl")
    assert list(baseline.run.noise or {}) == ["latency on host"]
    (knowing,) = compare(baseline, file_of(run_of_day(1), [loud], [HOST]), Thresholds())
    assert (knowing.verdict, knowing.reason) == (Verdict.UNSTABLE, "below the noise floor")
    assert main(["baseline", str(path), *options]) == 0
    assert "the noise floors of the baseline before are not in it: --noise FOLDER measures them" in capsys.readouterr().out


def test_runs_that_tell_of_no_floor_make_no_baseline_with_one(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_run(tmp_path, run_of_day(0), HOST, a_measurement())
    options = ["--name", "floors", "--reason", "a reason", "--baselines", str(tmp_path / "baselines"), "--force"]

    assert main(["baseline", str(path), *options, "--noise", str(folder)]) == 2

    assert "too few values of the same program" in capsys.readouterr().err
    assert not (tmp_path / "baselines").exists()


@pytest.mark.parametrize("floor", [-0.1, 1e6, float("inf"), float("nan")])
def test_a_floor_is_a_number_from_zero_on(floor: float) -> None:
    with pytest.raises(ConfigError, match="a noise floor is a number from 0 to 10"):
        replace(run_of_day(0), noise={"latency on host": floor})


def test_the_command_says_what_it_cannot_tell(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in sorted(folder.iterdir())[3:]:
        path.unlink()

    assert main(["noise", "--in", str(folder)]) == 2

    assert "left out: latency on host: 3 pairs of values, fewer than 20" in capsys.readouterr().err
    assert main(["noise", "--in", str(folder), "--json"]) == 0
    assert '"shifts": 3' in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.toolchain
@pytest.mark.skipif(shutil.which("gcc") is None, reason="the program behind the port is built with gcc")
def test_runs_of_a_board_at_a_port_have_a_floor(models: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The host's program, whose clock runs as a board's does, is reached as a board is: by the inventory, at a port."""
    runs = tmp_path / "noise"
    inventory = tmp_path / "devices.toml"
    with on_tcp([str(build("native").elf)]) as port:
        inventory.write_text(f'[devices.nano-1]\nkind = "nano33ble"\nenvironment = "native"\nport = "{port}"\n')
        where = ("--matrix", MATRIX, "--devices-file", inventory, "--device", "nano-1", "--results", runs)
        for _ in range(5):  # ten pairs of runs, of two subnetworks each
            done = run_pytest(*where, "-k", "test_latency and int8")
            assert done.returncode == 0, done.stdout

    assert main(["noise", "--in", str(runs), "--device", "nano-1"]) == 0

    printed = capsys.readouterr().out
    (rule,) = tomllib.loads(printed)["thresholds"]
    assert (rule["metric"], rule["device"]) == ("latency", "nano-1")
    assert rule["noise"] > 0
    assert "of 20 pairs of equal programs" in printed
