"""Training of the whole network from random weights."""

from __future__ import annotations

import math

import numpy as np

from reds.architecture import Architecture
from reds.bundle import IDLE_AT_ONE, Bundle
from reds.datasets.split import Split
from reds.layers import Weight
from reds.plans import EpochsDone, TrainingPlan
from reds.subnets import whole_network
from reds.training.joint import train_subnets

INITIAL_STREAM, TRAINING_STREAM = 1, 5  # of random numbers, beside those of other uses of the same seed


def initial_weights(architecture: Architecture, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Float32: He's normal kernels ("Delving deep into rectifiers", ICCV 2015), zero biases, idle batch norm."""

    def draw(weight: Weight) -> np.ndarray:
        shape = weight.shape(architecture.full_widths)
        if weight.is_vector:
            return np.full(shape, weight.name.endswith(IDLE_AT_ONE), np.float32)
        outputs = [axis.extent(architecture.full_widths) for axis in weight.axes if axis.group is not None][-1]
        fan_in = math.prod(shape) // outputs
        return generator.normal(0.0, math.sqrt(2 / fan_in), shape).astype(np.float32)

    return {name: draw(weight) for name, weight in architecture.weights.items()}


def initial_bundle(architecture: Architecture, seed: int) -> Bundle:
    """The network with random weights."""
    generator = np.random.default_rng([seed, INITIAL_STREAM])
    return Bundle(architecture, initial_weights(architecture, generator), whole_network(architecture))


def pretrain(
    architecture: Architecture, split: Split, plan: TrainingPlan, seed: int, epochs_done: EpochsDone
) -> tuple[Bundle, float | None]:
    """The trained network alone, and its mean loss over the last epoch (None where the plan has no epochs)."""
    bundle, losses = train_subnets(
        initial_bundle(architecture, seed), split=split, plan=plan, seed=seed, stream=TRAINING_STREAM, epochs_done=epochs_done
    )
    return bundle, losses[0] if losses else None
