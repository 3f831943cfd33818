"""The kernels of the boards' cores, run by QEMU, against the Python reference."""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reds import reference
from reds.image import Image, write_image
from tests.reds.image_examples import PRECISIONS, make_image, some_inputs
from tests.targets.runtime import native

pytestmark = pytest.mark.toolchain

HERE = Path(__file__).parent
# The emulated machine is a Cortex-M4F, which also runs what is compiled for the smaller core.
CORES = {
    "cortex-m4f": ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=softfp"),
    "cortex-m4": ("-mcpu=cortex-m4",),
    "cortex-m0plus": ("-mcpu=cortex-m0plus",),
}
# Rows and columns around the blocks of the kernels: 4 and 6 rows, 4 and 8 columns.
INPUTS = (1, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 33, 64)
OUTPUTS = (1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 18)


def needs(tool: str) -> str:
    if shutil.which(tool) is None:
        pytest.skip(f"needs {tool} on PATH")
    return tool


@pytest.fixture(scope="session", params=CORES)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp(request.param) / "run_cases.elf"
    options = [*CORES[request.param], "-mthumb", "-O2", *native.WARNINGS, f"-I{native.RUNTIME / 'include'}"]
    sources = [str(HERE / "run_cases.c"), str(HERE / "cortex_m_vectors.c"), *map(str, native.SOURCES)]
    link = ["--specs=rdimon.specs", "-Wl,--section-start=.vectors=0", "-Wl,--no-warn-rwx-segments", "-o", str(output)]
    subprocess.run([needs("arm-none-eabi-gcc"), *options, *sources, *link], check=True, timeout=120)
    return output


def cases_of(image: Image, inputs: np.ndarray) -> list[tuple[Image, int, np.ndarray]]:
    return [(image, level, row[None]) for level in range(len(image.levels)) for row in inputs]


def run(program: Path, folder: Path, cases: list[tuple[Image, int, np.ndarray]]) -> list[np.ndarray]:
    """The outputs of the emulated core, one for each case."""
    written = b""
    for image, level, inputs in cases:
        data = write_image(image)
        output_bytes = image.output_elements * image.element_type.itemsize
        written += struct.pack("<4I", len(data), level, inputs.nbytes, output_bytes) + data + inputs.tobytes()
    (folder / "cases").write_bytes(written)
    semihosting = "enable=on,target=native,arg=run_cases,arg=cases,arg=outputs"
    command = [needs("qemu-system-arm"), "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none"]
    command += ["-semihosting-config", semihosting, "-kernel", str(program)]
    subprocess.run(command, check=True, timeout=120, cwd=folder, stdin=subprocess.DEVNULL)
    outputs = (folder / "outputs").read_bytes()
    found, position = [], 0
    for image, _, _ in cases:
        size = image.output_elements * image.element_type.itemsize
        found.append(np.frombuffer(outputs[position : position + size], image.element_type))
        position += size
    assert position == len(outputs)
    return found


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_shape_around_the_kernels_blocks(program: Path, tmp_path: Path, precision: str) -> None:
    cases = []
    for seed, (inputs, outputs) in enumerate((i, o) for i in INPUTS for o in OUTPUTS):
        image = make_image(seed, precision, [[inputs, outputs, 3], [inputs, (outputs + 1) // 2, 3]])
        cases += cases_of(image, some_inputs(image, 1, seed))
    for (image, level, inputs), found in zip(cases, run(program, tmp_path, cases), strict=True):
        expected = reference.infer(image, level, inputs)[0]
        if precision == "int8":
            np.testing.assert_array_equal(found, expected)
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)


def test_an_output_does_not_depend_on_how_many_outputs_are_active(program: Path, tmp_path: Path) -> None:
    """Bit by bit in float32: the order of additions is the same however rows are grouped."""
    whole = make_image(1, "float32", [[37, 23]])
    layer, level = whole.layers[0], whole.levels[0]

    def first(count: int) -> Image:
        cut = replace(level, steps=(replace(level.steps[0], channels=level.steps[0].channels[:count]),))
        rows = replace(layer, weights=layer.weights[:count])
        return replace(whole, output_elements=count, layers=(rows,), levels=(cut,))

    parts = [first(count) for count in range(1, 23)]
    inputs = some_inputs(whole, 1)
    largest, *smaller = run(program, tmp_path, [(whole, 0, inputs), *((part, 0, inputs) for part in parts)])
    for found in smaller:
        np.testing.assert_array_equal(found, largest[: len(found)])
