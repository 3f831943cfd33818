"""`pytest suites --compare`: a regression fails the run and is named."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness import run_file
from harness.lines import to_line
from harness.records import Measurement, Run
from harness.run_file import RunFile
from tests.harness.pages import Page, measurements
from tests.harness.running import MATRIX, Done, run, run_pytest, write_plugin

Change = Callable[[Measurement], Measurement | None]
IMAGE = "test_image and int8"
PLACE = "mlp1-digits-int8-host"

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="the host's device process is built with gcc")
measures = [pytest.mark.slow, pytest.mark.toolchain, needs_gcc]


def write(path: Path, run: RunFile, change: Change = lambda m: m) -> str:
    """A baseline made of a run whose measurements are changed or left out."""
    kept = [changed for m in run.measurements if (changed := change(m)) is not None]
    path.write_bytes(b"".join(map(to_line, (run.run, *run.devices, *kept, *run.outcomes))))
    return str(path)


def larger_image(measurement: Measurement) -> Measurement:
    """As if the image had been one byte smaller before."""
    return replace(measurement, value=measurement.value - 1) if measurement.metric == "image_bytes" else measurement


@pytest.fixture(scope="module")
def images(measure: Callable[..., Done]) -> RunFile:
    done = measure("--device", "host", "-k", IMAGE)
    assert done.process.returncode == 0, done.output
    return done.run


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["one process", "xdist"])
class TestGate:
    """In one process and with workers."""

    pytestmark = measures

    def test_an_equal_run_passes(
        self, images: RunFile, measure: Callable[..., Done], tmp_path: Path, arguments: list[str]
    ) -> None:
        baseline = write(tmp_path / "before.jsonl", images)

        done = measure("--device", "host", "-k", IMAGE, "--compare", baseline.removesuffix(".jsonl"), *arguments)

        assert done.process.returncode == 0, done.output
        assert f"compared with {baseline}" in done.output
        assert done.output.count("no regression") == 1
        assert " deterministic values compared, 0 differ" in done.output

    def test_one_byte_more_fails_the_run_and_is_named(
        self, images: RunFile, measure: Callable[..., Done], tmp_path: Path, arguments: list[str]
    ) -> None:
        baseline = write(tmp_path / "before.jsonl", images, larger_image)

        junit = tmp_path / "junit.xml"
        done = measure("--device", "host", "-k", IMAGE, "--compare", baseline, "--junit-xml", str(junit), *arguments)

        (failure,) = ElementTree.parse(junit).iter("failure")
        assert "gate: FAILED, 1 regression" in (failure.get("message") or "")
        (size,) = (int(m.value) for m in images.measurements if m.metric == "image_bytes")
        assert done.process.returncode == pytest.ExitCode.TESTS_FAILED
        assert "1 passed" in done.output
        assert f"worse: image_bytes[mlp1-digits-int8-host] {size - 1:,} -> {size:,} bytes: +0.0" in done.output
        assert "suites/test_footprint.py::test_image[mlp1-digits-int8-host]" in done.output
        assert done.process.stdout.splitlines()[-1] == f"gate: FAILED, 1 regression against {baseline}"

    def test_a_test_that_is_gone_fails_a_whole_run_and_no_part(
        self, images: RunFile, measure: Callable[..., Done], tmp_path: Path, arguments: list[str]
    ) -> None:
        gone = replace(images.measurements[0], metric="image_blocks", test=f"suites/test_blocks.py::test_blocks[{PLACE}]")
        baseline = write(tmp_path / "before.jsonl", replace(images, measurements=(*images.measurements, gone)))

        whole = measure("--device", "host", "--compare", baseline, *arguments)
        part = measure("--device", "host", "-k", IMAGE, "--compare", baseline, *arguments)

        assert whole.process.returncode == pytest.ExitCode.TESTS_FAILED
        assert f"missing: image_blocks[{PLACE}]" in whole.output
        assert "its test is no longer there" in whole.output
        assert whole.process.stdout.splitlines()[-1] == f"gate: FAILED, 1 regression against {baseline}"
        assert part.process.returncode == 0, part.output
        assert "left out: 1 value of the earlier run" in part.output

    def test_with_compare_all_a_part_fails_however_it_was_chosen(
        self, images: RunFile, measure: Callable[..., Done], tmp_path: Path, arguments: list[str]
    ) -> None:
        gone = replace(images.measurements[0], metric="image_blocks", test=f"suites/test_blocks.py::test_blocks[{PLACE}]")
        baseline = write(tmp_path / "before.jsonl", replace(images, measurements=(*images.measurements, gone)))
        options = ("--device", "host", "--compare", baseline, "--compare-all", *arguments)

        done = measure(*options, environment={"PYTEST_ADDOPTS": f"-k '{IMAGE}'"})

        assert done.process.returncode == pytest.ExitCode.TESTS_FAILED
        assert f"missing: image_blocks[{PLACE}] " in done.output
        assert "its test did not run" in done.output
        assert done.process.stdout.splitlines()[-1] == f"gate: FAILED, 1 regression against {baseline}"

    def test_what_was_taken_out_of_the_matrix_fails(
        self, images: RunFile, measure: Callable[..., Done], tmp_path: Path, arguments: list[str]
    ) -> None:
        gone = replace(images.measurements[0], architecture="mlp3", test="suites/test_footprint.py::test_image[mlp3]")
        baseline = write(tmp_path / "before.jsonl", replace(images, measurements=(*images.measurements, gone)))

        done = measure("--device", "host", "--compare", baseline, *arguments)

        assert done.process.returncode == pytest.ExitCode.TESTS_FAILED
        assert "no longer in the matrix: architecture mlp3" in done.output


STOP_AT_PARITY = """
import pytest

