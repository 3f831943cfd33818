"""The gate on emulated boards: silent while nothing changes, and not past a single instruction."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness import run_file
from harness.combinations import Model
from harness.judging import Thresholds, Verdict, compare, tally
from harness.matrix import load_matrix
from harness.networks import Networks
from targets.availability import check
from targets.inventory import Inventory
from tests.benchmarks.judging import EMULATED, RERUNS, repeated_figures
from tests.harness.running import MATRIX, ROOT, Done, copy_tree, run_pytest

DEVICES = Inventory.load(None).devices
SELECTED = ("-k", "test_latency and int8")
NODE_MODULES = Path("targets", "emulators", "rp2040js", "node_modules")
ONE_MORE = ("void reds_invoke(const reds_network *network)\n{\n", '    __asm volatile("nop");\n')

pytestmark = [pytest.mark.slow, pytest.mark.toolchain]


@pytest.fixture(scope="module", params=EMULATED)
def device(request: pytest.FixtureRequest) -> str:
    availability = check(DEVICES[request.param])
    if not availability.available:
        pytest.skip(f"{request.param}: {availability.reason}")
    return request.param


@pytest.fixture(scope="module")
def before(measure: Callable[..., Done], device: str) -> Done:
    done = measure("--device", device, *SELECTED)
    assert done.process.returncode == 0, done.output
    return done


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tree with one instruction more in every inference."""
    folder = tmp_path_factory.mktemp("changed")
    copy_tree(folder, ("targets", "reds", "harness", "suites", "conftest.py", "platformio.ini", "pyproject.toml"))
    if (ROOT / NODE_MODULES).exists():
        (folder / NODE_MODULES).symlink_to(ROOT / NODE_MODULES)
    source = folder / "targets" / "runtime" / "src" / "reds_network.c"
    head, nop = ONE_MORE
    assert source.read_text().count(head) == 1
    source.write_text(source.read_text().replace(head, head + nop))
    return folder


def test_a_repeated_run_is_the_same(before: Done, measure: Callable[..., Done], device: str) -> None:
    comparisons = compare(before.run, measure("--device", device, *SELECTED).run, Thresholds())

    assert {c.verdict for c in comparisons} == {Verdict.SAME}
    assert tally(comparisons).compared == len(before.run.measurements) > 0


def test_fifty_repeated_measurements_are_the_same(models: None, device: str) -> None:
    deployment = Networks(load_matrix(str(MATRIX), DEVICES)).deployment(Model("mlp1", "digits"), "int8", DEVICES[device].layouts)

    figures = repeated_figures(DEVICES[device], deployment)

    assert figures == {"reruns": RERUNS, "values": RERUNS * len(deployment.network.bundle.subnets), "false_alarms": 0}


def test_a_single_added_instruction_fails_the_run(before: Done, changed: Path, tmp_path: Path, device: str) -> None:
    environment = {"PYTHONPATH": str(changed)}
    where = ("--matrix", MATRIX, "--results", tmp_path, "--device", device)

    done = run_pytest(*where, *SELECTED, "--compare", before.run.source, environment=environment, tree=changed)

    (path,) = tmp_path.glob("*.jsonl")
    comparisons = compare(before.run, run_file.read(path), Thresholds())

    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert f"{len(comparisons)} regressions" in done.stdout
    assert {(c.verdict, c.b - c.a) for c in comparisons if c.a is not None and c.b is not None} == {(Verdict.WORSE, 1)}
