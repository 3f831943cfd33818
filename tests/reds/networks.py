"""What several tests of the method need: a NumPy network and random importance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reds.architecture import Architecture
from reds.bundle import Bundle, untrained
from reds.importance import Importance, taylor
from reds.layers import Dense, Flatten, Shape


def forward(architecture: Architecture, weights: Mapping[str, np.ndarray], inputs: np.ndarray) -> np.ndarray:
    """Logits of an MLP in float64, written down independently of the project's own layers."""
    outputs = inputs.astype(np.float64)
    kernels = [name for name in architecture.weights if name.endswith("/kernel")]
    for index, name in enumerate(kernels):
        outputs = outputs @ weights[name] + weights[name.replace("/kernel", "/bias")]
        if index < len(kernels) - 1:
            outputs = np.maximum(outputs, 0)
    return outputs


def noisy(architecture: Architecture, seed: int) -> Bundle:
    """A network with random weights and biases."""
    generator = np.random.default_rng(seed)
    bundle = untrained(architecture, seed)
    weights = {name: array + generator.normal(0, 0.1, array.shape).astype(np.float32) for name, array in bundle.weights.items()}
    return Bundle(architecture, weights, bundle.subnets)


def random_importance(architecture: Architecture, seed: int) -> Importance:
    """Importance of random weights and gradients, channels of very different worth."""
    generator = np.random.default_rng(seed)
    weights = untrained(architecture, seed).weights
    gradients = {name: generator.normal(size=a.shape) * generator.lognormal(size=a.shape[-1]) for name, a in weights.items()}
    return taylor(architecture, weights, gradients)


def flattened(input_shape: Shape, classes: int) -> Architecture:
    """An image flattened into one dense layer."""
    return Architecture("flat", input_shape, (Flatten("flatten"), Dense("classes", classes)))
