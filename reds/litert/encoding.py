"""From records to the bytes of a `.tflite` file (schema version 3), equal parts written once.

A file may refer to the bytes of a constant by their place instead of holding them within the flatbuffer (`Buffer.offset` and
`size`, in `tensorflow/compiler/mlir/lite/schema/schema.fbs`); nothing asks for places that do not overlap. Other records are
small, but a file has many: equal ones are written once as well, which a flatbuffer allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

from reds.errors import MissingError
from reds.litert.constants import ALIGNMENT
from reds.litert.records import Graph, Listed, Model, Operator, Order, Scales, Span, Tensor

IDENTIFIER = b"TFL3"
VERSION = 3
INPUT, OUTPUT = "input", "output"
"""Names of every signature's input and output."""

_UNPLACED = 1 << 40  # stands for the place of the constants until the size of what comes before is known
_LAST_OLD_CODE = 127


def schema() -> ModuleType:
    """The classes that LiteRT generates from its schema.

    Raises:
        MissingError: LiteRT is not installed.
    """
    if find_spec("ai_edge_litert") is None:
        raise MissingError(".tflite files need LiteRT", do="pip install 'reds-bench[litert]'")
    from ai_edge_litert import schema_py_generated  # noqa: PLC0415 - part of the extra `litert`

    return schema_py_generated


def encode(model: Model) -> bytes:
    """The file.

    Raises:
        MissingError: LiteRT, whose schema it follows, is not installed.
    """
    first = _Encoder(_UNPLACED).document(model)
    start = len(first) + -len(first) % ALIGNMENT
    document = _Encoder(start).document(model)
    assert len(document) == len(first), "the place of the constants is a number of fixed size"
    return document + bytes(start - len(document)) + model.constants


def _narrowest(numbers: tuple[int, ...]) -> tuple[str, str]:
    """The schema's table, and the type, of the smallest numbers that hold these."""
    largest = max(numbers, default=0)
    if largest <= np.iinfo(np.uint8).max:
        return "Uint8Vector", "<u1"
    return ("Uint16Vector", "<u2") if largest <= np.iinfo(np.uint16).max else ("Int32Vector", "<i4")


