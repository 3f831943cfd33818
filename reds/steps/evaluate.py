"""Finished network -> what each subnetwork answers to the test examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from reds.bundle import Bundle
from reds.datasets.split import Split


@dataclass(frozen=True)
class Evaluation:
    """Each subnetwork on the test examples.

    Attributes:
        logits: float32 (subnetworks, n, classes), computed by Keras on each subnetwork's own sliced weights.
        accuracy: share of right answers by subnetwork name.
    """

    logits: np.ndarray
    accuracy: Mapping[str, float]


def evaluated(bundle: Bundle, split: Split, examples_done: Callable[[int], None] = lambda _: None) -> Evaluation:
    """Logits and accuracy of every subnetwork on the test part of the split.

    Args:
        bundle: the subnetworks.
        split: the data.
        examples_done: called with how many more answers there are, those of each subnetwork counted.
    """
    from reds.training.evaluation import subnet_logits  # noqa: PLC0415 - imports TensorFlow

    logits = subnet_logits(bundle, split.x_test, examples_done)
    right = (logits.argmax(axis=2) == split.y_test).mean(axis=1)
    return Evaluation(logits, {subnet.name: float(share) for subnet, share in zip(bundle.subnets, right, strict=True)})


def validated(bundle: Bundle, split: Split) -> Mapping[str, float]:
    """Share of right answers of every subnetwork on the validation part of the split; empty where it has none."""
    if not len(split.y_validation):
        return {}
    from reds.training.evaluation import subnet_logits  # noqa: PLC0415 - imports TensorFlow

    right = (subnet_logits(bundle, split.x_validation).argmax(axis=2) == split.y_validation).mean(axis=1)
    return {subnet.name: float(share) for subnet, share in zip(bundle.subnets, right, strict=True)}
