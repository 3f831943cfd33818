"""The gate on an emulated board: silent while nothing changes, and not past a single instruction."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import run_file
from harness.judging import Thresholds, Verdict, compare, tally
from tests.harness.running import LONGEST_S, MATRIX, ROOT, Done

DEVICE = "nano33ble-emu"
TOOLS = ("qemu-system-arm", "arm-none-eabi-gcc")
SELECTED = ("--device", DEVICE, "-k", "test_latency and int8")
ONE_MORE = ("void reds_invoke(const reds_network *network)\n{\n", '    __asm volatile("nop");\n')

pytestmark = [
    pytest.mark.slow,
    pytest.mark.toolchain,
    pytest.mark.skipif(any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {' and '.join(TOOLS)}"),
]


@pytest.fixture(scope="module")
def before(measure: Callable[..., Done]) -> Done:
    done = measure(*SELECTED)
    assert done.process.returncode == 0, done.output
    return done


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tree with one instruction more in every inference."""
    folder = tmp_path_factory.mktemp("changed")
    for name in ("targets", "reds", "harness", "suites"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    for name in ("conftest.py", "platformio.ini", "pyproject.toml"):
        shutil.copy2(ROOT / name, folder / name)
    source = folder / "targets" / "runtime" / "src" / "reds_network.c"
    head, nop = ONE_MORE
    assert source.read_text().count(head) == 1
    source.write_text(source.read_text().replace(head, head + nop))
    return folder


def test_repeated_runs_are_the_same(before: Done, measure: Callable[..., Done]) -> None:
    for _ in range(3):
        comparisons = compare(before.run, measure(*SELECTED).run, Thresholds())

        assert {c.verdict for c in comparisons} == {Verdict.SAME}
        assert tally(comparisons).compared == len(before.run.measurements) > 0


def test_a_single_added_instruction_fails_the_run(before: Done, changed: Path, tmp_path: Path) -> None:
    arguments = ["--matrix", str(MATRIX), "--results", str(tmp_path), *SELECTED, "--compare", before.run.source]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "suites", "-p", "no:cacheprovider", *arguments],
        cwd=changed,
        env={**os.environ, "PYTHONPATH": str(changed)},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    (path,) = tmp_path.glob("*.jsonl")
    comparisons = compare(before.run, run_file.read(path), Thresholds())

    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert f"{len(comparisons)} regressions" in done.stdout
    assert {(c.verdict, c.b - c.a) for c in comparisons if c.a is not None and c.b is not None} == {(Verdict.WORSE, 1)}
