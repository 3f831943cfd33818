"""What other programs read of a run: how each test ended, JUnit XML, pytest-benchmark's tables and storage."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import pytest

from harness.records import DeviceFacts, Outcome
from tests.harness.running import ROOT, Done

pytestmark = [
    pytest.mark.slow,
    pytest.mark.toolchain,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="the host's device process is built with gcc"),
]

# One test of the int8 image for each way in which a test may end.
ENDINGS = """
import pytest
from reds.errors import DeviceError

def raise_the_projects_own():
    raise DeviceError("it broke", seen="smoke")

@pytest.fixture(autouse=True)
def ending(request):
    name = request.node.name
    if name == "test_latency[mlp1-digits-int8-host-50]":
        raise_the_projects_own()
    if name == "test_parity[mlp1-digits-int8-host-50]":
        pytest.skip("not today")
    yield
    if name == "test_image[mlp1-digits-int8-host]":
        raise RuntimeError("afterwards")

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if pyfuncitem.name == "test_accuracy[mlp1-digits-int8-host-50]":
        assert pyfuncitem.name == "another", "x" * 5000
    if pyfuncitem.name == "test_switching[mlp1-digits-int8-host]":
        pytest.xfail("known")
"""


PLACE = "mlp1-digits-int8-host"


@dataclass(frozen=True)
class Reported:
    """A run and the JUnit XML that pytest wrote of it."""

    done: Done
    junit: ElementTree.Element

    def outcome(self, name: str) -> Outcome:
        """How a test ended."""
        (outcome,) = (o for o in self.done.run.outcomes if o.test.endswith(f"::{name}"))
        return outcome

    def properties(self, name: str) -> dict[str | None, str | None]:
        """The properties of a test in JUnit XML."""
        (case,) = self.junit.findall(f".//testcase[@name='{name}']")
        return {node.get("name"): node.get("value") for node in case.findall("./properties/property")}


@pytest.fixture(scope="module")
def reported(measure: Callable[..., Done], tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """A run in which tests end in every way."""
    junit = tmp_path_factory.mktemp("junit") / "junit.xml"
    done = measure("-k", "int8", f"--junitxml={junit}", plugin=ENDINGS)
    return Reported(done, ElementTree.parse(junit).getroot())


def test_every_test_has_one_outcome(reported: Reported) -> None:
    outcomes = reported.done.run.outcomes

    assert reported.done.process.returncode == pytest.ExitCode.TESTS_FAILED
    assert len(outcomes) == len({o.test for o in outcomes}) == len(reported.junit.findall(".//testcase")) == 12
    assert [o.outcome for o in outcomes].count("passed") == 7
    for o in outcomes:
        assert (o.architecture, o.dataset, o.precision, o.device) == ("mlp1", "digits", "int8", "host")
        assert o.test.endswith("]" if o.subnet is None else f"-{o.subnet}]")
        assert (o.reason is None) == (o.outcome == "passed")
        assert o.seconds >= 0


def test_an_outcome_says_how_and_why(reported: Reported) -> None:
    failed = reported.outcome(f"test_accuracy[{PLACE}-50]")
    assert failed.outcome == "failed"
    assert (failed.reason or "").startswith("AssertionError: xxx")
    assert len(failed.reason or "") == 2000
    broken = reported.outcome(f"test_latency[{PLACE}-50]")
    assert (broken.outcome, broken.reason) == ("error", "it broke\n  seen: smoke")
    skipped = reported.outcome(f"test_parity[{PLACE}-50]")
    assert (skipped.outcome, skipped.reason) == ("skipped", "not today")
    expected = reported.outcome(f"test_switching[{PLACE}]")
    assert (expected.outcome, expected.reason) == ("skipped", "expected to fail: known")
    afterwards = reported.outcome(f"test_image[{PLACE}]")
    assert (afterwards.outcome, afterwards.reason) == ("error", "RuntimeError: afterwards")


def test_the_device_is_described_once(reported: Reported) -> None:
    (facts,) = reported.done.run.devices

    assert isinstance(facts, DeviceFacts)
    assert (facts.id, facts.device_kind, facts.board) == ("host", "host", "native")
    assert (facts.clock, facts.clock_hz) == ("nanoseconds", 1_000_000_000)
    assert "gcc" in facts.compiler
    assert {m.firmware for m in reported.done.run.measurements} == {facts.firmware}


def test_junit_names_device_and_values_with_their_units(reported: Reported) -> None:
    subject = {"architecture": "mlp1", "dataset": "digits", "precision": "int8", "device": "host"}
    (latency,) = (m for m in reported.done.run.measurements if m.metric == "latency")

    assert reported.properties(f"test_latency[{PLACE}-100]") == {
        **subject,
        "subnet": "100",
        "latency": f"{latency.value:.10g} nanoseconds",
    }
    assert reported.properties(f"test_parity[{PLACE}-50]") == {**subject, "subnet": "50"}
    footprint = reported.properties(f"test_image[{PLACE}]")
    assert footprint.keys() == {*subject, "image_bytes", "load_bytes_per_s", "arena_bytes[100]", "arena_bytes[50]"}
    (arena,) = (m for m in reported.done.run.measurements if m.metric == "arena_bytes" and m.subnet == "50")
    assert footprint["arena_bytes[50]"] == f"{arena.value:g} bytes"
    profile = reported.properties(f"test_profile[{PLACE}-100]")
    assert profile["layer_activation_bytes[hidden1]"] == "104 bytes"


def test_junit_is_the_same_from_workers(measure: Callable[..., Done], tmp_path: Path) -> None:
    done = measure("-k", "int8 and (parity or switching)", "-n", "2", f"--junitxml={tmp_path / 'junit.xml'}")
    reported = Reported(done, ElementTree.parse(tmp_path / "junit.xml").getroot())

    assert done.process.returncode == 0, done.output
    assert "parity_max_abs_error" in reported.properties(f"test_parity[{PLACE}-100]")
    assert {"switch[100->50]", "latency_first[50->100]"} <= reported.properties(f"test_switching[{PLACE}]").keys()


KILL_THE_WORKER = """
import os, pytest

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if pyfuncitem.name == "test_parity[mlp1-digits-int8-host-50]":
        os._exit(9)
