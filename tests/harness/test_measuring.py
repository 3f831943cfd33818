"""A whole run on this computer: what it records, shows and takes; what happens when a device dies or the user stops it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.records import Measurement
from tests.harness.running import MATRIX, Done, run, run_pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.toolchain,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="the host's device process is built with gcc"),
]

LARGEST_RSS_MIB = 200

SHOW_MEMORY = """
import pathlib, re, sys

def pytest_terminal_summary(terminalreporter):
    # The peak of this program; getrusage would count what the process was before it became this program.
    status = pathlib.Path("/proc/self/status").read_text()
    peak = int(re.search(r"VmHWM:\\s*(\\d+) kB", status).group(1)) // 1024
    heavy = sorted({"tensorflow", "keras", "sklearn", "pandas"} & set(sys.modules))
    terminalreporter.write_line(f"peak MiB: {peak}, heavy: {heavy}")
"""


@pytest.fixture(scope="module")
def whole(measure: Callable[..., Done]) -> Done:
    """A run of everything on the host."""
    done = measure(plugin=SHOW_MEMORY)
    assert done.process.returncode == 0, done.output
    return done


def measurements(done: Done, metric: str) -> list[Measurement]:
    return [m for m in done.run.measurements if m.metric == metric]


def test_the_header_says_under_which_circumstances(whole: Done) -> None:
    header = whole.run.run

    assert header.id == Path(whole.run.source).stem
    assert header.matrix == str(MATRIX)
    assert header.git_sha is None or len(header.git_sha) == 40
    assert set(header.host) == {"system", "machine", "cpu", "cpu_count", "python"}
    assert "numpy" in header.versions
    assert header.command[:2] == ("pytest", "suites")


def test_every_question_is_answered_for_every_combination(whole: Done) -> None:
    combinations = {(p, s) for p in ("float32", "int8") for s in ("100", "50")}

    for metric in ("accuracy", "parity_max_abs_error", "latency", "arena_bytes", "layer_latency", "layer_activation_bytes"):
        assert {(m.precision, m.subnet) for m in measurements(whole, metric)} == combinations, metric
    for metric in ("switch", "latency_first"):
        assert {(m.precision, m.from_subnet, m.subnet) for m in measurements(whole, metric)} == {
            (p, a, b) for p in ("float32", "int8") for a, b in (("100", "50"), ("50", "100"))
        }, metric
    for metric in ("image_bytes", "flash_bytes", "ram_bytes"):
        assert {(m.precision, m.subnet) for m in measurements(whole, metric)} == {("float32", None), ("int8", None)}, metric
    for metric in ("search_gap", "search_seconds", "macs", "parameters"):
        assert {(m.device, m.subnet) for m in measurements(whole, metric)} == {(None, "100"), (None, "50")}, metric


def test_times_are_raw_samples_of_the_devices_own_clock(whole: Done) -> None:
    for m in (m for metric in ("latency", "switch", "layer_latency") for m in measurements(whole, metric)):
        assert (m.unit, m.clock, m.deterministic, m.better) == ("nanoseconds", "nanoseconds", False, "lower")
        assert len(m.samples) == 20
        assert m.attempts == 1


def test_records_name_what_ran(whole: Done) -> None:
    images = {(m.precision, m.image) for m in whole.run.measurements if m.device is not None}
    firmwares = {m.firmware for m in whole.run.measurements if m.device is not None}

    assert len(images) == 2
    assert len(firmwares) == 1
    assert all(len(sha256 or "") == 64 for sha256 in (*firmwares, *(image for _, image in images)))
    assert len({m.bundle for m in whole.run.measurements}) == 1
    assert {m.seed for m in whole.run.measurements} == {0}


def test_accuracy_says_over_which_samples(whole: Done) -> None:
    for m in measurements(whole, "accuracy"):
        assert (m.sample_count, m.sample_indices) == (360, None)  # the host infers the whole test split
        assert len(m.correct or "") == 360
        assert (m.correct or "").count("1") / 360 == m.value
    for m in measurements(whole, "parity_max_abs_error"):
        assert m.sample_count == len(m.sample_indices or ()) == 10


def test_layers_are_named_by_the_architecture(whole: Done) -> None:
    activations = measurements(whole, "layer_activation_bytes")

    def of(precision: str, subnet: str) -> dict[str | None, float]:
        return {m.layer: m.value for m in activations if (m.precision, m.subnet) == (precision, subnet)}

    assert of("int8", "100") == {"hidden1": 64 + 40, "classes": 40 + 10}
    assert of("float32", "50") == {"hidden1": 4 * (64 + 20), "classes": 4 * (20 + 10)}
    assert {m.layer for m in measurements(whole, "layer_latency")} == {"hidden1", "classes"}


def test_int8_is_exact(whole: Done) -> None:
    assert {m.value for m in measurements(whole, "parity_max_abs_error") if m.precision == "int8"} == {0.0}


def test_the_table_and_the_file_are_shown_at_the_end(whole: Done) -> None:
    assert "REDS Bench" in whole.output
    assert f"{len(whole.run.measurements)} measurements in" in whole.output
    assert "\x1b[" not in whole.output


def test_the_process_that_measures_stays_small(whole: Done) -> None:
    (line,) = [line for line in whole.output.splitlines() if line.startswith("peak MiB: ")]
    peak_mib = int(line.split()[2].rstrip(","))

    assert line.endswith("heavy: []")
    assert 10 < peak_mib < LARGEST_RSS_MIB


def test_two_runs_of_one_state_agree_in_all_that_is_deterministic(whole: Done, measure: Callable[..., Done]) -> None:
    again = measure("-k", "not latency and not switching")

    done = run("harness", "compare", whole.run.source, again.run.source, "--fail-on", "different")

    assert done.returncode == 0, done.stdout + done.stderr
    assert " deterministic values compared, 0 differ" in done.stdout


KILL_FIRST_DEVICE = """
import threading, psutil, pytest

