"""No image, whatever its bytes, makes the C runtime read or write where it should not: mutants under the sanitizers."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from reds.image import Image, Layout, write_image
from reds.image.layouts import ROWS, SHELLS, TRANSPOSED
from tests.reds.image_examples import PRECISIONS, SMALL_NETWORK, Example, Network, make_image, make_network_image
from tests.targets.runtime import native, programs


@dataclass(frozen=True)
class Variant:
    """Kernels to build, and how many mutants to run through them, those of `seed`."""

    name: str
    seed: int
    mutants: int
    options: tuple[str, ...] = ()
    needs_avx2: bool = False


VARIANTS = (
    Variant("portable", 1, 100_000),
    Variant("dsp", 2, 100_000, ("-DREDS_HAS_DSP=1",)),
    Variant("m0plus", 3, 100_000, ("-DREDS_HAS_M0PLUS_ASSEMBLY=1",)),
    Variant("fpv4", 4, 30_000, ("-DREDS_HAS_FPV4=1",)),
    Variant("avx2", 5, 30_000, ("-mavx2", "-mfma"), needs_avx2=True),
    Variant("native", 6, 30_000, ("-march=native",), needs_avx2=True),
)
# Input, layers and classes of every level; widths around the kernels' blocks of rows and words.
DENSE_NETWORKS = ([[5, 3]], [[16, 13, 8, 4], [16, 12, 7, 4], [16, 1, 1, 4]])
LAYOUTS = (ROWS, TRANSPOSED, Layout("panels", 6), SHELLS)


def separable_network(layout: Layout) -> Network:
    """Strides, padding and pointwise convolutions on few channels, all in one layout."""
    examples = (
        Example("convolution", 8, "relu", (4, 3), (2, 2), (1, 1), (4, 3), layout),
        Example("depthwise", 0, "relu", (3, 3), (1, 1), (1, 1), (4, 3)),
        Example("convolution", 8, "leaky_relu", (1, 1), (1, 1), (0, 0), (4, 3), layout),
        Example("average_pool", 0, "none", (4, 3), (1, 1), (0, 0), (1, 1)),
        Example("dense", 3, "none", layout=layout),
    )
    return Network((8, 6, 1), examples, ((8, 8, 3), (8, 4, 3), (3, 4, 3)))


def base_networks(precision: str) -> list[Image]:
    return [
        make_network_image(1, precision, SMALL_NETWORK),
        *(make_network_image(2, precision, separable_network(layout)) for layout in LAYOUTS),
        *(make_image(3, precision, widths) for widths in DENSE_NETWORKS),
    ]


@pytest.fixture(scope="module")
def base_images(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("images")
    images = [image for precision in PRECISIONS for image in base_networks(precision)]
    paths = [folder / f"{number}-{image.precision}.reds" for number, image in enumerate(images)]
    for path, image in zip(paths, images, strict=True):
        path.write_bytes(write_image(image))
    return list(map(str, paths))


def build(folder: Path, *options: str) -> Path:
    """The fuzzer under the sanitizers; the test is skipped where the compiler lacks them."""
    program = folder / "fuzz_runtime"
    probe = folder / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    compiler = native.compiler()
    command = [compiler, "-std=c99", "-O1", *programs.SANITIZERS, *options]
    probed = subprocess.run([*command, str(probe), "-o", str(program)], check=False, capture_output=True, text=True, timeout=60)
    if probed.returncode:
        pytest.skip(f"{compiler} has no sanitizers: {probed.stderr.strip().splitlines()[-1]}")
    sources = [str(Path(__file__).with_name("fuzz_runtime.c")), *map(str, programs.runtime_sources())]
    subprocess.run([*command, *programs.INCLUDES, *sources, "-lm", "-o", str(program)], check=True, timeout=300)
    return program


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_no_mutant_breaks_the_runtime(tmp_path: Path, base_images: list[str], variant: Variant) -> None:
    if variant.needs_avx2 and not programs.processor_has_avx2():
        pytest.skip("needs a processor with AVX2")
    program = build(tmp_path, *variant.options)
    # Without the stack of every allocation the run takes half the time.
    environment = {**os.environ, "ASAN_OPTIONS": "malloc_context_size=2:quarantine_size_mb=16"}
    command = [str(program), str(variant.seed), str(variant.mutants), *base_images]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600, env=environment)
    assert run.returncode == 0, run.stderr
    *counts, levels = [int(line.split()[0]) for line in run.stdout.splitlines()]
    seen = dict(zip([status.name for status in native.Status], counts, strict=True))
    print(seen, levels, "levels")  # shown by -s, and where the test fails
    opened = sum(counts) - seen["ARENA_TOO_SMALL"] - seen["NO_SUCH_LEVEL"] - seen["MISALIGNED"]
    assert opened == variant.mutants
    assert seen["OK"] > variant.mutants // 10, "most mutants fall at the first checks: the kernels are hardly reached"
    assert levels > seen["OK"]
    assert opened - seen["OK"] > variant.mutants // 4, "few mutants are refused: the validator is hardly tried"
    assert all(count > 50 for count in counts), seen
