"""Mini-batches of one epoch: shuffled, and disturbed where the data set or the plan says so."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reds.datasets.split import Split
from reds.plans import TrainingPlan

CHUNK_BYTES = 1 << 20  # what is handed over at once: a small epoch in one piece, of a large one a few steps


def steps_per_epoch(split: Split, plan: TrainingPlan) -> int:
    """Full mini-batches in the examples of an epoch (at least one: a batch is at most all of them)."""
    return _examples(split, plan) // _batch(split, plan)


def epoch_batches(split: Split, plan: TrainingPlan, generator: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Inputs (steps, batch, features) float32 and labels (steps, batch) int32 of one epoch, a number of steps at a time.

    Args:
        split: the data.
        plan: batch size (at most all examples) and noise.
        generator: all chance comes from it.
    """
    batch, steps = _batch(split, plan), steps_per_epoch(split, plan)
    order = generator.permutation(len(split.x_train))[: steps * batch]
    at_once = max(1, CHUNK_BYTES // (4 * batch * split.x_train.shape[1])) * batch
    for start in range(0, len(order), at_once):
        indices = order[start : start + at_once]
        chosen = split.training_inputs(indices, generator)
        if plan.noise:
            chosen = chosen + generator.normal(0.0, plan.noise, chosen.shape)
        inputs = np.asarray(chosen, np.float32).reshape(-1, batch, split.x_train.shape[1])
        yield inputs, np.asarray(split.y_train[indices], np.int32).reshape(-1, batch)


def _examples(split: Split, plan: TrainingPlan) -> int:
    return min(plan.epoch_examples or len(split.x_train), len(split.x_train))


def _batch(split: Split, plan: TrainingPlan) -> int:
    return min(plan.batch_size, _examples(split, plan))
