"""Trained network -> network whose channels are scored and sorted by importance; it computes what it did."""

from __future__ import annotations

from dataclasses import replace

from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.errors import ConfigError
from reds.importance import summary, taylor
from reds.permutation import importance_orders, permute

BATCHES = 100
BATCH_SIZE = 100


def converted(bundle: Bundle, split: Split, seed: int, batches: int = BATCHES) -> Bundle:
    """The same function with the most important channels first, and the importance of every kernel element.

    Raises:
        ConfigError: subnetworks have been made already; their channels would no longer be the first ones.
    """
    if len(bundle.subnets) > 1:
        raise ConfigError("only a network without subnetworks can be sorted", seen=f"{len(bundle.subnets)} subnetworks")
    from reds.training.gradients import summed_gradients  # noqa: PLC0415 - imports TensorFlow

    architecture = bundle.architecture
    gradients = summed_gradients(architecture, bundle.weights, split, batches=batches, batch_size=BATCH_SIZE, seed=seed)
    importance = taylor(architecture, bundle.weights, gradients)
    orders = importance_orders(architecture, importance)
    facts = {"method": "taylor", "batches": batches, "batch_size": BATCH_SIZE, "groups": summary(architecture, importance)}
    return replace(
        bundle,
        weights=permute(architecture, bundle.weights, orders),
        importance=permute(architecture, importance, orders),
    ).with_provenance(importance=facts)
