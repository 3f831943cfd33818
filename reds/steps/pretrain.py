"""Architecture -> trained network."""

from __future__ import annotations

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.plans import EpochsDone, TrainingPlan
from reds.provenance import tool_versions


def pretrained(architecture: Architecture, split: Split, plan: TrainingPlan, seed: int, epochs_done: EpochsDone) -> Bundle:
    """The network, trained as a whole on the training part of the split."""
    from reds.training.pretraining import pretrain  # noqa: PLC0415 - imports TensorFlow

    bundle, loss = pretrain(architecture, split, plan, seed, epochs_done)
    return bundle.with_provenance(
        seed=seed, data=split.facts(), tools=tool_versions(), pretraining={**plan.to_dict(), "last_loss": loss}
    )
