"""Networks of every kind of layer with random numbers in every array, and with subnetworks that have vectors of their own."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.layers import (
    AveragePooling2D,
    BatchNorm,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    LeakyReLU,
    MaxPooling2D,
    ReLU,
    ReLU6,
    Shape,
    Weight,
)
from reds.layers.windows import Padding
from reds.subnets import Subnet, Subnets, halving
from reds.zoo import halved_groups

FRACTIONS = (1, 0.75, 0.5, 0.25)


def random_vector(name: str, size: Shape, generator: np.random.Generator) -> np.ndarray:
    """A bias, or one of batch norm's vectors; a third of the gammas are negative, variances are positive."""
    if name.endswith("/moving_variance"):
        vector = generator.uniform(0.3, 2.0, size)
    elif name.endswith("/gamma"):
        vector = generator.uniform(0.6, 1.8, size) * np.where(generator.random(size) < 1 / 3, -1, 1)
    else:
        vector = generator.normal(0, 0.2, size)
    return vector.astype(np.float32)


def random_kernel(weight: Weight, network: Architecture, generator: np.random.Generator) -> np.ndarray:
    """A kernel that keeps the spread of what it multiplies (He et al., arXiv:1502.01852), also where it is depthwise."""
    shape = weight.shape(network.full_widths)
    products = np.prod(shape[:-1]) if shape[-1] > 1 or len(shape) == 2 else np.prod(shape[:2])
    return generator.normal(0, np.sqrt(2 / products), shape).astype(np.float32)


def random_bundle(network: Architecture, seed: int, subnets: Subnets | None = None) -> Bundle:
    """Random weights; every other subnetwork has biases and batch norm of its own. Four subnetworks if none are given."""
    generator = np.random.default_rng(seed)
    subnets = subnets or halving(network, FRACTIONS, halved_groups(network))
    vectors = [name for name, weight in network.weights.items() if weight.is_vector]
    weights = {
        name: random_vector(name, weight.shape(network.full_widths), generator)
        if weight.is_vector
        else random_kernel(weight, network, generator)
        for name, weight in network.weights.items()
    }
    private = {
        subnet.name: {name: random_vector(name, network.weights[name].shape(subnet.widths), generator) for name in vectors}
        for subnet in subnets.items[1::2]
    }
    return Bundle(network, weights, subnets, private=private)


def random_inputs(network: Architecture, count: int, seed: int = 0) -> np.ndarray:
    """Inputs (count, elements), float32."""
    return np.random.default_rng(seed).normal(size=(count, int(np.prod(network.input_shape)))).astype(np.float32)


@st.composite
def _paddings(draw: st.DrawFn, kernel: tuple[int, int]) -> Padding:
    sides = tuple((draw(st.integers(0, size - 1)), draw(st.integers(0, size - 1))) for size in kernel)
    return draw(st.sampled_from(["valid", "same", (sides[0], sides[1])]))


@st.composite
def _activated(draw: st.DrawFn, name: str, norm: bool) -> list[Layer]:
    """Batch norm and an activation, or one of them, or neither."""
    activations = [None, ReLU(f"{name}_activation"), ReLU6(f"{name}_activation"), LeakyReLU(f"{name}_activation", 0.3)]
    activation = draw(st.sampled_from(activations))
    norms: list[Layer] = [BatchNorm(f"{name}_norm")] if norm and draw(st.booleans()) else []
    return norms + ([activation] if activation else [])


@st.composite
def convolutional(draw: st.DrawFn, explicit_padding: bool = True) -> Architecture:
    """One to four convolutions, depthwise convolutions and poolings on a small map, then a dense layer."""
    input_shape = (draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.integers(1, 5)))
    shape = input_shape
    layers: list[Layer] = []
    for i in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["conv", "conv", "depthwise", "average", "max"]))
        height, width = shape[:2]
        kernel = (draw(st.integers(1, min(height, 4))), draw(st.integers(1, min(width, 4))))
        strides = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
        pooling_padding = draw(st.sampled_from(["valid", "same"]))
        padding = draw(_paddings(kernel)) if explicit_padding else pooling_padding
        units = draw(st.integers(1, 9))
        layer = {
            "conv": Conv2D(f"layer{i}", units, kernel, strides, padding, draw(st.booleans())),
            "depthwise": DepthwiseConv2D(f"layer{i}", kernel, (strides[0], strides[0]), padding, draw(st.booleans())),
            "average": AveragePooling2D(f"layer{i}", kernel, strides, pooling_padding),
            "max": MaxPooling2D(f"layer{i}", kernel, strides, pooling_padding),
        }[kind]
        layers.append(layer)
        if kind in ("conv", "depthwise"):
            layers += draw(_activated(f"layer{i}", norm=True))
        output = layer.output_shape(shape, units if kind == "conv" else shape[2])
        shape = (output[0], output[1], output[2])
    layers.append(draw(st.sampled_from([Flatten("flatten"), GlobalAveragePooling2D("pool")])))
    if draw(st.booleans()):
        layers += [Dense("hidden", draw(st.integers(1, 9))), *draw(_activated("hidden", norm=True))]
    return Architecture("random", input_shape, (*layers, Dense("classes", draw(st.integers(1, 6)))))


@st.composite
def nested(draw: st.DrawFn, network: Architecture) -> Subnets:
    """One to four subnetworks of any widths."""
    widths = [network.full_widths]
    for _ in range(draw(st.integers(0, 3))):
        inner = [
            size if group.whole else draw(st.integers(1, size)) for group, size in zip(network.groups, widths[-1], strict=True)
        ]
        widths.append(tuple(inner))
    return Subnets(tuple(Subnet(str(100 - i), each) for i, each in enumerate(widths)))
