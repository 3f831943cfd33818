"""Network with subnetworks -> the same, all trained together on their shared weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.errors import ConfigError
from reds.plans import TrainingPlan


def finetuned(bundle: Bundle, split: Split, plan: TrainingPlan, seed: int, on_epoch: Callable[[int], None]) -> Bundle:
    """The bundle with trained shared weights; importance is dropped, for it was that of the old weights.

    Raises:
        ConfigError: subnetworks have vectors of their own, which this training would leave behind.
    """
    if bundle.private:
        raise ConfigError("subnetworks with batch norm of their own cannot be trained on", seen=", ".join(bundle.private))
    from reds.training.finetuning import finetune, loss_shares  # noqa: PLC0415 - imports TensorFlow

    architecture, subnets = bundle.architecture, bundle.subnets
    weights, losses = finetune(architecture, bundle.weights, subnets, split=split, plan=plan, seed=seed, on_epoch=on_epoch)
    shares = loss_shares(architecture, subnets)
    facts = {**plan.to_dict(), "loss_shares": list(shares), "last_losses": list(losses)}
    return replace(bundle, weights=weights, importance={}).with_provenance(finetuning=facts)
