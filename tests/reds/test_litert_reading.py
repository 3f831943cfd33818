"""Reading `.tflite` files: what is refused, and damaged ones."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.errors import ConfigError, MissingError, ProtocolError
from reds.litert import encoding, reading
from reds.litert.constants import Constants
from reds.litert.encoding import encode
from reds.litert.export import ALONE, tflite
from reds.litert.graphs import GraphBuilder
from reds.litert.reading import read_signatures
from reds.litert.records import Graph, Model, Operator, Span, Tensor
from reds.zoo import architecture
from tests.reds.foreign_files import SmallTflite
from tests.reds.random_networks import random_bundle

pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install 'reds-bench[litert]'")

CONTENT = tflite(random_bundle(architecture("mlp3"), 0))


def graph(key: str = "100", shape: tuple[int, ...] = (1, 4), *more: Tensor, span: Span | None = None) -> Graph:
    """One RELU-like operator; further tensors."""
    ends = (Tensor(shape, "float32"), Tensor(shape, "float32", span))
    return Graph(key, (*ends, *more), (Operator("LEAKY_RELU", 1, (0,), (1,), "LeakyReluOptions"),), 0, 1)


def test_a_file_is_read_back() -> None:
    signatures = read_signatures(CONTENT)
    assert [each.name for each in signatures] == ["100", "75", "50", "25"]
    for each in signatures:
        assert (each.input.shape, each.input.element, each.output.shape) == ((1, 64), "float32", (1, 10))
        assert [operator.code for operator in each.operators].count("FULLY_CONNECTED") == 3
        assert any(tensor.sparse for tensor in each.tensors)
    assert signatures[0].spans() != signatures[1].spans()


def test_spans_within_the_flatbuffer_are_found_too() -> None:
    """Files of other programs hold their constants there; they have no signatures, but buffers are read alike."""
    made = SmallTflite().content()
    with pytest.raises(ConfigError, match="has no signatures"):
        read_signatures(made)
    file = reading._File(made)
    tensors = [file._tensor(each) for each in file._graphs[0].tables(0)]
    assert any(tensor.span and made[tensor.span.start : tensor.span.start + tensor.span.size] for tensor in tensors)


@pytest.mark.parametrize(
    ("graphs", "words"),
    [
        ((graph("a"), graph("a")), "the same name twice"),
        ((graph("a"), graph("b", (1, 5))), r"input float32 \(1, 5\) of 'b'"),
        (tuple(graph(str(number)) for number in range(65)), "too many signatures"),
    ],
)
def test_signatures_that_are_no_subnetworks_are_refused(graphs: tuple[Graph, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_signatures(encode(Model(graphs, b"")))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (replace(graph(), source=9), "names a tensor that is not there"),
        (replace(graph(), operators=(Operator("RELU", 1, (7,), (1,), "LeakyReluOptions"),)), "7 of 2"),
        (graph("a", (1, 4), Tensor((1000,), "float32", Span(0, 4000))), "outside the file"),
        (graph("a", (1, 4), Tensor((3,), "float32", Span(0, 16))), "another size than its numbers"),
        (graph("a", (1,) * 65), "too long"),
    ],
)
def test_what_points_outside_is_refused(made: Graph, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        read_signatures(encode(Model((made,), bytes(64))))


def test_graphs_that_are_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_RECORDS", 5)
    with pytest.raises(ConfigError, match="too large"):
        read_signatures(CONTENT)


def test_several_inputs_are_refused() -> None:
    """As the encoder writes none, a file's vector of inputs is made to hold its only one twice."""
    content = bytearray(encode(Model((graph(),), b"")))
    model = reading.Table.root(bytes(content))
    start, _ = model.tables(7)[0].extent(0, 4)
    content[start - 4 : start] = (2).to_bytes(4, "little")
    with pytest.raises((ConfigError, ProtocolError), match=r"2 inputs|damaged"):
        read_signatures(bytes(content))


@given(at=st.integers(0, len(CONTENT) - 1), value=st.integers(0, 255), length=st.integers(8, len(CONTENT)))
@settings(max_examples=300, deadline=None)
def test_damaged_files_raise_what_they_should(at: int, value: int, length: int) -> None:
    damaged = bytearray(CONTENT)
    damaged[at] = value
    for content in (bytes(damaged), bytes(damaged[:length])):
        with suppress(ProtocolError, ConfigError):
            read_signatures(content)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x00" * 40, b"REDS" + bytes(60)])
def test_other_files_are_no_tflite_files(content: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"no \.tflite file"):
        read_signatures(content)


def test_without_litert_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"reds-bench\[litert\]"):
        tflite(random_bundle(architecture("mlp1"), 0), kernels=ALONE)


def test_large_numbers_take_wider_lists() -> None:
    assert [encoding._narrowest((0, top))[0] for top in (255, 256, 65536)] == ["Uint8Vector", "Uint16Vector", "Int32Vector"]
    builder = GraphBuilder("a", Constants())
    assert builder.shape(builder.tensor((1, 2), "float32")) == (1, 2)
