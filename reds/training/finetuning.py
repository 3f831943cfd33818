"""Joint training of all subnetworks on their shared weights."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from reds.architecture import Architecture
from reds.datasets.split import Split
from reds.plans import TrainingPlan
from reds.subnets import Subnets
from reds.training.loop import Objective, OnEpoch, train
from reds.training.session import make_deterministic
from reds.training.shared import SharedNetwork


def loss_shares(architecture: Architecture, subnets: Subnets) -> tuple[float, ...]:
    """Each subnetwork's share of the loss: sqrt(rho_s) / sum of sqrt(rho), rho_s being its part of the parameters (REDS)."""
    roots = [math.sqrt(architecture.cost(subnet.widths).parameters) for subnet in subnets]
    return tuple(root / sum(roots) for root in roots)


def finetune(
    architecture: Architecture,
    weights: Mapping[str, np.ndarray],
    subnets: Subnets,
    *,
    split: Split,
    plan: TrainingPlan,
    seed: int,
    on_epoch: OnEpoch,
) -> tuple[Mapping[str, np.ndarray], tuple[float, ...]]:
    """The shared weights after training, and each subnetwork's mean loss over the last epoch (empty without epochs)."""
    make_deterministic(seed)
    network = SharedNetwork(architecture, weights)
    objective = Objective(tuple(subnet.widths for subnet in subnets), loss_shares(architecture, subnets))
    generator = np.random.default_rng([seed, 2])
    losses = train(network, objective, plan=plan, split=split, generator=generator, on_epoch=on_epoch)
    return network.weights(), losses
