"""Networks trained on scikit-learn's digits in seconds, with nothing but NumPy: all subnetworks together, on shared weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from reds.bundle import Bundle
from reds.image.operations import Operation, operations
from reds.layers import Widths
from reds.subnets import Subnets

BATCH = 64
RATE = 2e-3


@dataclass(frozen=True)
class Digits:
    """8x8 images of digits as (n, 64) float32 in 0..1, with their classes."""

    train_inputs: np.ndarray
    train_classes: np.ndarray
    test_inputs: np.ndarray
    test_classes: np.ndarray


def digits() -> Digits:
    """1437 samples to train with and 360 to test with; the test is skipped without scikit-learn."""
    datasets = pytest.importorskip("sklearn.datasets")
    inputs, classes = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(inputs))
    inputs, classes = (inputs[order] / 16).astype(np.float32), classes[order]
    return Digits(inputs[360:], classes[360:], inputs[:360], classes[:360])


def _gradients(
    layers: list[Operation], weights: dict[str, np.ndarray], widths: Widths, inputs: np.ndarray, classes: np.ndarray
) -> dict[str, np.ndarray]:
    """Gradients of the mean cross entropy of one subnetwork, zero outside its slice."""
    values, kernels = [inputs], []
    for layer in layers:
        assert layer.kernel
        assert layer.bias
        kernels.append(weights[layer.kernel.name][: layer.inputs(widths), : layer.outputs(widths)])
        output = values[-1] @ kernels[-1] + weights[layer.bias.name][: layer.outputs(widths)]
        values.append(np.maximum(output, 0) if layer.activation == "relu" else output)
    exponents = np.exp(values[-1] - values[-1].max(axis=1, keepdims=True))
    error = exponents / exponents.sum(axis=1, keepdims=True)
    error[np.arange(len(classes)), classes] -= 1
    error /= len(classes)
    gradients = {name: np.zeros_like(weight) for name, weight in weights.items()}
    for layer, kernel, source, result in zip(layers[::-1], kernels[::-1], values[-2::-1], values[:0:-1], strict=True):
        assert layer.kernel
        assert layer.bias
        if layer.activation == "relu":
            error = error * (result > 0)
        gradients[layer.kernel.name][: kernel.shape[0], : kernel.shape[1]] = source.T @ error
        gradients[layer.bias.name][: kernel.shape[1]] = error.sum(axis=0)
        error = error @ kernel.T
    return gradients


def trained(bundle: Bundle, subnets: Subnets, data: Digits, epochs: int, seed: int = 0) -> Bundle:
    """The bundle after training all `subnets` together with Adam; every step adds their gradients."""
    generator = np.random.default_rng(seed)
    layers = list(operations(bundle.architecture))
    weights = {name: weight.astype(np.float64) for name, weight in bundle.weights.items()}
    first = {name: np.zeros_like(weight) for name, weight in weights.items()}
    second = {name: np.zeros_like(weight) for name, weight in weights.items()}
    step = 0
    for _ in range(epochs):
        order = generator.permutation(len(data.train_inputs))
        for batch in np.array_split(order, len(order) // BATCH):
            step += 1
            parts = [
                _gradients(layers, weights, subnet.widths, data.train_inputs[batch], data.train_classes[batch])
                for subnet in subnets
            ]
            for name in bundle.weights:
                gradient = np.sum([part[name] for part in parts], axis=0)
                first[name] = 0.9 * first[name] + 0.1 * gradient
                second[name] = 0.999 * second[name] + 0.001 * gradient**2
                unbiased = first[name] / (1 - 0.9**step), second[name] / (1 - 0.999**step)
                weights[name] = weights[name] - RATE * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
    return replace(bundle, weights={name: weight.astype(np.float32) for name, weight in weights.items()}, subnets=subnets)
