"""Mini-batches of one epoch: shuffled, and disturbed where the plan says so."""

from __future__ import annotations

import numpy as np

from reds.plans import TrainingPlan


def epoch_batches(
    inputs: np.ndarray, labels: np.ndarray, plan: TrainingPlan, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (steps, batch, features) float32 and labels (steps, batch) int32 of one epoch.

    Args:
        inputs: float32 (n, features).
        labels: int32 (n,).
        plan: batch size (at most all examples) and noise.
        generator: all chance comes from it.
    """
    batch = min(plan.batch_size, len(inputs))
    steps = len(inputs) // batch
    order = generator.permutation(len(inputs))[: steps * batch]
    chosen = np.asarray(inputs[order])
    if plan.noise:
        chosen = chosen + generator.normal(0.0, plan.noise, chosen.shape)
    return chosen.astype(np.float32).reshape(steps, batch, -1), labels[order].astype(np.int32).reshape(steps, batch)
