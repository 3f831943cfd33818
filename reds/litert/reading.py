"""What a `.tflite` file with a signature for each subnetwork holds; every access within the bytes that are there.

Field numbers are those of TensorFlow Lite's schema, version 3 (`tensorflow/compiler/mlir/lite/schema/schema.fbs`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from reds.errors import ConfigError, ProtocolError
from reds.importing.flatbuffer import Table
from reds.layers import Shape
from reds.litert.encoding import IDENTIFIER, schema
from reds.litert.records import ITEM_BYTES, Span

MOST_SIGNATURES = 64
MOST_RECORDS = 10_000
"""Tensors, or operators, of a graph. A file may refer to the same record many times, so that its size bounds neither."""
MOST_NUMBERS = 64
"""Of a tensor's axes, or of an operator's tensors."""

DO = "export one: python -m reds export BUNDLE --format tflite -o FILE"


@dataclass(frozen=True)
class StoredTensor:
    """A tensor: its shape and type ("float32"), the bytes that hold it, if any, and whether in an order of its own."""

    shape: Shape
    element: str
    span: Span | None
    sparse: bool


@dataclass(frozen=True)
class StoredOperator:
    """An operator: its code ("CONV_2D"), and indices of tensors, -1 where an optional one is left out."""

    code: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Signature:
    """A subnetwork: its name, tensors and operators, and the indices of its only input and output."""

    name: str
    tensors: tuple[StoredTensor, ...] = field(repr=False)
    operators: tuple[StoredOperator, ...] = field(repr=False)
    source: int
    result: int

    @property
    def input(self) -> StoredTensor:
        """The input."""
        return self.tensors[self.source]

    @property
    def output(self) -> StoredTensor:
        """The output."""
        return self.tensors[self.result]

    def spans(self) -> set[Span]:
        """The bytes of its constants."""
        return {tensor.span for tensor in self.tensors if tensor.span}


def is_tflite(content: bytes) -> bool:
    """Whether a file says that it is one."""
    return content[4:8] == IDENTIFIER


def read_signatures(content: bytes) -> tuple[Signature, ...]:
    """The subnetworks of a file, in its order.

    Raises:
        ProtocolError: the file is damaged.
        ConfigError: its signatures are not subnetworks: none or too many, several inputs or outputs, or not the same ones.
        MissingError: LiteRT, whose schema names operators and types, is not installed.
    """
    if not is_tflite(content):
        raise ProtocolError("this is no .tflite file", seen=repr(content[4:8]))
    return _subnetworks(_File(content).signatures())


def _subnetworks(signatures: Sequence[Signature]) -> tuple[Signature, ...]:
    what = "the signatures of this .tflite file are not subnetworks of one network"
    names = [each.name for each in signatures]
    if len(set(names)) < len(names):
        raise ConfigError(what, seen=f"the same name twice: {', '.join(names)}", do=DO)
    first = signatures[0]
    for each in signatures[1:]:
        for end, found, wanted in (("input", each.input, first.input), ("output", each.output, first.output)):
            if (found.shape, found.element) != (wanted.shape, wanted.element):
                seen = f"{end} {found.element} {found.shape} of {each.name!r}, {wanted.element} {wanted.shape} of {first.name!r}"
                raise ConfigError(what, seen=seen, do=DO)
    return tuple(signatures)


class _File:
    """The records of a file."""

    def __init__(self, content: bytes) -> None:
        self._model = Table.root(content)
        self._content = content
        self._graphs, self._codes, self._buffers = (self._model.tables(number) for number in (2, 1, 4))
        names = schema()
        self._operators, self._types = _names(names.BuiltinOperator), _names(names.TensorType)

    def signatures(self) -> list[Signature]:
        found = self._model.tables(7)
        if not found:
            do = "import it as one network: python -m reds import FILE --architecture NAME -o BUNDLE"
            raise ConfigError("this .tflite file has no signatures, so that it names no subnetworks", do=do)
        if len(found) > MOST_SIGNATURES:
            raise ConfigError("this .tflite file has too many signatures", seen=f"{len(found)}, at most {MOST_SIGNATURES}")
        return [self._signature(each) for each in found]

    def _signature(self, table: Table) -> Signature:
        name = _text(table, 2)
        graph = _picked(self._graphs, table.number(4, "<I"), f"signature {name!r} names a graph")
        tensors = tuple(self._tensor(each) for each in self._counted(graph, 0))
        operators = tuple(self._operator(each, len(tensors)) for each in self._counted(graph, 3))
        ends = [self._only(table, number, name, len(tensors)) for number in (0, 1)]
        return Signature(name, tensors, operators, *ends)

    def _counted(self, graph: Table, number: int) -> list[Table]:
        found = graph.tables(number)
        if len(found) > MOST_RECORDS:
            raise ConfigError("a graph of this .tflite file is too large", seen=f"{len(found)} records, at most {MOST_RECORDS}")
        return found

    def _only(self, table: Table, number: int, name: str, tensors: int) -> int:
        """The tensor of the only input (0) or output (1) of a signature."""
        maps = table.tables(number)
        if len(maps) != 1:
            end = ("inputs", "outputs")[number]
            raise ConfigError(f"signature {name!r} is no subnetwork: it has {len(maps)} {end}", do=DO)
        index = maps[0].number(1, "<I")
        if index >= tensors:
            raise ProtocolError(f"signature {name!r} names a tensor that is not there", seen=f"{index} of {tensors}")
        return index

    def _tensor(self, table: Table) -> StoredTensor:
        shape = _numbers(table, 0)
        element = self._types.get(table.number(1, "<b"), "unknown").lower()
        sparse = table.table(6) is not None
        span = self._span(table.number(2, "<I"))
        if span and not sparse and element in ITEM_BYTES and span.size != math.prod(shape) * ITEM_BYTES[element]:
            raise ProtocolError("a tensor has another size than its numbers", seen=f"{element} {shape} in {span.size} bytes")
        return StoredTensor(shape, element, span, sparse)

    def _span(self, index: int) -> Span | None:
        """Where a buffer lies: in the flatbuffer, or at a place in the file."""
        buffer = _picked(self._buffers, index, "a tensor names a buffer")
        start, size = buffer.number(1, "<Q"), buffer.number(2, "<Q")
        if start <= 1:  # as LiteRT tells the two apart
            start, size = buffer.extent(0, 1)
        if start + size > len(self._content):
            raise ProtocolError("a tensor lies outside the file", seen=f"{size} bytes at {start} of {len(self._content)}")
        return Span(start, size) if size else None

    def _operator(self, table: Table, tensors: int) -> StoredOperator:
        code = _picked(self._codes, table.number(0, "<I"), "an operator names a code")
        number = max(code.number(0, "<b"), code.number(3, "<i"))  # older files hold it in one byte only
        inputs, outputs = _numbers(table, 1), _numbers(table, 2)
        for index in (*inputs, *outputs):
            if not -1 <= index < tensors:
                raise ProtocolError("an operator names a tensor that is not there", seen=f"{index} of {tensors}")
        return StoredOperator(self._operators.get(number, f"code {number}"), inputs, outputs)


def _picked(tables: Sequence[Table], index: int, what: str) -> Table:
    if index >= len(tables):
        raise ProtocolError(f"{what} that is not there", seen=f"{index} of {len(tables)}")
    return tables[index]


def _numbers(table: Table, number: int) -> tuple[int, ...]:
    _, count = table.extent(number, 4)
    if count > MOST_NUMBERS:
        raise ProtocolError("a record of this .tflite file is too long", seen=f"{count} numbers, at most {MOST_NUMBERS}")
    return tuple(table.numbers(number, "<i4").tolist())


def _text(table: Table, number: int) -> str:
    try:
        return table.numbers(number, "<u1").tobytes().decode()
    except UnicodeDecodeError as error:
        raise ProtocolError("a name in this .tflite file is no text", seen=str(error)) from error


def _names(enumeration: type) -> dict[int, str]:
    """The names of a schema's enumeration by their numbers."""
    return {number: name for name, number in vars(enumeration).items() if isinstance(number, int)}
