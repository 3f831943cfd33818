"""Trained network -> the same with early exits, all trained together: an ordinary network for each budget."""

from __future__ import annotations

from collections.abc import Mapping

from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.exits import deepest_exits
from reds.plans import EpochsDone, TrainingPlan


def with_exits(
    bundle: Bundle,
    limits_macs: Mapping[str, int],
    *,
    split: Split,
    plan: TrainingPlan,
    seed: int,
    epochs_done: EpochsDone,
) -> list[Bundle]:
    """A network for each budget: the layers up to the deepest exit within it, and that exit.

    A budget that even the first exit exceeds has none; the provenance states the depth of each exit by budget.

    Args:
        bundle: the backbone.
        limits_macs: multiply-adds of each budget by its name, the whole network's first.
        split: the data.
        plan: how to train.
        seed: decides all chance.
        epochs_done: called as the training goes on.

    Raises:
        BudgetError: no exit but the network's own end keeps a budget.
        ConfigError: there are no training examples, or the loss is no longer a number.
    """
    exits = deepest_exits(bundle.architecture, limits_macs)
    from reds.training.exits import train_exits  # noqa: PLC0415 - imports TensorFlow
    from reds.training.recalibration import with_statistics_of  # noqa: PLC0415 - imports TensorFlow

    backbone = with_statistics_of(split.check_training(), bundle, seed) if plan.epochs else bundle
    trained, losses = train_exits(backbone, exits, split=split, plan=plan, seed=seed, epochs_done=epochs_done)
    facts = {**plan.to_dict(), "last_losses": list(losses)}
    depths = {name: exits[name].depth if name in exits else None for name in limits_macs}
    return [each.with_provenance(finetuning=facts, exits=depths) for each in trained]
