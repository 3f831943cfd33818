"""Training of one or several subnetworks that share their weights; each epoch is one compiled call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from reds.batches import epoch_batches
from reds.datasets.split import Split
from reds.layers import Widths
from reds.plans import TrainingPlan
from reds.training.shared import SharedNetwork

OnEpoch = Callable[[int], None]
"""Called after each epoch with its number, from 1."""


@dataclass(frozen=True)
class Objective:
    """What is minimised: the weighted sum of the subnetworks' mean cross-entropies, the whole network first."""

    widths: tuple[Widths, ...]
    shares: tuple[float, ...]


def train(
    network: SharedNetwork,
    objective: Objective,
    *,
    plan: TrainingPlan,
    split: Split,
    generator: np.random.Generator,
    on_epoch: OnEpoch,
) -> tuple[float, ...]:
    """Train in place; the last epoch's weights stay.

    Returns:
        Each subnetwork's mean training loss over the last epoch (empty where the plan has no epochs).
    """
    variables = list(network.variables.values())
    steps = len(split.x_train) // min(plan.batch_size, len(split.x_train))
    schedule = keras.optimizers.schedules.CosineDecay(plan.learning_rate, max(1, plan.epochs * steps))
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=plan.weight_decay)  # pyright: ignore[reportArgumentType]
    optimizer.build(variables)

    def step(inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            losses = _losses(network, objective.widths, plan.distillation, inputs, labels)
            total = tf.add_n([share * loss for share, loss in zip(objective.shares, losses, strict=True)])
        gradients = tape.gradient(total, variables)
        optimizer.apply(gradients, variables)
        return tf.stack(losses)

    @tf.function(jit_compile=True, reduce_retracing=True)
    def epoch(inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        total = tf.zeros(len(objective.widths))
        for index in tf.range(steps):
            total += step(inputs[index], labels[index])
        return total / steps

    losses = np.zeros(0)
    for number in range(1, plan.epochs + 1):
        batches = epoch_batches(split.x_train, split.y_train, plan, generator)
        losses = epoch(*(tf.constant(array) for array in batches)).numpy()
        on_epoch(number)
    return tuple(float(loss) for loss in losses)


def _losses(
    network: SharedNetwork, widths: Sequence[Widths], distillation: float, inputs: tf.Tensor, labels: tf.Tensor
) -> list[tf.Tensor]:
    """Mean cross-entropy of each subnetwork; those after the first learn partly from the first's predictions."""
    whole = network.logits(inputs, widths[0])
    truth = tf.one_hot(labels, whole.shape[-1])
    soft = (1 - distillation) * truth + distillation * tf.stop_gradient(tf.nn.softmax(whole))
    losses = [tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(truth, whole))]
    for smaller in widths[1:]:
        logits = network.logits(inputs, smaller)
        losses.append(tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(soft, logits)))
    return losses
