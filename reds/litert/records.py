"""What a `.tflite` file says, as records: graphs of operators over tensors, and constants that may share bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reds.layers import Shape

FLOAT32, INT8, INT32 = "float32", "int8", "int32"

ITEM_BYTES: Mapping[str, int] = {FLOAT32: 4, INT8: 1, INT32: 4}

Options = tuple[tuple[str, int | float | bool], ...]
"""Fields of an operator's options and their values, by the schema's names ("StrideH")."""


@dataclass(frozen=True)
class Span:
    """Bytes of the constants: `size` from `start` on. Spans may overlap."""

    start: int
    size: int


@dataclass(frozen=True)
class Scales:
    """What numbers of a tensor stand for: scale x (number - zero point), for all or for each index along `axis`."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0


@dataclass(frozen=True)
class Listed:
    """Indices along one level of a sparse tensor, `indices[segments[p]:segments[p + 1]]` for position p of the level above."""

    segments: tuple[int, ...]
    indices: tuple[int, ...]


@dataclass(frozen=True)
class Order:
    """In which order a sparse tensor's numbers are stored (`SparsityParameters`), which DENSIFY puts into row-major order.

    Attributes:
        traversal: axes from the slowest to the fastest; from the rank on, the axes within the blocks.
        blocked: axes that are split into blocks.
        levels: for each axis of `traversal` how many indices it has, from 0 on, or which ones.
    """

    traversal: tuple[int, ...]
    blocked: tuple[int, ...]
    levels: tuple[int | Listed, ...]


@dataclass(frozen=True)
class Tensor:
    """A tensor; without a span, an operator writes it or it is the graph's input. Without an order it is row-major."""

    shape: Shape
    element: str
    span: Span | None = None
    scales: Scales | None = None
    order: Order | None = None


@dataclass(frozen=True)
class Operator:
    """An operator: its code ("CONV_2D"), indices of tensors, and the fields of its options."""

    code: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_type: str
    options: Options = ()


@dataclass(frozen=True)
class Graph:
    """One signature: its key ("25"), tensors, and operators in the order in which they run.

    Attributes:
        source: index of the input tensor.
        result: index of the output tensor.
    """

    key: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    source: int
    result: int


@dataclass(frozen=True)
class Model:
    """A file: its graphs, and the bytes in which their constants lie."""

    graphs: tuple[Graph, ...]
    constants: bytes = field(repr=False)
