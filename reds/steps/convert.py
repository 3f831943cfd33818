"""Trained network -> network whose channels are scored and sorted by importance; it computes what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.errors import ConfigError
from reds.importance import METHODS, TAYLOR, Scored, check_method, summary
from reds.permutation import importance_orders, permute

BATCHES = 100
BATCH_SIZE = 100


def converted(
    bundle: Bundle,
    split: Split | None,
    seed: int,
    *,
    batches: int = BATCHES,
    method: str = TAYLOR,
    batch_done: Callable[[], None] = lambda: None,
) -> Bundle:
    """The same function with the most important channels first, and the importance of every kernel element.

    Args:
        bundle: a network without subnetworks.
        split: data for the gradients; None where the method needs none.
        seed: decides the mini-batches, or the random scores.
        batches: mini-batches for the gradients.
        method: name in `reds.importance.METHODS`.
        batch_done: called after each mini-batch.

    Raises:
        ConfigError: subnetworks have been made already; their channels would no longer be the first ones. Or the method is
            unknown, needs data and there are none, or scores are not finite.
    """
    check_method(method)
    if len(bundle.subnets) > 1:
        raise ConfigError("only a network without subnetworks can be sorted", seen=f"{len(bundle.subnets)} subnetworks")
    architecture, facts = bundle.architecture, {"method": method, "seed": seed}

    def gradients() -> Mapping[str, np.ndarray]:
        if split is None:
            raise ConfigError(f"the importance {method!r} needs data", do="give a data set, or take l1, l2 or random")
        from reds.training.gradients import summed_gradients  # noqa: PLC0415 - imports TensorFlow

        facts.update(batches=batches, batch_size=BATCH_SIZE)
        size = {"batches": batches, "batch_size": BATCH_SIZE}
        return summed_gradients(architecture, bundle.weights, split, **size, seed=seed, batch_done=batch_done)

    importance = METHODS[method](Scored(architecture, bundle.weights, gradients, seed))
    orders = importance_orders(architecture, importance)
    return replace(
        bundle,
        weights=permute(architecture, bundle.weights, orders),
        importance=permute(architecture, importance, orders),
    ).with_provenance(importance={**facts, "groups": summary(architecture, importance)})
