"""Published architectures by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial

from reds.architecture import Architecture
from reds.errors import unknown_name
from reds.zoo.convolutions import cnn, cnn8
from reds.zoo.perceptrons import dnn, mlp, mlp1, mlp3, mlp11
from reds.zoo.separable import ds_cnn, ds_cnn_vision, mobilenet_v1, mobilenet_v1_imagenet

__all__ = ["NAMES", "POSTER_GROUPS", "ZOO", "architecture", "halved_groups", "mlp", "mobilenet_v1", "mobilenet_v1_imagenet"]

ZOO: Mapping[str, Callable[[], Architecture]] = {
    "mlp1": mlp1,
    "mlp3": mlp3,
    "mlp11": mlp11,
    "cnn8": cnn8,
    "dnn_s": partial(dnn, "dnn_s", 144),
    "dnn_m": partial(dnn, "dnn_m", 256),
    "dnn_l": partial(dnn, "dnn_l", 436),
    "cnn_s": partial(cnn, "cnn_s", (28, 30), 16),
    "cnn_m": partial(cnn, "cnn_m", (64, 48), 16),
    "cnn_l": partial(cnn, "cnn_l", (60, 76), 58),
    "ds_cnn_s": partial(ds_cnn, "ds_cnn_s", 64, 4, (2, 2), (1, 1)),
    "ds_cnn_m": partial(ds_cnn, "ds_cnn_m", 172, 4, (2, 1), (2, 2)),
    "ds_cnn_l": partial(ds_cnn, "ds_cnn_l", 276, 5, (2, 1), (2, 2)),
    "ds_cnn_s_fashion_mnist": partial(ds_cnn_vision, "ds_cnn_s_fashion_mnist", (28, 28, 1), (13, 5)),
    "ds_cnn_s_cifar10": partial(ds_cnn_vision, "ds_cnn_s_cifar10", (32, 32, 3), (16, 5)),
    "mobilenet_v1_1_96": mobilenet_v1,
    "mobilenet_v1_0.25_96": partial(mobilenet_v1, 0.25),
}

MOBILENET = re.compile(r"mobilenet_v1_(\d*\.?\d+)_(\d+)(_imagenet)?")
"""mobilenet_v1_ALPHA_SIDE: any width multiplier and input side, two classes; with _imagenet 1000 classes and ReLU6."""


class _Names(Collection[str]):
    """What `architecture` knows; listed with the pattern of the MobileNets."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in ZOO or MOBILENET.fullmatch(name) is not None)

    def __iter__(self) -> Iterator[str]:
        return iter((*ZOO, "mobilenet_v1_ALPHA_SIDE[_imagenet]"))

    def __len__(self) -> int:
        return len(ZOO) + 1


NAMES = _Names()
# The groups that the poster's firmware halves; the others keep their width.
POSTER_GROUPS: Mapping[str, tuple[str, ...]] = {
    "mlp1": ("hidden1",),
    "mlp3": ("hidden1",),
    "mlp11": ("hidden1", "hidden3", "hidden5", "hidden7", "hidden9"),
}


def architecture(name: str) -> Architecture:
    """The architecture of this name.

    Raises:
        ConfigError: no such architecture; the nearest names are given.
    """
    mobilenet = MOBILENET.fullmatch(name)
    if mobilenet and name not in ZOO:
        make = mobilenet_v1_imagenet if mobilenet[3] else mobilenet_v1
        return make(float(mobilenet[1]), int(mobilenet[2]))
    if name not in ZOO:
        raise unknown_name("architecture", name, NAMES)
    return ZOO[name]()


def halved_groups(network: Architecture) -> tuple[str, ...]:
    """The groups that halving cuts unless told otherwise: the poster's for its networks, for others all that may be cut."""
    return POSTER_GROUPS.get(network.name) or tuple(group.name for group in network.groups if not group.whole)
