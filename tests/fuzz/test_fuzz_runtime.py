"""No image, whatever its bytes, makes the C runtime read or write where it should not: 100,000 mutants under the sanitizers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reds.image import write_image
from tests.reds.image_examples import make_image
from tests.targets.runtime import native

MUTANTS = 100_000
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
# Input, layers and classes of every level; widths around the kernels' blocks of rows and words.
NETWORKS = ([[5, 3]], [[6, 9, 3], [6, 5, 3]], [[16, 13, 8, 4], [16, 12, 7, 4], [16, 1, 1, 4]], [[1, 2, 1]])


@pytest.fixture(scope="module")
def base_images(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("images")
    paths = []
    for seed, widths in enumerate(NETWORKS):
        for precision in ("float32", "int8"):
            path = folder / f"{seed}-{precision}.reds"
            path.write_bytes(write_image(make_image(seed, precision, widths)))
            paths.append(str(path))
    return paths


def build(folder: Path, *options: str) -> Path:
    """The fuzzer under the sanitizers; the test is skipped where the compiler lacks them."""
    program = folder / "fuzz_runtime"
    probe = folder / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    compiler = native.compiler()
    command = [compiler, "-std=c99", "-g", "-O1", *SANITIZERS, *options]
    probed = subprocess.run([*command, str(probe), "-o", str(program)], check=False, capture_output=True, text=True, timeout=60)
    if probed.returncode:
        pytest.skip(f"{compiler} has no sanitizers: {probed.stderr.strip().splitlines()[-1]}")
    includes = [f"-I{native.RUNTIME / folder}" for folder in ("include", "src")]
    sources = [str(Path(__file__).with_name("fuzz_runtime.c")), *map(str, native.SOURCES)]
    subprocess.run([*command, *includes, *sources, "-o", str(program)], check=True, timeout=300)
    return program


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "options"), [(1, ()), (2, ("-DREDS_HAS_DSP=1",))], ids=["portable", "dsp"])
def test_no_mutant_breaks_the_runtime(tmp_path: Path, base_images: list[str], seed: int, options: tuple[str, ...]) -> None:
    program = build(tmp_path, *options)
    # Without the stack of every allocation the run takes half the time.
    environment = {**os.environ, "ASAN_OPTIONS": "malloc_context_size=2:quarantine_size_mb=16"}
    command = [str(program), str(seed), str(MUTANTS), *base_images]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600, env=environment)
    assert run.returncode == 0, run.stderr
    counts = [int(line.split()[0]) for line in run.stdout.splitlines()]
    seen = dict(zip([status.name for status in native.Status], counts, strict=True))
    print(seen)  # shown by -s, and where the test fails
    opened = sum(counts) - seen["ARENA_TOO_SMALL"] - seen["NO_SUCH_LEVEL"] - seen["MISALIGNED"]
    assert opened == MUTANTS
    assert seen["OK"] > MUTANTS // 20, "most mutants fall at the first checks: the kernels are hardly reached"
    assert opened - seen["OK"] > MUTANTS // 4, "few mutants are refused: the validator is hardly tried"
    assert all(count > 50 for count in counts), seen