def pytest_runtest_setup(item):
    if "test_parity" in item.name:
        raise KeyboardInterrupt
"""
SKIP_DEVICES = """
import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        if "host" in item.name:
            item.add_marker(pytest.mark.skip(reason="never mind"))
"""
DESELECT = """
def pytest_collection_modifyitems(config, items):
    config.hook.pytest_deselected(items=items[1:])
    del items[1:]
"""


@pytest.mark.slow
class TestHeader:
    """What the first line of a run's file says it was asked for."""

    def header(self, folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> Run:
        fixed = ("--matrix", MATRIX, "--results", folder, "-p", "no:cacheprovider")
        done = run("pytest", *arguments, *fixed, environment=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        (path,) = folder.glob("*.jsonl")
        return run_file.read(path).run

    @pytest.mark.parametrize("where", ["suites/test_search.py", "suites/test_search.py::test_nesting"])
    def test_a_part_that_is_named(self, models: None, tmp_path: Path, where: str) -> None:
        header = self.header(tmp_path, f"reds/../{where}")

        assert header.whole == (where,)
        assert header.tests == (1 if "::" in where else 2)
        assert set(header.asked or ()) == {"mlp1", "digits", "float32", "int8", "host", "100", "50"}

    @pytest.mark.parametrize(
        "options",
        [
            ("-k", "nesting"),
            ("-m", "not slow"),
            ("--deselect", "suites/test_search.py::test_search"),
            ("--ignore", "suites/test_parity.py"),
            ("-k", "nesting", "-n", "1"),
        ],
        ids=" ".join,
    )
    def test_tests_that_are_chosen(self, models: None, tmp_path: Path, options: tuple[str, ...]) -> None:
        assert self.header(tmp_path, "suites/test_search.py", *options).whole == ()

    @pytest.mark.parametrize("workers", [(), ("-n", "1"), ("-n", "2")], ids=" ".join)
    def test_tests_that_a_plugin_chooses(self, models: None, tmp_path: Path, workers: tuple[str, ...]) -> None:
        environment = write_plugin(tmp_path, DESELECT)

        header = self.header(tmp_path, "suites/test_search.py", "-p", "extra", *workers, environment=environment)

        assert (header.whole, header.tests) == ((), 1)

    @pytest.mark.parametrize(
        ("options", "narrowed"), [((), ()), (("--device", "host"), ("device",)), (("--device-kind", "host"), ("device",))]
    )
    def test_axes_whose_names_the_command_line_gives(
        self, models: None, tmp_path: Path, options: tuple[str, ...], narrowed: tuple[str, ...]
    ) -> None:
        assert self.header(tmp_path, "suites/test_search.py", *options).narrowed == narrowed


class TestOnePart:
    """What the run was not asked for."""

    pytestmark = measures

    def test_what_was_not_asked_for_is_not_missing(self, images: RunFile, measure: Callable[..., Done], tmp_path: Path) -> None:
        elsewhere = [replace(m, device="pico-emu", test=m.test.replace("host", "pico-emu")) for m in images.measurements]
        baseline = write(tmp_path / "before.jsonl", replace(images, measurements=(*images.measurements, *elsewhere)))

        done = measure("--device", "host", "-k", IMAGE, "--compare", baseline)

        assert done.process.returncode == 0, done.output
        assert f"left out: {len(elsewhere)} values of the earlier run, not asked for or not available in this one" in done.output

    def test_gate_page_and_summary_agree(self, images: RunFile, measure: Callable[..., Done], tmp_path: Path) -> None:
        elsewhere = [replace(m, device="pico-emu", test=m.test.replace("host", "pico-emu")) for m in images.measurements]
        before = replace(images, measurements=(*images.measurements, *elsewhere))
        baseline = write(tmp_path / "before.jsonl", before, larger_image)
        page, summary = tmp_path / "page.html", tmp_path / "summary.md"

        done = measure("--device", "host", "-k", IMAGE, "--compare", baseline, "--report", str(page), "--summary", str(summary))

        assert (
            done.output.index("= REDS Bench =")
            < done.output.index("= compared with")
            < done.output.index("\ngate: FAILED, 1 regression against")
        )
        assert f"report: {page} (" in done.output
        text = Page(page.read_text()).text
        table = measurements(page.read_text())
        assert {row["verdict"] for row in table} == {"same", "worse"}
        assert {row["device"] for row in table} == {"host"}
        assert "1 regression: worse: image_bytes[mlp1-digits-int8-host]" in " ".join(text.split())
        assert f"{len(elsewhere)} values of that run are left out" in " ".join(text.split())
        assert "pico-emu" not in text
        assert "**1 regression** against" in summary.read_text()
        assert "missing" not in summary.read_text()

    def test_a_run_that_is_stopped_does_not_pass(self, images: RunFile, measure: Callable[..., Done], tmp_path: Path) -> None:
        baseline = write(tmp_path / "before.jsonl", images)

        done = measure(
            "--device", "host", "-k", "int8 and (test_image or test_parity)", "--compare", baseline, plugin=STOP_AT_PARITY
        )

        assert done.process.returncode == pytest.ExitCode.INTERRUPTED
        last = done.process.stdout.rstrip().splitlines()[-1]
        assert last.startswith("gate: FAILED, no regression, cut short: ")
        assert last.endswith(f" tests did not run against {baseline}")

    def test_a_value_that_its_test_no_longer_gives_is_a_regression(
        self, images: RunFile, measure: Callable[..., Done], tmp_path: Path
    ) -> None:
        more = replace(images.measurements[0], metric="image_blocks")
        baseline = write(tmp_path / "before.jsonl", replace(images, measurements=(*images.measurements, more)))

        done = measure("--device", "host", "-k", IMAGE, "--compare", baseline)

        assert done.process.returncode == pytest.ExitCode.TESTS_FAILED
        assert "missing: image_blocks[mlp1-digits-int8-host]" in done.output

    def test_a_baseline_without_a_common_value_fails(self, images: RunFile, measure: Callable[..., Done], tmp_path: Path) -> None:
        baseline = write(tmp_path / "before.jsonl", images, lambda m: replace(m, architecture="mlp3"))

        done = measure("--device", "host", "-k", IMAGE, "--compare", baseline)

        assert done.process.returncode == pytest.ExitCode.TESTS_FAILED
        assert "have no value in common" in done.output

    def test_a_device_whose_tests_are_all_skipped_though_it_is_there_fails(
        self, measure: Callable[..., Done], tmp_path: Path
    ) -> None:
        chosen = ("--device", "host", "-k", f"({IMAGE}) or test_search")
        baseline = write(tmp_path / "before.jsonl", measure(*chosen).run)

        done = measure(*chosen, "--compare", baseline, plugin=SKIP_DEVICES)

        assert done.process.returncode == pytest.ExitCode.TESTS_FAILED
        assert "missing: image_bytes[mlp1-digits-int8-host]" in done.output
        assert {outcome.cause for outcome in done.run.outcomes if outcome.outcome == "skipped"} == {"own doing"}

    def test_another_compiler_asks_for_a_new_baseline(
        self, images: RunFile, measure: Callable[..., Done], tmp_path: Path
    ) -> None:
        other = replace(images, devices=tuple(replace(device, compiler="GCC 1") for device in images.devices))
        baseline = write(tmp_path / "before.jsonl", other, larger_image)

        done = measure("--device", "host", "-k", IMAGE, "--compare", baseline)

        assert done.process.returncode == 0, done.output
        assert "needs a new baseline: compiler GCC 1 -> " in done.output


def test_compare_all_of_nothing_is_a_usage_error(tmp_path: Path) -> None:
    done = run_pytest("--matrix", MATRIX, "--results", tmp_path / "results", "--compare-all")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "give --compare NAME too" in done.stderr


def test_a_baseline_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    done = run_pytest("--matrix", MATRIX, "--results", tmp_path / "results", "--compare", tmp_path / "nowhere.jsonl")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "there is no file" in done.stderr
    assert not (tmp_path / "results").exists()


def test_a_file_of_another_kind_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text("hello\n")

    done = run_pytest("--matrix", MATRIX, "--results", tmp_path / "results", "--compare", path)

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "is not the file of a run" in done.stderr


@pytest.mark.slow
@pytest.mark.toolchain
@needs_gcc
def test_a_host_without_scipy_can_still_measure(measure: Callable[..., Done]) -> None:
    show = """
import sys

def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"scipy: {'scipy' in sys.modules}")
"""
    done = measure("--device", "host", "-k", IMAGE, plugin=show)

    assert "scipy: False" in done.output


@pytest.mark.parametrize("option", ["--collect-only", "--fixtures", "--setup-plan"])
def test_what_runs_no_test_is_not_judged(tmp_path: Path, option: str) -> None:
    place = {"PYTEST_ADDOPTS": option}
    done = run_pytest("--matrix", MATRIX, "--results", tmp_path, "--compare", "digits", "--compare-all", environment=place)

    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout
    assert f"{option} runs none" in done.stdout + done.stderr
