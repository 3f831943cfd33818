"""Joint training of a network and its early exits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import tensorflow as tf

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.exits import Exit
from reds.plans import EpochsDone, TrainingPlan
from reds.provenance import tool_versions
from reds.sources import source_digest
from reds.subnets import Subnet, Subnets
from reds.training.joint import RECALIBRATION_STREAM, STREAM, normalised_shares
from reds.training.layers import Forward
from reds.training.loop import Objective, train
from reds.training.pretraining import initial_weights
from reds.training.recalibration import recalibrated
from reds.training.session import make_deterministic
from reds.training.shared import Level, SharedNetwork
from reds.unfinished import Unfinished

HEAD_STREAM = 7  # of random numbers, beside those of other uses of the same seed


class ExitNetwork:
    """A backbone with classifiers after some of its layers; every layer is computed once, batch norm is common to all.

    Args:
        backbone: the network.
        exits: by depth, distinct; that at the end of the backbone has no head.
        generator: draws the first weights of the heads.
        compute_type: TensorFlow's name of the type of activations.
    """

    def __init__(self, backbone: Bundle, exits: Sequence[Exit], generator: np.random.Generator, compute_type: str) -> None:
        self.architecture: Architecture = backbone.architecture
        self.trunk = SharedNetwork(backbone.architecture, backbone.weights, compute_type)
        self.exits = exits
        self.heads = {
            each.depth: SharedNetwork(each.head, initial_weights(each.head, generator), compute_type)
            for each in exits
            if each.head is not None
        }

    @property
    def variables(self) -> dict[str, tf.Variable]:
        """By name, what training changes."""
        heads = {f"exit{depth}/{n}": v for depth, head in self.heads.items() for n, v in head.variables.items()}
        return {**self.trunk.variables, **heads}

    def joint_logits(self, inputs: tf.Tensor, levels: Sequence[Level], forwards: Mapping[str, Forward]) -> list[tf.Tensor]:
        """Logits float32 (batch, classes) of each exit, in their order; levels add nothing, as all layers are common."""
        values, begin, found = self.trunk.shaped(inputs), 0, {}
        level = Level(self.architecture.full_widths)
        for depth in sorted(each.depth for each in self.exits):
            values = self.trunk.run(values, self.architecture.placed[begin:depth], level, forwards)
            head = self.heads.get(depth)
            end = values if head is None else head.logits(values, Level(head.architecture.full_widths), forwards)
            found[depth], begin = tf.cast(end, tf.float32), depth
        return [found[each.depth] for each in self.exits]

    def weights(self, chosen: Exit, statistics: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The weights of the network that ends at an exit."""
        head = self.heads[chosen.depth].weights() if chosen.depth in self.heads else {}
        known = {**self.trunk.weights(), **statistics, **head}
        return {name: known[name] for name in chosen.network.weights}


def train_exits(
    bundle: Bundle, exits: Mapping[str, Exit], *, split: Split, plan: TrainingPlan, seed: int, epochs_done: EpochsDone
) -> tuple[list[Bundle], tuple[float, ...]]:
    """A bundle for each name with the network that ends at its exit, and each distinct exit's mean loss over the last epoch.

    Args:
        bundle: the backbone, whose training goes on.
        exits: by the name of the budget, the deepest first; several names may share one.
        split: the data.
        plan: how to train; exits weigh as subnetworks do.
        seed: decides all chance.
        epochs_done: called as the training goes on.

    Raises:
        ConfigError: there are no training examples, or the loss is no longer a number.
    """
    make_deterministic(seed)
    distinct = list({each.depth: each for each in exits.values()}.values())
    network = ExitNetwork(bundle, distinct, np.random.default_rng([seed, HEAD_STREAM]), plan.compute_type)
    shares = normalised_shares([each.parameters for each in distinct], plan)
    losses = train(
        network,
        Objective(tuple(Level(each.network.full_widths) for each in distinct), shares),
        plan=plan,
        split=split,
        generator=np.random.default_rng([seed, STREAM]),
        epochs_done=epochs_done,
        unfinished=Unfinished.of(_facts(bundle, distinct, split, plan, seed)),
    )
    statistics = {}
    if plan.batch_norm == "own" and losses:
        generator = np.random.default_rng([seed, RECALIBRATION_STREAM])
        statistics = recalibrated(network.trunk, Level(bundle.architecture.full_widths), split, generator)
    made = [
        replace(
            bundle,
            architecture=each.network,
            weights=network.weights(each, statistics),
            subnets=Subnets((Subnet(name, each.network.full_widths),)),
            importance={},
            private={},
        ).with_provenance(loss_shares=list(shares))
        for name, each in exits.items()
    ]
    return made, losses


def _facts(bundle: Bundle, exits: Sequence[Exit], split: Split, plan: TrainingPlan, seed: int) -> dict[str, object]:
    """Everything that decides a training."""
    data = {"bundle": bundle.content_hash(), "exits": [each.network.to_dict() for each in exits], "data": split.facts()}
    return {**data, "plan": plan.to_dict(), "seed": seed, "sources": source_digest(__name__), "tools": tool_versions()}
