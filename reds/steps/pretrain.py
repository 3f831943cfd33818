"""Architecture -> trained network."""

from __future__ import annotations

from collections.abc import Callable

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.plans import TrainingPlan
from reds.provenance import tool_versions
from reds.subnets import whole_network


def pretrained(
    architecture: Architecture, split: Split, plan: TrainingPlan, seed: int, on_epoch: Callable[[int], None]
) -> Bundle:
    """The network, trained as a whole on the training part of the split."""
    from reds.training.pretraining import pretrain  # noqa: PLC0415 - imports TensorFlow

    weights, loss = pretrain(architecture, split, plan, seed, on_epoch)
    return Bundle(architecture, weights, whole_network(architecture)).with_provenance(
        seed=seed, data=split.facts(), tools=tool_versions(), pretraining={**plan.to_dict(), "last_loss": loss}
    )
