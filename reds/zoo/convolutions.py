"""Plain convolutional networks: the keyword-spotting CNN, and the poster's for eight speech commands."""

from __future__ import annotations

from itertools import chain

from reds.architecture import Architecture
from reds.layers import BatchNorm, Conv2D, Dense, Flatten, MaxPooling2D, ReLU
from reds.zoo.perceptrons import KEYWORD_CLASSES

MFCC_MAP = (49, 10, 1)  # 49 frames of 10 coefficients, every 20 ms of one second


def cnn(name: str, filters: tuple[int, int], bottleneck: int) -> Architecture:
    """The keyword-spotting CNN of Zhang et al. (arXiv:1711.07128): two convolutions, a linear layer, a hidden layer of 128."""
    first, second = filters
    layers = (
        Conv2D("conv1", first, (10, 4)),
        BatchNorm("norm1"),
        ReLU("relu1"),
        Conv2D("conv2", second, (10, 4), strides=(2, 1)),
        BatchNorm("norm2"),
        ReLU("relu2"),
        Flatten("flatten"),
        Dense("linear", bottleneck),
        Dense("hidden", 128),
        BatchNorm("norm3"),
        ReLU("relu3"),
        Dense("classes", KEYWORD_CLASSES),
    )
    return Architecture(name, MFCC_MAP, layers)


def cnn8() -> Architecture:
    """The poster's network for eight speech commands: three 2x2 convolutions with max pooling, on a 40x32 map."""
    stages = ((Conv2D(f"conv{i}", 28, (2, 2)), ReLU(f"relu{i}"), MaxPooling2D(f"pool{i}", (2, 2), (2, 2))) for i in range(1, 4))
    head = (Flatten("flatten"), Dense("classes", 8, use_bias=False))
    return Architecture("cnn8", (40, 32, 1), (*chain.from_iterable(stages), *head))