class _Encoder:
    """A flatbuffer in the making; what was written before is found again by what it says."""

    def __init__(self, constants_start: int) -> None:
        from flatbuffers import Builder  # noqa: PLC0415 - comes with LiteRT

        self._schema = schema()
        self._builder = Builder(1 << 16)
        self._written: dict[Any, int] = {}
        self._constants_start = constants_start
        self._spans: dict[Span, int] = {}
        self._codes: dict[tuple[str, int], int] = {}

    def document(self, model: Model) -> bytes:
        """The whole flatbuffer."""
        graphs = [self._graph(graph) for graph in model.graphs]
        signatures = [self._signature(number, graph) for number, graph in enumerate(model.graphs)]
        buffers = [self._table("Buffer"), *(self._buffer(span) for span in self._spans)]
        codes = [self._code(*code) for code in self._codes]
        root = self._table(
            "Model",
            Version=VERSION,
            Buffers=self._offsets(buffers),
            OperatorCodes=self._offsets(codes),
            SignatureDefs=self._offsets(signatures),
            Subgraphs=self._offsets(graphs),
        )
        self._builder.Finish(root, IDENTIFIER)
        return bytes(self._builder.Output())

    def _graph(self, graph: Graph) -> int:
        return self._table(
            "SubGraph",
            Tensors=self._offsets(self._tensor(tensor) for tensor in graph.tensors),
            Operators=self._offsets(self._operator(operator) for operator in graph.operators),
            Inputs=self._numbers((graph.source,), "<i4"),
            Outputs=self._numbers((graph.result,), "<i4"),
            Name=self._text(graph.key),
        )

    def _signature(self, number: int, graph: Graph) -> int:
        return self._table(
            "SignatureDef",
            Inputs=self._offsets([self._table("TensorMap", Name=self._text(INPUT), TensorIndex=graph.source)]),
            Outputs=self._offsets([self._table("TensorMap", Name=self._text(OUTPUT), TensorIndex=graph.result)]),
            SignatureKey=self._text(graph.key),
            SubgraphIndex=number,
        )

    def _tensor(self, tensor: Tensor) -> int:
        fields = {
            "Shape": self._numbers(tensor.shape, "<i4"),
            "Type": getattr(self._schema.TensorType, tensor.element.upper()),
        }
        if tensor.span:
            fields["Buffer"] = self._spans.setdefault(tensor.span, len(self._spans) + 1)
        if tensor.scales:
            fields["Quantization"] = self._scales(tensor.scales)
        if tensor.order:
            fields["Sparsity"] = self._order(tensor.order)
        return self._table("Tensor", **fields)

    def _scales(self, scales: Scales) -> int:
        return self._table(
            "QuantizationParameters",
            Scale=self._numbers(scales.scales, "<f4"),
            ZeroPoint=self._numbers(scales.zero_points, "<i8"),
            QuantizedDimension=scales.axis,
        )

    def _order(self, order: Order) -> int:
        return self._table(
            "SparsityParameters",
            TraversalOrder=self._numbers(order.traversal, "<i4"),
            BlockMap=self._numbers(order.blocked, "<i4"),
            DimMetadata=self._offsets(self._level(level) for level in order.levels),
        )

    def _level(self, level: int | Listed) -> int:
        if isinstance(level, int):
            return self._table("DimensionMetadata", Format=self._schema.DimensionType.DENSE, DenseSize=level)
        segments, indices = _narrowest(level.segments), _narrowest(level.indices)
        return self._table(
            "DimensionMetadata",
            Format=self._schema.DimensionType.SPARSE_CSR,
            ArraySegmentsType=getattr(self._schema.SparseIndexVector, segments[0]),
            ArraySegments=self._table(segments[0], Values=self._numbers(level.segments, segments[1])),
            ArrayIndicesType=getattr(self._schema.SparseIndexVector, indices[0]),
            ArrayIndices=self._table(indices[0], Values=self._numbers(level.indices, indices[1])),
        )

    def _buffer(self, span: Span) -> int:
        return self._table("Buffer", Offset=self._constants_start + span.start, Size=span.size)

    def _operator(self, operator: Operator) -> int:
        return self._table(
            "Operator",
            OpcodeIndex=self._codes.setdefault((operator.code, operator.version), len(self._codes)),
            Inputs=self._numbers(operator.inputs, "<i4"),
            Outputs=self._numbers(operator.outputs, "<i4"),
            BuiltinOptionsType=getattr(self._schema.BuiltinOptions, operator.options_type),
            BuiltinOptions=self._table(operator.options_type, **dict(operator.options)),
        )

    def _code(self, name: str, version: int) -> int:
        number = getattr(self._schema.BuiltinOperator, name)
        return self._table("OperatorCode", DeprecatedBuiltinCode=min(number, _LAST_OLD_CODE), BuiltinCode=number, Version=version)

    def _table(self, kind: str, **fields: float) -> int:
        """Where a table of the schema begins; fields are numbers, or where what they hold begins."""
        key = (kind, *fields.items())
        if key not in self._written:
            getattr(self._schema, f"{kind}Start")(self._builder)
            for name, value in fields.items():
                getattr(self._schema, f"{kind}Add{name}")(self._builder, value)
            self._written[key] = getattr(self._schema, f"{kind}End")(self._builder)
        return self._written[key]

    def _offsets(self, offsets: Iterable[int]) -> int:
        """A vector of tables."""
        key = tuple(offsets)
        if key not in self._written:
            self._builder.StartVector(4, len(key), 4)
            for offset in reversed(key):
                self._builder.PrependUOffsetTRelative(offset)
            self._written[key] = self._builder.EndVector()
        return self._written[key]

    def _numbers(self, values: tuple[float, ...], dtype: str) -> int:
        """A vector of numbers."""
        key = (dtype, values)
        if key not in self._written:
            self._written[key] = self._builder.CreateNumpyVector(np.array(values, dtype))
        return self._written[key]

    def _text(self, text: str) -> int:
        return self._builder.CreateSharedString(text)
