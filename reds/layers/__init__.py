"""The kinds of layers as declarative records: what each says of its shapes, weights and multiply-adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from reds.errors import ConfigError, unknown_name
from reds.layers.base import Axis, Layer, Shape, Weight, Widths
from reds.layers.convolution import Conv2D, DepthwiseConv2D
from reds.layers.dense import Dense, Flatten
from reds.layers.elementwise import BatchNorm, LeakyReLU, ReLU, ReLU6
from reds.layers.pooling import AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D
from reds.layers.windows import Padding, Windows

__all__ = [
    "LAYER_KINDS",
    "AveragePooling2D",
    "Axis",
    "BatchNorm",
    "Conv2D",
    "Dense",
    "DepthwiseConv2D",
    "Flatten",
    "GlobalAveragePooling2D",
    "Layer",
    "LeakyReLU",
    "MaxPooling2D",
    "Padding",
    "ReLU",
    "ReLU6",
    "Shape",
    "Weight",
    "Widths",
    "Windows",
    "layer_from_dict",
]

LAYER_KINDS: Mapping[str, type[Any]] = {
    layer.kind: layer
    for layer in (
        Dense,
        Flatten,
        Conv2D,
        DepthwiseConv2D,
        AveragePooling2D,
        MaxPooling2D,
        GlobalAveragePooling2D,
        BatchNorm,
        ReLU,
        ReLU6,
        LeakyReLU,
    )
}


def layer_from_dict(data: Mapping[str, Any]) -> Layer:
    """The layer of a mapping that holds its kind and its fields; lists stand for tuples, as JSON has it.

    Raises:
        ConfigError: an unknown kind, or a key that the kind does not have.
        KeyError, TypeError: a key is missing, or a value of the wrong type.
    """
    kind = str(data["kind"])
    if kind not in LAYER_KINDS:
        raise unknown_name("layer kind", kind, LAYER_KINDS)
    known = {field.name for field in fields(LAYER_KINDS[kind])}
    extra = set(data) - known - {"kind"}
    if extra:
        raise unknown_name(f"key of a {kind} layer", sorted(extra)[0], known)
    try:
        return LAYER_KINDS[kind](**{key: _tuples(value) for key, value in data.items() if key != "kind"})
    except (TypeError, ValueError) as error:
        raise ConfigError(f"a {kind} layer is not well formed", seen=f"{error} in {dict(data)}") from error


def _tuples(value: Any) -> Any:
    """Lists, at any depth, as tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
