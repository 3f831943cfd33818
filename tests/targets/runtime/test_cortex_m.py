"""Whole networks on the boards' cores, run by QEMU, against the Python reference; test_kernels.py tries single layers."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from reds import reference
from reds.image import Image, truncate, write_image
from tests.reds.image_examples import PRECISIONS, SMALL_NETWORK, make_image, make_network_image, some_inputs
from tests.targets.runtime import programs
from tests.targets.runtime.agreement import assert_agrees

pytestmark = pytest.mark.toolchain

CORES = [name for name, core in programs.CORES.items() if core.emulated]


@dataclass(frozen=True)
class Case:
    """One inference: `inputs` (1, elements) of the image's type, or float32 where its ends are real numbers."""

    image: Image
    level: int
    inputs: np.ndarray
    real: bool = False

    @property
    def output_type(self) -> np.dtype:
        return np.dtype(np.float32) if self.real else self.image.element_type

    def encoded(self) -> bytes:
        """The case for run_cases.c, with the part of the image that the level needs; it is level 0 of that."""
        data = truncate(write_image(self.image), self.image.levels[self.level].name)
        output_bytes = self.image.output_elements * self.output_type.itemsize
        fields = struct.pack("<5I", len(data), 0, self.inputs.nbytes, output_bytes, self.real)
        return fields + data + self.inputs.tobytes()


@pytest.fixture(scope="session", params=CORES)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[programs.Core, Path]:
    core = programs.CORES[request.param]
    try:
        return core, programs.build(tmp_path_factory.mktemp(core.name) / "run_cases", core, [programs.HERE / "run_cases.c"])
    except programs.MissingToolError as missing:
        pytest.skip(str(missing))


def run(program: tuple[programs.Core, Path], folder: Path, cases: Sequence[Case]) -> list[np.ndarray]:
    """The outputs of the emulated core, one for each case."""
    core, binary = program
    (folder / "cases").write_bytes(b"".join(case.encoded() for case in cases))
    try:
        command = programs.command_of(binary, core, ["cases", "outputs"])
    except programs.MissingToolError as missing:
        pytest.skip(str(missing))
    subprocess.run(command, check=True, timeout=120, cwd=folder, stdin=subprocess.DEVNULL)
    outputs = (folder / "outputs").read_bytes()
    found, position = [], 0
    for case in cases:
        size = case.image.output_elements * case.output_type.itemsize
        found.append(np.frombuffer(outputs[position : position + size], case.output_type))
        position += size
    assert position == len(outputs)
    return found


@pytest.mark.parametrize("precision", PRECISIONS)
def test_networks_compute_what_the_reference_does(program: tuple[programs.Core, Path], tmp_path: Path, precision: str) -> None:
    cases = []
    for seed in range(6):
        image = make_network_image(seed, precision, SMALL_NETWORK)
        cases += [Case(image, level, some_inputs(image, 1, seed)) for level in range(len(image.levels))]
    for case, found in zip(cases, run(program, tmp_path, cases), strict=True):
        assert_agrees(case.image, case.level, case.inputs, found[None])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_real_numbers_at_both_ends(program: tuple[programs.Core, Path], tmp_path: Path, precision: str) -> None:
    """Inputs around every half, and far out of range; probabilities of outputs of any size."""
    made = make_image(3, precision, [[64, 12]])
    quantised = precision == "int8"
    image = replace(made, input_scale=0.25, input_zero_point=3) if quantised else made
    generator = np.random.default_rng(1)
    halves = (np.arange(64) - 32) * np.float32(0.125)
    inputs = [halves, np.nextafter(halves, np.float32(9)), np.nextafter(halves, np.float32(-9)), generator.normal(size=64) * 40]
    inputs += [np.repeat(np.array([1e30, -1e30], np.float32), 32)] if quantised else []
    cases = [Case(image, 0, values.astype(np.float32)[None], real=True) for values in inputs]
    # The exponential makes of a rounding error of a float32 logit what it likes; int8 logits have none.
    relative, absolute = (1e-6, 1e-30) if quantised else (0.0, 1e-3)
    for case, found in zip(cases, run(program, tmp_path, cases), strict=True):
        outputs = reference.infer(image, 0, image.quantise_inputs(case.inputs))
        logits = image.dequantise_outputs(0, outputs)[0]
        powers = np.exp((logits - logits.max()).astype(np.float64))
        np.testing.assert_allclose(found, powers / powers.sum(), rtol=relative, atol=absolute)
