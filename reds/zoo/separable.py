"""Depthwise-separable networks: the keyword-spotting DS-CNN, its vision variants, and MobileNetV1."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from reds.architecture import Architecture
from reds.errors import ConfigError
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
    ReLU,
    ReLU6,
)
from reds.layers.windows import Padding
from reds.zoo.convolutions import MFCC_MAP
from reds.zoo.perceptrons import KEYWORD_CLASSES

Activation = Callable[[str], Layer]

IMAGENET_CLASSES = 1000

# Output channels and depthwise stride of MobileNetV1's blocks (Howard et al., arXiv:1704.04861, Table 1).
MOBILENET_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))


@dataclass(frozen=True)
class _Style:
    """What all blocks of a network have in common: whether their convolutions have biases, and the activation."""

    use_bias: bool
    activation: Activation


def _block(index: int, units: int, stride: tuple[int, int], padding: Padding, style: _Style) -> Iterator[Layer]:
    """Depthwise 3x3, then pointwise, each with batch norm and activation."""
    yield DepthwiseConv2D(f"depthwise{index}", (3, 3), stride, padding, use_bias=style.use_bias)
    yield BatchNorm(f"depthwise_norm{index}")
    yield style.activation(f"depthwise_activation{index}")
    yield Conv2D(f"pointwise{index}", units, (1, 1), use_bias=style.use_bias)
    yield BatchNorm(f"pointwise_norm{index}")
    yield style.activation(f"pointwise_activation{index}")


def ds_cnn(name: str, units: int, blocks: int, first_stride: tuple[int, int], second_stride: tuple[int, int]) -> Architecture:
    """The keyword-spotting DS-CNN of Zhang et al. (arXiv:1711.07128); `second_stride` is the first block's."""
    strides = (second_stride, *((1, 1),) * (blocks - 1))
    body = (_block(i, units, stride, "same", _Style(use_bias=True, activation=ReLU)) for i, stride in enumerate(strides, start=1))
    layers = (
        Conv2D("conv1", units, (10, 4), first_stride, "same"),
        BatchNorm("norm1"),
        ReLU("relu1"),
        *chain.from_iterable(body),
        GlobalAveragePooling2D("pool"),
        Dense("classes", KEYWORD_CLASSES),
    )
    return Architecture(name, MFCC_MAP, layers)


def ds_cnn_vision(name: str, input_shape: tuple[int, int, int], pool_size: tuple[int, int]) -> Architecture:
    """DS-CNN S for images of ten classes, with leaky ReLU; the published nets pool in windows taken over from audio."""
    body = (_block(i, 64, (1, 1), "same", _Style(use_bias=True, activation=LeakyReLU)) for i in range(1, 5))
    layers = (
        Conv2D("conv1", 64, (3, 3), (2, 2), "same"),
        BatchNorm("norm1"),
        LeakyReLU("activation1"),
        *chain.from_iterable(body),
        AveragePooling2D("pool", pool_size, (1, 1)),
        Flatten("flatten"),
        Dense("classes", 10),
    )
    return Architecture(name, input_shape, layers)


def mobilenet_v1(alpha: float = 1.0, side: int = 96, classes: int = 2) -> Architecture:
    """MobileNetV1 for Visual Wake Words: leaky ReLU, two classes; named after its width multiplier and input side.

    Raises:
        ConfigError: no positive width multiplier, or an image too small for the strides.
    """
    return _mobilenet_v1(f"mobilenet_v1_{alpha:g}_{side}", alpha, side, classes, LeakyReLU)


def mobilenet_v1_imagenet(alpha: float = 1.0, side: int = 224) -> Architecture:
    """MobileNetV1 as published for ImageNet: ReLU6, 1000 classes; named after its width multiplier and input side.

    Raises:
        ConfigError: no positive width multiplier, or an image too small for the strides.
    """
    return _mobilenet_v1(f"mobilenet_v1_{alpha:g}_{side}_imagenet", alpha, side, IMAGENET_CLASSES, ReLU6)


def _mobilenet_v1(name: str, alpha: float, side: int, classes: int, activation: Activation) -> Architecture:
    """MobileNetV1 (Howard et al., arXiv:1704.04861) of any width multiplier and input side.

    Args:
        name: of the architecture.
        alpha: width multiplier.
        side: height and width of the colour image.
        classes: outputs.
        activation: after every batch norm.

    Raises:
        ConfigError: no positive width multiplier, or an image too small for the strides.
    """
    if not alpha > 0:
        raise ConfigError("MobileNetV1 needs a positive width multiplier", seen=f"{alpha:g}")
    paddings: Mapping[int, Padding] = {1: "same", 2: ((0, 1), (0, 1))}
    style = _Style(use_bias=False, activation=activation)
    body = (
        _block(i, _scaled(units, alpha), (stride, stride), paddings[stride], style)
        for i, (units, stride) in enumerate(MOBILENET_BLOCKS, start=1)
    )
    layers = (
        Conv2D("conv1", _scaled(32, alpha), (3, 3), (2, 2), "same", use_bias=False),
        BatchNorm("norm1"),
        activation("activation1"),
        *chain.from_iterable(body),
        GlobalAveragePooling2D("pool"),
        Dense("classes", classes),
    )
    return Architecture(name, (side, side, 3), layers)


def _scaled(units: int, alpha: float) -> int:
    return max(1, int(units * alpha))
