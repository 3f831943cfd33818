"""The C runtime against the format's rules and the Python reference, on this computer."""

from __future__ import annotations

import ctypes
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.errors import ProtocolError
from reds.image import read_image, truncate, write_image
from reds.image.sections import seal
from tests.reds.breaking import BrokenRule
from tests.reds.broken_rules import BROKEN_RULES
from tests.reds.image_examples import PRECISIONS, images, make_image, small_image, some_inputs
from tests.targets.runtime import native, programs
from tests.targets.runtime.agreement import assert_agrees
from tests.targets.runtime.native import OpenNetwork, Status, opened

# The kernels of this computer, and those of the boards' cores with the instructions written in C.
VARIANTS = {
    "portable": (),
    "dsp": ("-DREDS_HAS_DSP=1",),
    "fpv4": ("-DREDS_HAS_FPV4=1",),
    "m0plus": ("-DREDS_HAS_M0PLUS_ASSEMBLY=1",),
    "vectorised": ("-O3",),
    "avx2": ("-mavx2", "-mfma"),
    "native": ("-march=native",),
}
NEED_AVX2 = ("avx2", "native")


@pytest.fixture(scope="session", params=VARIANTS)
def variant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    if request.param in NEED_AVX2 and not programs.processor_has_avx2():
        pytest.skip("needs a processor with AVX2")
    return native.build_library(tmp_path_factory.mktemp(request.param), *VARIANTS[request.param])


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return native.build_library(tmp_path_factory.mktemp("library"))