"""


def test_a_test_whose_worker_died_is_an_error(measure: Callable[..., Done]) -> None:
    done = measure("-k", "int8 and parity", "-n", "1", plugin=KILL_THE_WORKER)

    outcomes = {o.test.partition("::")[2]: o for o in done.run.outcomes}
    assert done.process.returncode == pytest.ExitCode.TESTS_FAILED, done.output
    assert outcomes[f"test_parity[{PLACE}-100]"].outcome == "passed"
    assert outcomes[f"test_parity[{PLACE}-50]"].outcome == "error"
    assert "crashed while running" in (outcomes[f"test_parity[{PLACE}-50]"].reason or "")
    assert outcomes[f"test_parity[{PLACE}-50]"].device == "host"


FILL_THE_DISK = """
import resource, pytest

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if pyfuncitem.name == "test_accuracy[mlp1-digits-int8-host-50]":
        from harness.keys import RUN_FILE
        limit = pyfuncitem.config.stash[RUN_FILE].stat().st_size + 100
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

def pytest_unconfigure():
    # What watches this process from outside, such as coverage, has a disk of its own.
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


def test_a_full_disk_ends_the_run_and_says_so(measure: Callable[..., Done]) -> None:
    done = measure("-k", "int8", plugin=FILL_THE_DISK)

    assert done.process.returncode == pytest.ExitCode.TESTS_FAILED
    assert "Traceback" not in done.output
    assert "INTERNALERROR" not in done.output
    assert "a record could not be written to" in done.output
    assert "make room, or write elsewhere" in done.output
    assert "line 5 is damaged and left out" in done.output
    assert [o.outcome for o in done.run.outcomes] == ["passed"]
    assert [m.metric for m in done.run.measurements] == ["accuracy"]


def test_pytest_benchmark_holds_the_devices_own_nanoseconds(measure: Callable[..., Done], tmp_path: Path) -> None:
    stored = tmp_path / "benchmark.json"

    done = measure("-k", "test_latency", f"--benchmark-json={stored}")

    benchmarks = json.loads(stored.read_text())["benchmarks"]
    assert len(benchmarks) == 4
    recorded = {m.test.partition("[")[2].rstrip("]"): m.samples for m in done.run.measurements}
    for benchmark in benchmarks:
        assert [round(1e9 * second) for second in benchmark["stats"]["data"]] == list(recorded[benchmark["param"]])
        assert benchmark["extra_info"] == {
            "architecture": "mlp1",
            "dataset": "digits",
            "precision": benchmark["param"].split("-")[2],
            "device": "host",
            "subnet": benchmark["param"].rpartition("-")[2],
            "unit": "nanoseconds",
        }


SLOW = """
import pytest
from dataclasses import replace
from harness.boards import Board

time = Board.time  # behind the check of the device, which would find the lie

def slow(self, request):
    timing = time(self, request)
    return replace(timing, samples=tuple(1000 + 100 * sample for sample in timing.samples))

Board.time = slow
"""


def test_pytest_benchmark_compares_with_what_it_saved(measure: Callable[..., Done], tmp_path: Path) -> None:
    storage = f"--benchmark-storage=file://{tmp_path}"

    first = measure("-k", "test_latency and int8", storage, "--benchmark-save=before")
    second = measure("-k", "test_latency and int8", storage, "--benchmark-compare=0001", "--benchmark-compare-fail=min:100000%")
    slower = measure(
        "-k", "test_latency and int8", storage, "--benchmark-compare", "--benchmark-compare-fail=min:1%", plugin=SLOW
    )

    assert first.process.returncode == second.process.returncode == 0, second.output
    assert f"test_latency[{PLACE}-100] (0001_before)" in second.output
    assert f"test_latency[{PLACE}-100] (NOW)" in second.output
    assert slower.process.returncode != 0
    assert "Performance has regressed" in slower.output


def test_timings_of_another_computer_are_compared_with_a_warning(measure: Callable[..., Done]) -> None:
    (ROOT / ".benchmarks").mkdir(exist_ok=True)
    with TemporaryDirectory(dir=ROOT / ".benchmarks") as folder:  # pytest-benchmark fails to name a storage that lies elsewhere
        storage = f"--benchmark-storage=file://{folder}"
        first = measure("-k", "test_latency and int8", storage, "--benchmark-save=before")
        (stored,) = Path(folder).rglob("*.json")
        document = json.loads(stored.read_text())
        document["machine_info"]["node"] = "another"
        stored.write_text(json.dumps(document))
        second = measure("-k", "test_latency and int8", storage, "--benchmark-compare")

    assert not {"hz_actual", "hz_actual_friendly"} & document["machine_info"]["cpu"].keys()
    assert first.process.returncode == second.process.returncode == 0, second.output
    assert "machine_info is different" in second.output
    assert f"test_latency[{PLACE}-100] (0001_before)" in second.output
