"""What `.tflite` files share: orders of kernels, prefixes, and bytes of whole files."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reds.image.operations import operations
from reds.litert.blocks import blocks, filled_up
from reds.litert.constants import ALIGNMENT, Constants
from reds.litert.export import ALONE, tflite
from reds.litert.kernels import Cuts, Kernel, in_shells, plain, slowest_last
from reds.litert.reading import read_signatures
from reds.litert.records import Listed, Span
from reds.litert.sharing import Part, bytes_by_users, parts
from reds.zoo import architecture
from tests.reds.litert_networks import aligned_bundle
from tests.reds.random_networks import random_bundle, random_inputs

pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install 'reds-bench[litert]'")


def densified(kernel: Kernel) -> np.ndarray:
    """The kernel in row-major order, as LiteRT's FormatConverter puts it there; NaN where nothing is stored."""
    if kernel.order is None:
        return kernel.stored.reshape(kernel.shape)
    rank, order = len(kernel.shape), kernel.order
    blocked = dict(zip(order.blocked, order.levels[rank:], strict=True))
    dense = np.full(kernel.shape, np.nan, np.float32)
    values = iter(kernel.stored.ravel().tolist())

    def put(level: int, above: int, indices: tuple[int, ...]) -> None:
        if level == len(order.levels):
            place = [0] * rank
            for axis, index in zip(order.traversal[:rank], indices, strict=False):
                place[axis] = index
            for axis, index in zip(order.blocked, indices[rank:], strict=True):
                place[axis] = place[axis] * blocked[axis] + index  # pyright: ignore[reportOperatorIssue] - blocks are dense
            dense[tuple(place)] = next(values)
            return
        of = order.levels[level]
        if isinstance(of, Listed):
            for at in range(of.segments[above], of.segments[above + 1]):
                put(level + 1, at, (*indices, of.indices[at]))
        else:
            for index in range(of):
                put(level + 1, above * of + index, (*indices, index))

    put(0, 0, ())
    assert next(values, None) is None
    return dense


@st.composite
def cuts(draw: st.DrawFn) -> Cuts:
    block = draw(st.integers(1, 4))
    counts = sorted(draw(st.lists(st.integers(1, 5), min_size=3, max_size=3)))
    return Cuts(tuple(block * count for count in counts), block)


@given(outputs=cuts(), inputs=cuts(), window=st.lists(st.integers(1, 3), max_size=2))
def test_shells_of_a_smaller_subnetwork_begin_those_of_a_larger_one(outputs: Cuts, inputs: Cuts, window: list[int]) -> None:
    whole = np.arange(outputs.channels[-1] * math.prod(window) * inputs.channels[-1], dtype=np.float32)
    whole = whole.reshape(outputs.channels[-1], *window, inputs.channels[-1])
    stored = []
    for level in range(1, 4):
        rows, columns = (Cuts(each.channels[:level], each.block) for each in (outputs, inputs))
        part = whole[: rows.channels[-1], ..., : columns.channels[-1]]
        kernel = in_shells(part, rows, columns)
        np.testing.assert_array_equal(densified(kernel), part)
        stored.append(kernel.stored.ravel().tolist())
    for smaller, larger in itertools.pairwise(stored):
        assert larger[: len(smaller)] == smaller


@pytest.mark.parametrize("shape", [(4, 6), (4, 2, 3, 6), (1, 3, 3, 5)])
def test_the_cut_axis_may_be_the_slowest(shape: tuple[int, ...]) -> None:
    whole = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    np.testing.assert_array_equal(densified(plain(whole)), whole)
    np.testing.assert_array_equal(densified(slowest_last(whole)), whole)
    part = slowest_last(whole[..., :2])
    np.testing.assert_array_equal(densified(part), whole[..., :2])
    assert slowest_last(whole).stored.ravel()[: part.stored.size].tolist() == part.stored.ravel().tolist()


