"""Network with subnetworks -> the same widths, trained from random weights: nested as they are, or each alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.plans import EpochsDone, TrainingPlan
from reds.provenance import tool_versions
from reds.steps.finetune import jointly_trained
from reds.subnets import Subnet, Subnets

WIDTHS_FROM = ("imported", "pretraining", "importance")
"""What is known of the network on whose importance the widths were chosen."""


def nested_from_scratch(bundle: Bundle, split: Split, plan: TrainingPlan, seed: int, epochs_done: EpochsDone) -> Bundle:
    """The nested network of these subnetworks, trained together from random weights (the paper's "REDS training")."""
    from reds.training.pretraining import initial_bundle  # noqa: PLC0415 - imports TensorFlow

    initial = initial_bundle(bundle.architecture, seed).weights
    start = replace(bundle, weights=initial, private={}, provenance=_provenance(bundle, split, seed))
    return jointly_trained(start, split, plan, seed, epochs_done)


def alone_from_scratch(
    bundle: Bundle, subnet: str, *, split: Split, plan: TrainingPlan, seed: int, epochs_done: EpochsDone
) -> Bundle:
    """An ordinary network of the widths of one subnetwork, trained alone from random weights (the paper's "scratch").

    Args:
        bundle: the network whose subnetworks say the widths.
        subnet: name of one; the new network has it too.
        split: the data.
        plan: how to train.
        seed: decides all chance.
        epochs_done: called as the training goes on.
    """
    from reds.training.pretraining import pretrain  # noqa: PLC0415 - imports TensorFlow

    network = bundle.architecture.narrowed(bundle.subnets[bundle.subnets.level(subnet)].widths)
    trained, loss = pretrain(network, split, plan, seed, epochs_done)
    subnets, facts = Subnets((Subnet(subnet, network.full_widths),)), _provenance(bundle, split, seed)
    return replace(trained, subnets=subnets, provenance={**facts, "finetuning": {**plan.to_dict(), "last_loss": loss}})


def _provenance(bundle: Bundle, split: Split, seed: int) -> dict[str, Any]:
    """What is true of a network that has only the widths of another; `widths_from` says where they come from."""
    chosen = {key: bundle.provenance[key] for key in WIDTHS_FROM if key in bundle.provenance}
    widths = {"widths": bundle.provenance["widths"]} if "widths" in bundle.provenance else {}
    return {"seed": seed, "data": split.facts(), "tools": tool_versions(), **widths, "widths_from": chosen}
