"""Network with subnetworks -> the same widths, trained from random weights: nested as they are, or each alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.plans import TrainingPlan
from reds.steps.finetune import jointly_trained
from reds.subnets import Subnet, Subnets


def nested_from_scratch(bundle: Bundle, split: Split, plan: TrainingPlan, seed: int, on_epoch: Callable[[int], None]) -> Bundle:
    """The nested network of these subnetworks, trained together from random weights (the paper's "REDS training")."""
    from reds.training.pretraining import initial_bundle  # noqa: PLC0415 - imports TensorFlow

    initial = initial_bundle(bundle.architecture, seed).weights
    return jointly_trained(replace(bundle, weights=initial, private={}), split, plan, seed, on_epoch)


def alone_from_scratch(
    bundle: Bundle, subnet: str, *, split: Split, plan: TrainingPlan, seed: int, on_epoch: Callable[[int], None]
) -> Bundle:
    """An ordinary network of the widths of one subnetwork, trained alone from random weights (the paper's "scratch").

    Args:
        bundle: the network whose subnetworks say the widths.
        subnet: name of one; the new network has it too.
        split: the data.
        plan: how to train.
        seed: decides all chance.
        on_epoch: called after each epoch.
    """
    from reds.training.pretraining import pretrain  # noqa: PLC0415 - imports TensorFlow

    network = bundle.architecture.narrowed(bundle.subnets[bundle.subnets.level(subnet)].widths)
    trained, loss = pretrain(network, split, plan, seed, on_epoch)
    alone = replace(trained, subnets=Subnets((Subnet(subnet, network.full_widths),)), provenance=bundle.provenance)
    return alone.with_provenance(finetuning={**plan.to_dict(), "last_loss": loss})