@pytest.mark.parametrize("precision", PRECISIONS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_networks_compute_what_the_reference_does(variant: ctypes.CDLL, precision: str, data: st.DataObject) -> None:
    written = write_image(data.draw(images(precision)))
    network, image = opened(variant, written)
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
def test_every_beginning_of_an_image_opens_the_levels_it_holds(library: ctypes.CDLL, precision: str) -> None:
    data = write_image(small_image(precision))
    ends = [len(truncate(data, level.name)) for level in read_image(data).levels]
    for length in range(len(data)):
        network = OpenNetwork(library, data[:length])
        held = sum(end <= length for end in ends)
        assert network.status == (Status.OK if held else Status.TRUNCATED), length
        if held:
            assert network.describe().level_count == held


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_truncated_image_computes_what_the_whole_one_does(library: ctypes.CDLL, precision: str) -> None:
    whole, image = opened(library, write_image(small_image(precision)))
    inputs = some_inputs(image, 2)
    for number, level in enumerate(image.levels):
        part, _ = opened(library, truncate(whole.original, level.name))
        assert part.describe().level_count == len(image.levels) - number
        for smaller in range(len(image.levels) - number):
            assert whole.select(number + smaller) == part.select(smaller) == Status.OK
            np.testing.assert_array_equal(part.infer(image, inputs), whole.infer(image, inputs))
        assert part.select(len(image.levels) - number) == Status.NO_SUCH_LEVEL
        assert part.untouched()


@pytest.mark.parametrize("precision", PRECISIONS)
@given(edits=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_both_readers_accept_the_same_images(library: ctypes.CDLL, precision: str, edits: list[tuple[int, int]]) -> None:
    data = bytearray(write_image(small_image(precision)))
    for position, value in edits:
        data[16 + position % (len(data) - 16)] = value
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
    assert (described.input_scale, described.input_zero_point) == (image.input_scale, image.input_zero_point)
    arenas = []
    for number, level in enumerate(image.levels):
        status, found = network.describe_level(number)
        assert status == Status.OK
        assert found.name.decode() == level.name
        assert found.macs == level.macs
        assert found.arena_bytes >= level.activation_bytes
        assert found.image_bytes == len(truncate(network.original, level.name))
        assert (found.output_scale, found.output_zero_point) == (level.output_scale, level.output_zero_point)
        arenas.append(found.arena_bytes)
    assert described.arena_bytes == max(arenas)
    assert network.describe_level(len(image.levels))[0] == Status.NO_SUCH_LEVEL


def level_arena(network: OpenNetwork, level: int) -> int:
    return network.describe_level(level)[1].arena_bytes


@pytest.mark.parametrize("precision", PRECISIONS)
def test_an_arena_one_byte_too_small_is_refused(library: ctypes.CDLL, precision: str) -> None:
    data = write_image(small_image(precision))
    network, image = OpenNetwork(library, data), read_image(data)
    inputs = some_inputs(image, 2)
    for level in range(len(image.levels)):
        assert network.bind(level_arena(network, level)) == Status.OK
        assert network.select(level) == Status.OK
        assert_agrees(image, level, inputs, network.infer(image, inputs))
        assert network.untouched()
        status = network.bind(level_arena(network, level) - 1)
        if status == Status.OK:  # a smaller level fits
            assert network.select(level) == Status.ARENA_TOO_SMALL
            network.infer(image, inputs)
            assert network.untouched()
        else:
            assert status == Status.ARENA_TOO_SMALL
            assert level == len(image.levels) - 1


def test_a_small_arena_holds_only_the_smaller_levels(library: ctypes.CDLL) -> None:
    data = write_image(make_image(5, "int8", [[8, 40, 4], [8, 20, 4], [8, 4, 4]]))
    network, image = OpenNetwork(library, data), read_image(data)
    assert network.bind(level_arena(network, 1)) == Status.OK
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
    refused = level_arena(network, 2) - missing_bytes
    assert network.bind(refused, off_by=off_by) == status
    assert (network.network.arena, network.network.level) == (None, None)
    assert network.bind(network.describe().arena_bytes) == Status.OK
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
    network, image = opened(library, write_image(make_image(4, "int8", [[9, 8, 3]])))
    inputs = some_inputs(image, 1)
    readings = iter([2**32 - 5, 10, 100, 107])
    network.put(inputs[0])
    assert network.profile(native.CLOCK(lambda: next(readings)), len(image.layers)) == [15, 7]
    assert_agrees(image, 0, inputs, network.get(image.output_elements, image.element_type)[None])


REAL_VALUES = st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=40)


@given(values=REAL_VALUES, scale=st.sampled_from([0.5, 0.037, 1.0, 11.3]))
@settings(max_examples=200, deadline=None)
def test_real_inputs_are_quantised_as_tensorflow_lite_does(variant: ctypes.CDLL, values: list[float], scale: float) -> None:
    made = replace(make_image(6, "int8", [[len(values), 2]]), input_scale=float(np.float32(scale)))
    network, image = opened(variant, write_image(made))
    real = np.array(values, np.float32)
    network.put_real(real)
    with np.errstate(over="ignore"):
        expected = image.quantise_inputs(real)
    np.testing.assert_array_equal(network.input(len(values), expected.dtype), expected)


def test_halves_are_rounded_away_from_zero(library: ctypes.CDLL) -> None:
    real = np.array([-2.5, -1.5, -0.5, -0.49999997, 0.49999997, 0.5, 1.5, 2.5, np.inf, -np.inf], np.float32)
    made = replace(make_image(6, "int8", [[len(real), 2]]), input_scale=1.0, input_zero_point=0)
    network, image = opened(library, write_image(made))
    network.put_real(real)
    assert network.input(len(real), image.element_type).tolist() == [-3, -2, -1, 0, 0, 1, 2, 3, 127, -128]


def test_real_inputs_of_a_float32_network_are_what_they_are(library: ctypes.CDLL) -> None:
    network, image = opened(library, write_image(small_image("float32")))
    inputs = some_inputs(image, 1)
    network.put_real(inputs[0])
    np.testing.assert_array_equal(network.input(image.input_elements, image.element_type), inputs[0])


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp((logits - logits.max()).astype(np.float64))
    return powers / powers.sum()


@pytest.mark.parametrize("precision", PRECISIONS)
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_probabilities_are_the_softmax_of_the_outputs(library: ctypes.CDLL, precision: str, seed: int, classes: int) -> None:
    network, image = opened(library, write_image(make_image(seed, precision, [[30, classes]])))
    network.put(some_inputs(image, 1, seed)[0])
    network.invoke()
    expected = softmax(image.dequantise_outputs(0, network.get(classes, image.element_type)))
    rounding = 1e-6 + classes * float(np.finfo(np.float32).eps) / 2  # of each exponential, and of each addition of their sum
    np.testing.assert_allclose(network.probabilities(classes), expected, rtol=rounding, atol=1e-37)


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
    command = [native.compiler(), "-std=c99", *programs.INCLUDES, str(source), "-o", str(program)]
    subprocess.run(command, check=True, timeout=60)
    output = subprocess.run([str(program)], check=True, capture_output=True, text=True, timeout=60).stdout
    assert output.splitlines() == expected


def test_statuses_are_the_headers(library: ctypes.CDLL) -> None:
    header = (programs.RUNTIME / "include" / "reds.h").read_text()
    body = re.search(r"REDS_OK = 0,(.*?)\} reds_status;", header, re.DOTALL)
    assert body is not None
    names = ["OK", *re.findall(r"^\s*REDS_(\w+),?", body[1], re.MULTILINE)]
    assert names == [status.name for status in Status]
    texts = [library.reds_status_text(status).decode() for status in Status]
    assert len(set(texts)) == len(texts)
    assert library.reds_status_text(99) == b"unknown status"
