"""What pytest collects: ids, selection, order, skips, usage errors; and how little it takes."""

from pathlib import Path

import pytest

from harness import run_file
from tests.harness.running import MATRIX, collected, run, run_pytest, write_plugin

HEAVY = ("tensorflow", "keras", "sklearn", "pandas", "platformio", "SCons", "serial", "scipy", "altair", "sqlalchemy")


def collect(*arguments: str | Path) -> list[str]:
    done = run_pytest("--collect-only", "-q", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return collected(done.stdout)


@pytest.fixture(scope="module")
def ids() -> list[str]:
    return collect()


def test_ids_name_network_data_set_precision_device_and_subnetwork(ids: list[str]) -> None:
    assert "suites/test_latency.py::test_latency[mlp3-digits-int8-nano33ble-emu-50]" in ids
    assert "suites/test_switching.py::test_switching[mlp11-digits-float32-pico-emu]" in ids
    assert "suites/test_search.py::test_search[mlp1-digits]" in ids
    assert len(ids) == len(set(ids))


def test_each_test_runs_for_every_value_of_its_axis(ids: list[str]) -> None:
    placements = 3 * 1 * 2 * 3  # architectures, data sets, precisions, devices

    def count(test: str) -> int:
        return sum(f"::{test}[" in node_id for node_id in ids)

    assert count("test_latency") == count("test_profile") == count("test_accuracy") == count("test_parity") == 4 * placements
    assert count("test_switching") == count("test_image") == count("test_firmware") == placements
    assert count("test_search") == count("test_nesting") == 3


def test_selection_by_words_does_what_it_says(ids: list[str]) -> None:
    chosen = collect("-k", "nano33ble and mlp3")

    assert chosen == [node_id for node_id in ids if "nano33ble" in node_id and "mlp3" in node_id]
    assert chosen


def test_a_device_is_measured_in_one_go_and_given_each_model_once(ids: list[str]) -> None:
    places = [node_id.partition("[")[2].removesuffix("]").split("-digits-") for node_id in ids]
    on_device = [(model, rest) for model, rest in (place for place in places if len(place) == 2)]
    order = []
    for model, rest in on_device:
        precision, _, device = rest.partition("-")
        device = next(name for name in ("host", "nano33ble-emu", "pico-emu") if device.startswith(name))
        order.append((device, model, precision))
    changes = [place for i, place in enumerate(order) if i == 0 or place != order[i - 1]]

    assert len(changes) == len(set(changes)) == 18
    assert len(on_device) == len(ids) - 6
    assert all("test_search.py" in node_id for node_id in ids[:6])


def test_devices_may_be_chosen() -> None:
    ids = collect("--device", "pico-emu", "--device", "host")

    assert not any("nano33ble" in node_id for node_id in ids)
    assert any("-pico-emu-" in node_id for node_id in ids)
    assert any("-host-" in node_id for node_id in ids)


def test_collecting_imports_nothing_heavy_and_writes_nothing(tmp_path: Path) -> None:
    environment = write_plugin(
        tmp_path,
        "import sys\n"
        "def pytest_terminal_summary(terminalreporter):\n"
        f"    terminalreporter.write_line('heavy: ' + str(sorted(set({HEAVY!r}) & set(sys.modules))))\n",
    )
    results = tmp_path / "results"

    done = run_pytest("--collect-only", "-q", "-p", "extra", "--results", results, environment=environment)

    assert "heavy: []" in done.stdout
    assert not results.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--matrix", "digit"], "unknown matrix 'digit'\n  do: did you mean digits?"),
        (["--device", "nano33ble-emo"], "unknown device 'nano33ble-emo'\n  do: did you mean nano33ble-emu"),
        (["--require-device", "hots"], "unknown required device 'hots'\n  do: did you mean host"),
        (["--devices-file", "nowhere.toml"], "there is no file nowhere.toml"),
        (["--matrix", "digit", "-n", "2"], "unknown matrix 'digit'\n  do: did you mean digits?"),
    ],
)
def test_what_the_user_got_wrong_is_a_usage_error(arguments: list[str], message: str) -> None:
    done = run_pytest(*arguments)

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert message in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.fixture
def without_compilers(tmp_path: Path) -> dict[str, str]:
    """An environment in which no program is found."""
    return {"PATH": str(tmp_path)}


def test_an_absent_device_is_skipped_with_reason_and_remedy(tmp_path: Path, without_compilers: dict[str, str]) -> None:
    arguments = ("--matrix", MATRIX, "--results", tmp_path, "-k", "host")

    done = run_pytest(*arguments, environment=without_compilers)

    assert done.returncode == 0
    assert "host is not available: gcc is missing; apt-get install gcc" in done.stdout
    assert "24 skipped" in done.stdout
    assert "passed" not in done.stdout
    (path,) = tmp_path.glob("*.jsonl")
    outcomes = run_file.read(path).outcomes
    assert len(outcomes) == 24
    assert {(o.outcome, o.architecture, o.device) for o in outcomes} == {("skipped", "mlp1", "host")}
    assert all((o.reason or "").startswith("host is not available: gcc is missing; apt-get install gcc") for o in outcomes)
    assert {o.cause for o in outcomes} == {"absent"}


@pytest.mark.parametrize("required", ["host", "all"])
def test_an_absent_device_that_is_required_is_an_error(tmp_path: Path, without_compilers: dict[str, str], required: str) -> None:
    arguments = ("--matrix", MATRIX, "--results", tmp_path, "-k", "host and test_latency", "--require-device", required)

    done = run_pytest(*arguments, environment=without_compilers | {"REDS_BENCH_CACHE": str(tmp_path / "cache")})

    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "host is not available: gcc is missing" in done.stdout


def test_tests_that_measure_nothing_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "import pytest\n"
        "@pytest.fixture\n"
        "def model():\n"
        "    return 'mine'\n"
        "@pytest.mark.parametrize('placement', ['mlp1-digits'])\n"
        "def test_own(model, placement):\n"
        "    assert (model, placement) == ('mine', 'mlp1-digits')\n"
    )

    done = run("pytest", "-p", "harness.plugin", "-q", "--results", tmp_path / "results", tmp_path / "test_own.py")

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert not (tmp_path / "results").exists()


def test_a_results_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = run_pytest("--matrix", MATRIX, "--results", tmp_path / "file" / "runs", "--device", "host", "-k", "test_nesting")

    assert done.returncode != 0
    assert "INTERNALERROR" not in done.stdout + done.stderr
    assert "could not be written" in done.stdout + done.stderr
    assert str(tmp_path / "file") in done.stdout + done.stderr
