"""Multilayer perceptrons: the poster's for 8x8 digits, and the keyword-spotting DNN."""

from __future__ import annotations

from itertools import chain

from reds.architecture import Architecture
from reds.layers import Dense, ReLU

KEYWORD_CLASSES = 12  # silence, unknown, ten words
DNN_FEATURES = 250  # 25 frames of 10 MFCC coefficients, every 40 ms of one second


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


def dnn(name: str, units: int) -> Architecture:
    """The keyword-spotting DNN of Zhang et al. ("Hello Edge", arXiv:1711.07128): three hidden layers."""
    return mlp(name, DNN_FEATURES, (units,) * 3, KEYWORD_CLASSES)
