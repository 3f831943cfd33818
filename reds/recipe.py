"""A recipe: everything that determines a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from reds.datasets.registry import check_dataset
from reds.defaults import default_plans
from reds.errors import ConfigError, unknown_name
from reds.exits import deepest_exits
from reds.importance import TAYLOR, check_method
from reds.plans import TrainingPlan
from reds.seeds import check_seed
from reds.widths import HalvingRule, WidthRule, rule_from_dict
from reds.zoo import architecture as find_architecture
from reds.zoo import halved_groups

REDS, REDS_FROM_SCRATCH, SCRATCH, EARLY_EXITS = METHOD_NAMES = ("reds", "reds-from-scratch", "scratch", "early-exits")


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a bundle.

    Attributes:
        architecture: name of a network in `reds.zoo`.
        dataset: name of a data set in `reds.datasets`.
        seed: decides split, initial weights, shuffling and augmentation.
        widths: the rule that chooses the subnetworks.
        pretraining: how the whole network is trained.
        finetuning: how the networks of all budgets are trained.
        importance: how channels are scored, name in `reds.importance.METHODS`.
        checkpoint: path of a published network that training starts from; None: the whole network is trained here first.
        method: what is trained, name in `reds.methods.METHODS`.

    Raises:
        ConfigError: an unknown name, a seed that is not a whole number from 0 to 2**31 - 1, widths for another network, or early
            exits within budgets that do not limit MACs.
        BudgetError: early exits, and none keeps a budget.
    """

    architecture: str
    dataset: str
    seed: int
    widths: WidthRule
    pretraining: TrainingPlan
    finetuning: TrainingPlan
    importance: str = TAYLOR
    checkpoint: str | None = None
    method: str = REDS

    def __post_init__(self) -> None:
        network = find_architecture(self.architecture)
        check_dataset(self.dataset)
        check_method(self.importance)
        if self.method not in METHOD_NAMES:
            raise unknown_name("method", str(self.method), METHOD_NAMES)
        self.widths.check(network)
        if self.method == EARLY_EXITS:
            deepest_exits(network, dict(zip(self.widths.names, self.widths.allowed_macs(network), strict=True)))
        if self.checkpoint is not None and not (isinstance(self.checkpoint, str) and self.checkpoint):
            raise ConfigError("the checkpoint of a recipe is the path of a published network", seen=repr(self.checkpoint))
        check_seed(self.seed)

    @property
    def name(self) -> str:
        """What the recipe is called in messages: architecture, data set, seed, and the method where it is not the usual one."""
        method = "" if self.method == REDS else f"-{self.method}"
        return f"{self.architecture}-{self.dataset}-{self.seed}{method}"

    @property
    def subnet_names(self) -> tuple[str, ...]:
        """Names of the subnetworks, the whole network first; known from the rule alone."""
        return self.widths.names

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "architecture": self.architecture,
            "dataset": self.dataset,
            "seed": self.seed,
            "widths": self.widths.to_dict(),
            "pretraining": self.pretraining.to_dict(),
            "finetuning": self.finetuning.to_dict(),
            "importance": self.importance,
            "checkpoint": self.checkpoint,
            "method": self.method,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_dict` wrote. What is left out is the network's default.

        Raises:
            ConfigError: an unknown or missing key, or a value out of range.
        """
        known = [field.name for field in fields(cls)]
        for key in data:
            if key not in known:
                raise unknown_name("key of a recipe", key, known)
        for key in ("architecture", "dataset", "seed"):
            if key not in data:
                raise ConfigError(f"the recipe lacks {key!r}", seen=", ".join(data) or "nothing")
        for key in ("widths", "pretraining", "finetuning"):
            if not isinstance(data.get(key, {}), Mapping):
                raise ConfigError(f"{key!r} of a recipe is a table of names and values", seen=repr(data[key]))
        network, widths = find_architecture(str(data["architecture"])), data.get("widths", {})
        if widths.get("rule") == HalvingRule.rule:
            widths = {"groups": halved_groups(network), **widths}
        return recipe_for(
            network.name,
            str(data["dataset"]),
            data["seed"],
            rule_from_dict(widths),
            pretraining=data.get("pretraining"),
            finetuning=data.get("finetuning"),
            importance=str(data.get("importance", TAYLOR)),
            checkpoint=data.get("checkpoint"),
            method=data.get("method", REDS),
        )


def recipe_for(
    architecture: str,
    dataset: str,
    seed: int,
    widths: WidthRule,
    *,
    pretraining: Mapping[str, Any] | None = None,
    finetuning: Mapping[str, Any] | None = None,
    importance: str = TAYLOR,
    checkpoint: str | None = None,
    method: str = REDS,
) -> Recipe:
    """The recipe of a network on a data set, with its default training plans.

    Args:
        architecture: name of the network.
        dataset: name of the data set.
        seed: decides split, initial weights, shuffling and augmentation.
        widths: the rule that chooses the subnetworks.
        pretraining: numbers of the first training that differ from the default ({"epochs": 2}).
        finetuning: the same for the second.
        importance: how channels are scored.
        checkpoint: path of a published network to start from.
        method: what is trained.

    Raises:
        ConfigError: an unknown name or key, or a value out of range.
    """
    find_architecture(architecture)
    plans = default_plans(architecture, check_dataset(dataset))
    return Recipe(
        architecture,
        dataset,
        seed,
        widths,
        plans.pretraining.changed(pretraining or {}),
        plans.finetuning.changed(finetuning or {}),
        importance,
        checkpoint,
        method,
    )
