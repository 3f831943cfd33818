"""The C runtime against the format's rules and the Python reference, on this computer."""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import reference
from reds.errors import ProtocolError
from reds.image import Image, read_image, write_image
from reds.image.writer import seal
from tests.reds.broken_rules import BROKEN_RULES, BrokenRule
from tests.reds.image_examples import PRECISIONS, images, make_image, small_image, some_inputs
from tests.targets.runtime import native
from tests.targets.runtime.native import OpenNetwork, Status, opened

# The kernels of this computer, and those of cores with DSP instructions with the instructions written in C.
VARIANTS = {"portable": (), "dsp": ("-DREDS_HAS_DSP=1",), "vectorised": ("-O3",)}


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ctypes.CDLL]:
    return {name: native.build_library(tmp_path_factory.mktemp(name), *options) for name, options in VARIANTS.items()}


@pytest.fixture(scope="session")
def library(libraries: dict[str, ctypes.CDLL]) -> ctypes.CDLL:
    return libraries["portable"]


def assert_agrees(image: Image, level: int, inputs: np.ndarray, outputs: np.ndarray) -> None:
    """int8: bit by bit; float32: 1e-5 of the largest output that the sums could make."""
    expected = reference.infer(image, level, inputs)
    if image.precision == "int8":
        np.testing.assert_array_equal(outputs, expected)
        return
    magnitude = np.abs(inputs).astype(np.float64)
    for layer, step in zip(image.layers, image.levels[level].steps, strict=True):
        rows = np.abs(layer.weights[: step.outputs, : step.inputs].astype(np.float64))
        magnitude = (magnitude @ rows.T) * np.abs(step.channels["scale"]) + np.abs(step.channels["bias"])
    assert (np.abs(outputs - expected) <= 1e-5 * magnitude).all()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("precision", PRECISIONS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_kernels_compute_what_the_reference_does(
    libraries: dict[str, ctypes.CDLL], precision: str, variant: str, data: st.DataObject
) -> None:
    written = write_image(data.draw(images(precision, largest=70)))
    network, image = opened(libraries[variant], written)
    inputs = some_inputs(image, 3, seed=data.draw(st.integers(0, 1000)))
    for level in data.draw(st.permutations(range(len(image.levels)))):
        assert network.select(level) == Status.OK
        assert_agrees(image, level, inputs, network.infer(image, inputs))
    assert network.untouched()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_large_layer(library: ctypes.CDLL, precision: str) -> None:
    network, image = opened(library, write_image(make_image(3, precision, [[4097, 33, 2]])))
    inputs = some_inputs(image, 2)
    assert_agrees(image, 0, inputs, network.infer(image, inputs))


@pytest.mark.parametrize("rule", BROKEN_RULES, ids=lambda rule: rule.name)
def test_every_broken_rule_is_refused_with_its_status(library: ctypes.CDLL, rule: BrokenRule) -> None:
    assert OpenNetwork(library, rule.data()).status == Status[rule.status]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_truncation_is_refused(library: ctypes.CDLL, precision: str) -> None:
    data = write_image(small_image(precision))
    assert {OpenNetwork(library, data[:length]).status for length in range(len(data))} == {Status.TRUNCATED}


@pytest.mark.parametrize("precision", PRECISIONS)
@given(edits=st.lists(st.tuples(st.integers(16, 10**6), st.integers(0, 255)), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_both_readers_accept_the_same_images(library: ctypes.CDLL, precision: str, edits: list[tuple[int, int]]) -> None:
    data = bytearray(write_image(small_image(precision)))
    tables = len(data) // 2
    for position, value in edits:
        data[16 + position % tables] = value
    edited = seal(bytes(data))
    try:
        read_image(edited)
        accepted = True
    except ProtocolError:
        accepted = False
    assert (OpenNetwork(library, edited).status == Status.OK) == accepted


@pytest.mark.parametrize("precision", PRECISIONS)
def test_descriptions_say_what_the_image_says(library: ctypes.CDLL, precision: str) -> None:
    network, image = opened(library, write_image(small_image(precision)))
    described = network.describe()
    assert described.precision == PRECISIONS.index(precision)
    assert (described.layer_count, described.level_count) == (len(image.layers), len(image.levels))
    assert (described.input_elements, described.output_elements) == (image.input_elements, image.output_elements)
    assert described.arena_bytes == image.arena_bytes
    assert (described.input_scale, described.input_zero_point) == (image.input_scale, image.input_zero_point)
    for number, level in enumerate(image.levels):
        status, found = network.describe_level(number)
        assert status == Status.OK
        assert found.name.decode() == level.name
        assert (found.macs, found.arena_bytes) == (level.macs, level.arena_bytes)
        assert (found.output_scale, found.output_zero_point) == (level.output_scale, level.output_zero_point)
    assert network.describe_level(len(image.levels))[0] == Status.NO_SUCH_LEVEL


def test_a_small_arena_holds_only_the_smaller_levels(library: ctypes.CDLL) -> None:
    data = write_image(make_image(5, "int8", [[8, 40, 4], [8, 20, 4], [8, 4, 4]]))
    network, image = OpenNetwork(library, data), read_image(data)
    assert network.bind(image.levels[1].arena_bytes) == Status.OK
    inputs = some_inputs(image, 2)
    assert_agrees(image, 1, inputs, network.infer(image, inputs))
    assert network.select(0) == Status.ARENA_TOO_SMALL
    assert_agrees(image, 1, inputs, network.infer(image, inputs))
    assert network.select(2) == Status.OK
    assert network.select(3) == Status.NO_SUCH_LEVEL
    assert network.untouched()


@pytest.mark.parametrize(
    ("missing_bytes", "off_by", "status"),
    [(4, 0, Status.ARENA_TOO_SMALL), (0, 4, Status.MISALIGNED)],
    ids=["small", "misaligned"],
)
def test_a_refused_arena_leaves_the_network_as_it_was(
    library: ctypes.CDLL, missing_bytes: int, off_by: int, status: Status
) -> None:
    data = write_image(make_image(5, "int8", [[8, 40, 4], [8, 20, 4], [8, 4, 4]]))
    network, image = OpenNetwork(library, data), read_image(data)
    refused = image.levels[2].arena_bytes - missing_bytes
    assert network.bind(refused, off_by=off_by) == status
    assert (network.network.arena, network.network.level) == (None, None)
    assert network.bind(image.arena_bytes) == Status.OK
    assert network.select(1) == Status.OK
    assert network.bind(refused, off_by=off_by) == status
    inputs = some_inputs(image, 2)
    assert_agrees(image, 1, inputs, network.infer(image, inputs))
    assert network.select(0) == Status.OK
    assert_agrees(image, 0, inputs, network.infer(image, inputs))
    assert network.untouched()


def test_an_image_off_its_boundary_is_refused(library: ctypes.CDLL) -> None:
    data = write_image(small_image("int8"))
    memory = native.aligned(len(data), off_by=2)
    memory[:] = np.frombuffer(data, np.uint8)
    network = native.Network()
    address = ctypes.c_void_p(memory.ctypes.data)
    assert library.reds_open(ctypes.byref(network), address, ctypes.c_size_t(len(data))) == Status.MISALIGNED


def test_networks_are_independent(library: ctypes.CDLL) -> None:
    first, first_image = opened(library, write_image(make_image(1, "int8", [[12, 9, 5], [12, 3, 5]])))
    second, second_image = opened(library, write_image(make_image(2, "float32", [[7, 20, 3]])))
    first_inputs, second_inputs = some_inputs(first_image, 1), some_inputs(second_image, 1)
    assert first.select(1) == Status.OK
    first.put(first_inputs[0])
    second.put(second_inputs[0])
    second.invoke()
    first.invoke()
    assert_agrees(first_image, 1, first_inputs, first.get(5, first_image.element_type)[None])
    assert_agrees(second_image, 0, second_inputs, second.get(3, second_image.element_type)[None])


def test_profiling_reads_the_clock_around_every_layer_and_computes_the_same(library: ctypes.CDLL) -> None:
    network, image = opened(library, write_image(small_image("int8")))
    inputs = some_inputs(image, 1)
    readings = iter([2**32 - 5, 10, 100, 107])
    network.put(inputs[0])
    assert network.profile(native.CLOCK(lambda: next(readings)), len(image.layers)) == [15, 7]
    assert_agrees(image, 0, inputs, network.get(image.output_elements, image.element_type)[None])


def test_records_are_the_same_in_c_and_python(tmp_path: Path) -> None:
    names = (
        "reds_header_record",
        "reds_layer_record",
        "reds_level_record",
        "reds_step_record",
        "reds_float32_channel_record",
        "reds_int8_channel_record",
    )
    lines, expected = [], []
    for name in names:
        dtype = native.structure_of(name)
        lines.append(f'printf("{name} %zu\\n", sizeof(struct {name}));')
        expected.append(f"{name} {dtype.itemsize}")
        for field, (kind, offset, *_) in (dtype.fields or {}).items():
            member = f"((struct {name} *)0)->{field}"
            lines.append(f'printf("{field} %zu %zu\\n", offsetof(struct {name}, {field}), sizeof({member}));')
            expected.append(f"{field} {offset} {kind.itemsize}")
    source = tmp_path / "layout.c"
    source.write_text(
        '#include <stddef.h>\n#include <stdio.h>\n#include "reds_image.h"\nint main(void)\n{\n'
        + "\n".join(lines)
        + "\nreturn 0;\n}\n"
    )
    program = tmp_path / "layout"
    include = f"-I{native.RUNTIME / 'src'}"
    subprocess.run([native.compiler(), "-std=c99", include, str(source), "-o", str(program)], check=True, timeout=60)
    output = subprocess.run([str(program)], check=True, capture_output=True, text=True, timeout=60).stdout
    assert output.splitlines() == expected


def test_statuses_are_the_headers(library: ctypes.CDLL) -> None:
    header = (native.RUNTIME / "include" / "reds.h").read_text()
    body = re.search(r"REDS_OK = 0,(.*?)\} reds_status;", header, re.DOTALL)
    assert body is not None
    names = ["OK", *re.findall(r"^\s*REDS_(\w+),?", body[1], re.MULTILINE)]
    assert names == [status.name for status in Status]
    texts = [library.reds_status_text(status).decode() for status in Status]
    assert len(set(texts)) == len(texts)
    assert library.reds_status_text(99) == b"unknown status"