def test_constants_are_found_again_from_their_beginning() -> None:
    constants = Constants()
    larger = constants.store(np.arange(10, dtype=np.float32))
    assert constants.store(np.arange(4, dtype=np.float32)) == Span(larger.start, 16)
    assert constants.store(np.arange(10, dtype=np.float32)) == larger
    other = constants.store(np.array([0, 2], np.float32))
    assert other.start >= larger.start + larger.size
    assert other.start % ALIGNMENT == 0
    assert len(constants.content()) == other.start + other.size
    assert constants.store(np.zeros(0, np.float32)).size == 0


def test_blocks_divide_the_whole_and_fit_what_is_aligned() -> None:
    odd, even = (aligned_bundle("ds_cnn_s", multiple) for multiple in (1, 4))
    network = odd.architecture
    stages = operations(network)
    exact = [subnet.widths for subnet in even.subnets]
    assert blocks(stages, exact, 4, ["relu"])[1:-1] == (4,) * 5
    found = blocks(stages, [subnet.widths for subnet in odd.subnets], 4, ["relu"])
    assert all(size % block == 0 for size, block in zip(network.full_widths, found, strict=True))
    assert (found[0], found[-1]) == (1, 1)
    assert max(found) > 1
    assert blocks(stages, [network.full_widths], 4, ["relu"]) == (1,) * 7
    assert (filled_up(45, 8), filled_up(48, 8)) == (48, 48)


# What smaller files hold beside numbers weighs more: tensors, operators and signatures take a few hundred bytes each.
SIZES = {"mlp1": 1.10, "mlp3": 1.16, "cnn8": 1.10}
MOST = 1.08


@pytest.mark.parametrize(
    "name",
    ["mlp1", "mlp3", "mlp11", "cnn8", "dnn_s", "cnn_s", "ds_cnn_s", "ds_cnn_m", "ds_cnn_s_cifar10", "mobilenet_v1_0.25_96"],
)
def test_four_subnetworks_take_hardly_more_than_the_largest(name: str) -> None:
    bundle = aligned_bundle(name, 4)
    alone = len(tflite(bundle, kernels=ALONE, subnets=[bundle.subnets[0]]))
    assert len(tflite(bundle)) <= SIZES.get(name, MOST) * alone


def test_kernels_stand_once() -> None:
    bundle = aligned_bundle("cnn_s", 4)
    network = bundle.architecture
    found = bytes_by_users(parts(read_signatures(tflite(bundle))))
    sizes = [sum(total for users, total in found.items() if subnet.name in users) for subnet in bundle.subnets]
    kernels = 4 * sum(math.prod(weight.shape(network.full_widths)) for weight in network.weights.values() if not weight.is_vector)
    assert kernels < sizes[0] < 1.01 * kernels
    used_by_one = sum(total for users, total in found.items() if users != ("100",) and len(users) == 1)
    assert used_by_one < 0.001 * kernels
    assert sizes == sorted(sizes, reverse=True)


def test_kernels_of_int8_stand_once_where_signs_agree() -> None:
    bundle = aligned_bundle("cnn_s", 4)
    network = bundle.architecture
    inputs = random_inputs(network, 8)
    found = bytes_by_users(parts(read_signatures(tflite(bundle, "int8", inputs))))
    kernels = sum(math.prod(weight.shape(network.full_widths)) for weight in network.weights.values() if not weight.is_vector)
    assert sum(found.values()) < 1.05 * kernels


def test_parts_are_split_where_users_change() -> None:
    bundle = random_bundle(architecture("mlp1"), 0)
    signatures = read_signatures(tflite(bundle))
    found = parts(signatures)
    assert all(part.start < part.stop for part in found)
    assert all(first.stop <= second.start for first, second in itertools.pairwise(found))
    covered = {byte for part in found for byte in range(part.start, part.stop)}
    assert covered == {b for each in signatures for s in each.spans() for b in range(s.start, s.start + s.size)}
    assert Part(0, 1, ("a",)) != Part(0, 1, ("b",))
