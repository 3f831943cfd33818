"""Joint training of all subnetworks on their shared weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.errors import ConfigError
from reds.plans import EpochsDone, TrainingPlan
from reds.provenance import tool_versions
from reds.sources import source_digest
from reds.subnets import Subnets
from reds.training.loop import Objective, train
from reds.training.recalibration import Statistics, recalibrated
from reds.training.session import make_deterministic
from reds.training.shared import Level, SharedNetwork, common_layers, is_statistic, variable
from reds.unfinished import Unfinished

STREAM, RECALIBRATION_STREAM = 2, 4  # of random numbers, beside those of other uses of the same seed

Weights = Callable[[Sequence[int]], list[float]]
"""What the losses of networks count, given how many parameters each has, the largest first."""


def by_parameters(parameters: Sequence[int]) -> list[float]:
    """sqrt(rho_s), rho_s being a network's part of the parameters (REDS)."""
    return [math.sqrt(count) for count in parameters]


def by_halving(parameters: Sequence[int]) -> list[float]:
    """1/2, 1/4, 1/8, ... (the REDS poster)."""
    return [0.5**level for level in range(len(parameters))]


LOSS_WEIGHTS: Mapping[str, Weights] = {"parameters": by_parameters, "halving": by_halving}


def normalised_shares(parameters: Sequence[int], plan: TrainingPlan) -> tuple[float, ...]:
    """Each network's share of the loss, given how many parameters each has, the largest first; they sum to 1."""
    weights = LOSS_WEIGHTS[plan.loss_weights](parameters)
    return tuple(weight / sum(weights) for weight in weights)


def loss_shares(architecture: Architecture, subnets: Subnets, plan: TrainingPlan) -> tuple[float, ...]:
    """Each subnetwork's share of the loss, the whole network's first; they sum to 1."""
    return normalised_shares([architecture.cost(subnet.widths).parameters for subnet in subnets], plan)


def train_subnets(
    bundle: Bundle, *, split: Split, plan: TrainingPlan, seed: int, epochs_done: EpochsDone, stream: int = STREAM
) -> tuple[Bundle, tuple[float, ...]]:
    """The bundle after training, and each subnetwork's mean loss over the last epoch (empty where nothing was trained).

    Args:
        bundle: the network and its subnetworks; what they have for themselves is trained on.
        split: the data.
        plan: how to train.
        seed: decides all chance, together with `stream`.
        epochs_done: called as the training goes on.
        stream: which of the seed's streams of random numbers.

    Raises:
        ConfigError: there are no training examples, the loss is no longer a number, or subnetworks have batch norm of their own
            that the plan would leave behind.
    """
    if not plan.epochs:
        return bundle, ()
    if bundle.private and plan.batch_norm == "shared":
        do = 'train on with batch norm of their own ("own")'
        raise ConfigError("subnetworks have batch norm of their own", seen=", ".join(bundle.private), do=do)
    make_deterministic(seed)
    architecture = bundle.architecture
    network = SharedNetwork(architecture, bundle.weights, plan.compute_type)
    levels = levels_of(bundle, plan)
    losses = train(
        network,
        Objective(levels, loss_shares(architecture, bundle.subnets, plan)),
        plan=plan,
        split=split,
        generator=np.random.default_rng([seed, stream]),
        epochs_done=epochs_done,
        unfinished=Unfinished.of(_facts(bundle, split, plan, [seed, stream])),
    )
    if plan.batch_norm == "shared":
        return replace(bundle, weights=network.weights(), private={}), losses
    statistics = [recalibrated(network, each, split, np.random.default_rng([seed, RECALIBRATION_STREAM])) for each in levels]
    private = {
        subnet.name: _private(level, own)
        for subnet, level, own in zip(bundle.subnets, levels, statistics, strict=True)
        if level.own
    }
    return replace(bundle, weights={**network.weights(), **statistics[0]}, private=private), losses


def _private(level: Level, statistics: Statistics) -> dict[str, np.ndarray]:
    """What a level has for itself: its own variables, and the statistics of the same batch norms."""
    own = {name: array.numpy() for name, array in level.own.items()}
    layers = {name.rsplit("/", 1)[0] for name in own}
    return own | {name: array for name, array in statistics.items() if name.rsplit("/", 1)[0] in layers}


def _facts(bundle: Bundle, split: Split, plan: TrainingPlan, seeds: list[int]) -> dict[str, object]:
    """Everything that decides a training."""
    data = {"bundle": bundle.content_hash(), "data": split.facts(), "plan": plan.to_dict(), "seeds": seeds}
    return {**data, "sources": source_digest(__name__), "tools": tool_versions()}


def levels_of(bundle: Bundle, plan: TrainingPlan) -> tuple[Level, ...]:
    """The subnetworks as the plan trains them, the whole network first."""
    return LEVELS[plan.batch_norm](bundle)


def shared_levels(bundle: Bundle) -> tuple[Level, ...]:
    """Levels that share everything."""
    return tuple(Level(subnet.widths) for subnet in bundle.subnets)


def own_levels(bundle: Bundle) -> tuple[Level, ...]:
    """Levels of which those after the first have batch norm of their own, from where their activations differ on."""
    architecture = bundle.architecture
    trunk = common_layers(architecture, [subnet.widths for subnet in bundle.subnets])
    norms = [placed for placed in architecture.placed[trunk:] if placed.layer.kind == "batch_norm"]
    names = [weight.name for placed in norms for weight in placed.weights if not is_statistic(weight.name)]
    levels = [Level(bundle.subnets[0].widths)]
    for level in range(1, len(bundle.subnets)):
        subnet = bundle.subnets[level]
        active = bundle.active_weights(subnet)
        levels.append(Level(subnet.widths, {name: variable(f"{subnet.name}/{name}", active[name]) for name in names}))
    return tuple(levels)


LEVELS: Mapping[str, Callable[[Bundle], tuple[Level, ...]]] = {"own": own_levels, "shared": shared_levels}
