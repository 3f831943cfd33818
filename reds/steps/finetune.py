"""Network with subnetworks -> the same, all trained together on their shared weights."""

from __future__ import annotations

from dataclasses import replace

from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.plans import EpochsDone, TrainingPlan


def finetuned(bundle: Bundle, split: Split, plan: TrainingPlan, seed: int, epochs_done: EpochsDone) -> Bundle:
    """The bundle with its weights trained on; importance is dropped, for it was that of the old weights."""
    from reds.training.recalibration import with_statistics_of  # noqa: PLC0415 - imports TensorFlow

    ready = with_statistics_of(split.check_training(), bundle, seed) if plan.epochs else bundle
    return jointly_trained(ready, split, plan, seed, epochs_done)


def jointly_trained(bundle: Bundle, split: Split, plan: TrainingPlan, seed: int, epochs_done: EpochsDone) -> Bundle:
    """The same from weights as they are, random ones too."""
    from reds.training.joint import loss_shares, train_subnets  # noqa: PLC0415 - imports TensorFlow

    tuned, losses = train_subnets(bundle, split=split, plan=plan, seed=seed, epochs_done=epochs_done)
    shares = loss_shares(bundle.architecture, bundle.subnets, plan)
    facts = {**plan.to_dict(), "loss_shares": list(shares), "last_losses": list(losses)}
    return replace(tuned, importance={}).with_provenance(finetuning=facts)
