"""Training of the whole network from random weights."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from reds.architecture import Architecture
from reds.datasets.split import Split
from reds.plans import TrainingPlan
from reds.training.layers import check_pretrainable
from reds.training.loop import Objective, OnEpoch, train
from reds.training.session import make_deterministic
from reds.training.shared import SharedNetwork


def initial_weights(architecture: Architecture, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Kernels with He's normal initialisation ("Delving deep into rectifiers", ICCV 2015), biases zero; float32."""

    def draw(shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) == 1:
            return np.zeros(shape, np.float32)
        return generator.normal(0.0, math.sqrt(2 / math.prod(shape[:-1])), shape).astype(np.float32)

    return {name: draw(weight.shape(architecture.full_widths)) for name, weight in architecture.weights.items()}


def pretrain(
    architecture: Architecture, split: Split, plan: TrainingPlan, seed: int, on_epoch: OnEpoch
) -> tuple[Mapping[str, np.ndarray], float | None]:
    """Weights of the trained network by name, and its mean loss over the last epoch (None where the plan has no epochs).

    Raises:
        ConfigError: a network that cannot be trained from random weights.
    """
    check_pretrainable(architecture)
    make_deterministic(seed)
    generator = np.random.default_rng([seed, 1])
    network = SharedNetwork(architecture, initial_weights(architecture, generator))
    losses = train(
        network, Objective((architecture.full_widths,), (1.0,)), plan=plan, split=split, generator=generator, on_epoch=on_epoch
    )
    return network.weights(), losses[0] if losses else None
