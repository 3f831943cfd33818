"""Published architectures by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain

from reds.architecture import Architecture
from reds.errors import unknown_name
from reds.layers import Dense, ReLU


def mlp(name: str, inputs: int, hidden: tuple[int, ...], classes: int) -> Architecture:
    """A multilayer perceptron with ReLU after every hidden layer; logits out."""
    pairs = ((Dense(f"hidden{i}", units), ReLU(f"relu{i}")) for i, units in enumerate(hidden, start=1))
    return Architecture(name, (inputs,), (*chain.from_iterable(pairs), Dense("classes", classes)))


def mlp1() -> Architecture:
    """The poster's 1-layer network for 8x8 digits: 64-40-10."""
    return mlp("mlp1", 64, (40,), 10)


def mlp3() -> Architecture:
    """The poster's 3-layer network for 8x8 digits: 64-40-50-10."""
    return mlp("mlp3", 64, (40, 50), 10)


def mlp11() -> Architecture:
    """The poster's 11-layer network for 8x8 digits: 64, ten layers of 40, 10."""
    return mlp("mlp11", 64, (40,) * 10, 10)


ZOO: Mapping[str, Callable[[], Architecture]] = {"mlp1": mlp1, "mlp3": mlp3, "mlp11": mlp11}

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
    if name not in ZOO:
        raise unknown_name("architecture", name, ZOO)
    return ZOO[name]()


def halved_groups(network: Architecture) -> tuple[str, ...]:
    """The groups that halving cuts unless told otherwise: the poster's for its networks, for others all that may be cut."""
    return POSTER_GROUPS.get(network.name) or tuple(group.name for group in network.groups if not group.whole)