TIMES = 1

def kill_all():
    for process in psutil.Process().children(recursive=True):
        process.kill()

@pytest.fixture(autouse=True)
def dying(request):
    over = threading.Event()
    def kill_on():
        while not over.wait(0.001):
            kill_all()
    killing = threading.Thread(target=kill_on)
    if request.node.name == "test_parity[mlp1-digits-float32-first-100]":
        request.getfixturevalue("board")
        kill_all()
        if TIMES > 1:
            killing.start()
    yield
    over.set()
    if killing.ident:
        killing.join()
"""


def test_a_device_that_dies_once_is_started_again(measure: Callable[..., Done]) -> None:
    done = measure("--device", "first", "-k", "parity", plugin=KILL_FIRST_DEVICE)

    assert done.process.returncode == 0, done.output
    attempts = {(m.precision, m.subnet): m.attempts for m in done.run.measurements}
    assert attempts == {("float32", "100"): 2, ("float32", "50"): 1, ("int8", "100"): 1, ("int8", "50"): 1}
    assert "first: 1 repetition in 1 measurement (requests sent again, connections made anew)" in done.output


def test_a_device_that_stays_dead_fails_once_with_its_cause_and_is_left_alone_then(measure: Callable[..., Done]) -> None:
    plugin = KILL_FIRST_DEVICE.replace("TIMES = 1", "TIMES = 100")
    done = measure("--device", "first", "--device", "second", "-v", plugin=plugin)

    lines = [line for line in done.process.stdout.splitlines() if line.startswith("suites/")]
    outcome = {line.split()[0].partition("::")[2]: line.split()[1] for line in lines}
    on_first = [name for name in outcome if "-first" in name]
    death = on_first.index("test_parity[mlp1-digits-float32-first-100]")
    assert done.process.returncode == pytest.ExitCode.TESTS_FAILED
    assert {outcome[name] for name in on_first[:death]} == {"PASSED"}
    assert outcome[on_first[death]] == "FAILED"
    assert {outcome[name] for name in on_first[death + 1 :]} == {"ERROR"}
    assert {outcome[name] for name in outcome if "-first" not in name} == {"PASSED"}
    assert done.output.count("first is out of this run since an earlier failure: ") >= len(on_first) - death - 1
    assert {m.device for m in done.run.measurements} == {None, "first", "second"}
    assert done.run.damaged_lines == ()


STOP_IN_THE_MIDDLE = """
import os, psutil, signal, pytest

@pytest.fixture(autouse=True)
def stopping(request):
    if request.node.name == "test_parity[mlp1-digits-float32-host-100]":
        request.getfixturevalue("board")
        signal.signal(signal.SIGINT, signal.default_int_handler)  # shells have background jobs ignore it
        os.kill(os.getpid(), signal.SIGINT)

@pytest.hookimpl(trylast=True)
def pytest_unconfigure():
    _, left = psutil.wait_procs(psutil.Process().children(recursive=True), timeout=20)  # one may be about to end
    print("device processes left:", len(left))
"""


def test_a_user_who_stops_a_run_leaves_nothing_behind_but_what_was_measured(measure: Callable[..., Done]) -> None:
    done = measure(plugin=STOP_IN_THE_MIDDLE)

    assert done.process.returncode == pytest.ExitCode.INTERRUPTED
    assert "device processes left: 0" in done.output
    assert measurements(done, "accuracy")
    assert done.run.damaged_lines == ()


@pytest.mark.parametrize("distribution", ["load", "loadgroup"])
def test_workers_share_the_run_but_no_device(measure: Callable[..., Done], distribution: str) -> None:
    done = measure("--device", "first", "--device", "second", "-n", "2", "--dist", distribution, "-v")

    assert done.process.returncode == 0, done.output
    passed = [line for line in done.output.splitlines() if "PASSED" in line]
    for device in ("first", "second"):
        assert len({line.split()[0] for line in passed if f"-{device}" in line}) == 1
    assert {m.device for m in done.run.measurements} == {None, "first", "second"}
    assert sorted(facts.id for facts in done.run.devices) == ["first", "second"]
    assert len(done.run.outcomes) == len({outcome.test for outcome in done.run.outcomes}) == len(passed)
    assert done.run.damaged_lines == ()
    assert "REDS Bench" in done.output


def test_missing_models_are_made_before_the_first_test_with_visible_progress(tmp_path: Path) -> None:
    environment = {"REDS_BENCH_CACHE": str(tmp_path / "cache")}
    arguments = ("--matrix", MATRIX, "--results", tmp_path, "-k", "test_search")

    first = run_pytest(*arguments, environment=environment)
    second = run_pytest(*arguments, environment=environment)

    assert first.returncode == second.returncode == 0
    assert "making one model that is not in the cache" in first.stdout
    assert "mlp1-digits-0: pretraining" in first.stderr
    assert "making" not in second.stdout
    assert "pretraining" not in second.stderr


def test_models_that_cannot_be_made_end_the_run_with_the_cause(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ImportError('not here')")
    environment = {"REDS_BENCH_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}

    done = run_pytest("--matrix", MATRIX, "--results", tmp_path, "-k", "test_search", environment=environment)

    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "models that are needed could not be made" in done.stdout + done.stderr
    assert "not here" in done.stdout + done.stderr  # the cause, in the words of what failed
