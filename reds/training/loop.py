"""Training of one or several subnetworks that share their weights, in compiled calls of a few steps or a whole epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from reds.architecture import Architecture
from reds.batches import epoch_batches, steps_per_epoch
from reds.datasets.split import Split
from reds.errors import ConfigError
from reds.plans import EpochsDone, TrainingPlan
from reds.training.layers import BATCH_FORWARDS, FORWARDS, Forward
from reds.training.shared import Level
from reds.unfinished import State, Unfinished


class Trainable(Protocol):
    """Several networks that share variables, as one training sees them."""

    @property
    def architecture(self) -> Architecture:
        """The network whose layers are common."""
        ...

    @property
    def variables(self) -> Mapping[str, tf.Variable]:
        """By weight name, what training changes."""
        ...

    def joint_logits(self, inputs: tf.Tensor, levels: Sequence[Level], forwards: Mapping[str, Forward]) -> list[tf.Tensor]:
        """Logits float32 (batch, classes) of each level, the whole network's first."""
        ...


@dataclass(frozen=True)
class Objective:
    """What is minimised: the weighted sum of the subnetworks' mean cross-entropies, the whole network first."""

    levels: tuple[Level, ...]
    shares: tuple[float, ...]


def train(
    network: Trainable,
    objective: Objective,
    *,
    plan: TrainingPlan,
    split: Split,
    generator: np.random.Generator,
    epochs_done: EpochsDone,
    unfinished: Unfinished,
) -> tuple[float, ...]:
    """Train in place; the last epoch's weights stay. What an earlier run of the same training did is taken over.

    Returns:
        Each subnetwork's mean training loss over the last epoch (empty where the plan has no epochs).

    Raises:
        ConfigError: there are no training examples, or a loss is no longer a number.
    """
    if not plan.epochs:
        return ()
    if not len(split.x_train):
        raise ConfigError(f"the data set {split.name!r} has no training examples", do="train on another one")
    steps = steps_per_epoch(split, plan)
    training = CompiledTraining(network, objective, plan, plan.epochs * steps)
    done, losses = 0, np.zeros(0)
    if (state := unfinished.load()) is not None:
        training.restore(state.arrays)
        generator.bit_generator.state = state.generator
        done, losses = state.epoch, state.losses
    epochs_done(done)
    for number in range(done + 1, plan.epochs + 1):
        total, taken = np.zeros(len(objective.levels)), 0
        for inputs, labels in epoch_batches(split, plan, generator):
            total += training.steps(tf.constant(inputs), tf.constant(labels)).numpy()
            taken += len(labels)
            if taken < steps:
                epochs_done(number - 1 + taken / steps)
        losses = total / steps
        if not np.isfinite(losses).all():
            raise ConfigError(
                f"training ended in epoch {number}: the loss is not a number", seen=str(losses), do="lower the learning rate"
            )
        unfinished.save(State(number, losses, generator.bit_generator.state, training.arrays()))
        epochs_done(number)
    return tuple(float(loss) for loss in losses)


class CompiledTraining:
    """The compiled steps of a training, and everything that they change.

    Args:
        network: what is trained.
        objective: what is minimised.
        plan: how.
        steps: how many there will be, for the learning rate.

    Attributes:
        steps: sums of the losses (levels,) over steps of inputs (steps, batch, features) and labels (steps, batch).
    """

    def __init__(self, network: Trainable, objective: Objective, plan: TrainingPlan, steps: int) -> None:
        self._network, self._objective, self._plan = network, objective, plan
        own = {id(v): v for level in objective.levels for v in level.own.values()}
        self._variables = [*network.variables.values(), *own.values()]
        rate = _schedule(plan, steps)
        self._optimizer = keras.optimizers.AdamW(rate, weight_decay=plan.weight_decay)  # pyright: ignore[reportArgumentType]
        self._optimizer.exclude_from_weight_decay(var_list=[*_normalising(network), *own.values()])
        self._optimizer.build(self._variables)
        # XLA makes one program of many small operations, but convolves slowly on CPUs.
        dense = all(placed.layer.kind not in CONVOLUTIONS for placed in network.architecture.placed)
        self.steps = tf.function(self._steps, jit_compile=dense, reduce_retracing=True)

    def _steps(self, inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        total = tf.zeros(len(self._objective.levels))
        for index in tf.range(tf.shape(inputs)[0]):
            total += self._step(inputs[index], labels[index])
        return total

    def _step(self, inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            losses = _losses(self._network, self._objective.levels, self._plan, inputs, labels)
            total = tf.add_n([share * loss for share, loss in zip(self._objective.shares, losses, strict=True)])
        self._optimizer.apply(tape.gradient(total, self._variables), self._variables)
        return tf.stack(losses)

    def arrays(self) -> list[np.ndarray]:
        """All that a step changes."""
        return [np.asarray(variable) for variable in (*self._variables, *self._optimizer.variables)]

    def restore(self, arrays: Sequence[np.ndarray]) -> None:
        """Put back what `arrays` gave."""
        for variable, array in zip((*self._variables, *self._optimizer.variables), arrays, strict=True):
            variable.assign(array)


CONVOLUTIONS = ("conv2d", "depthwise_conv2d")


def _normalising(network: Trainable) -> list[tf.Variable]:
    """Gamma and beta of every batch norm."""
    placed = (placed for placed in network.architecture.placed if placed.layer.kind == "batch_norm")
    names = (weight.name for layer in placed for weight in layer.weights)
    return [network.variables[name] for name in names if name in network.variables]


def _schedule(plan: TrainingPlan, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate by the number of the step."""
    if not plan.later_rates:
        return keras.optimizers.schedules.CosineDecay(plan.learning_rate, max(1, steps))
    boundaries, later = zip(*plan.later_rates, strict=True)
    # Keras keeps a rate up to and including its boundary.
    return keras.optimizers.schedules.PiecewiseConstantDecay([b - 1 for b in boundaries], [plan.learning_rate, *later])


def _losses(
    network: Trainable, levels: Sequence[Level], plan: TrainingPlan, inputs: tf.Tensor, labels: tf.Tensor
) -> list[tf.Tensor]:
    """Mean cross-entropy of each subnetwork; those after the first learn partly from the first's predictions."""
    forwards = BATCH_FORWARDS if plan.batch_norm == "own" else FORWARDS
    whole, *smaller = network.joint_logits(inputs, levels, forwards)
    truth = tf.one_hot(labels, whole.shape[-1])
    soft = (1 - plan.distillation) * truth + plan.distillation * tf.stop_gradient(tf.nn.softmax(whole))
    losses = [tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(truth, whole))]
    losses += [tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(soft, logits)) for logits in smaller]
    return losses
