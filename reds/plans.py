"""How a network is trained: the numbers, and those that each published network is trained with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from reds.errors import ConfigError, unknown_name


@dataclass(frozen=True)
class TrainingPlan:
    """AdamW over shuffled mini-batches, the learning rate falling to zero along half a cosine; the last epoch's weights are kept.

    Attributes:
        epochs: passes over the training examples; 0 trains nothing.
        batch_size: examples per step; what does not fill a batch waits for another epoch.
        learning_rate: of the first step.
        weight_decay: of AdamW, decoupled, applied to kernels and biases.
        noise: standard deviation of the Gaussian noise added to each input.
        distillation: share of a subnetwork's target that is the whole network's own prediction of the same step (Yu and Huang,
            "Universally slimmable networks", ICCV 2019); the rest is the label. 0 where only the whole network is trained.

    Raises:
        ConfigError: a number out of range.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    noise: float = 0.0
    distillation: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            number = getattr(self, field.name)
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number < math.inf:
                raise ConfigError(f"{field.name} of a training plan is a number, zero or more", seen=repr(number))
        for name in ("epochs", "batch_size"):
            if not isinstance(getattr(self, name), int):
                raise ConfigError(f"{name} of a training plan is a whole number", seen=repr(getattr(self, name)))
        if self.batch_size < 1:
            raise ConfigError("batch_size of a training plan is at least 1", seen=str(self.batch_size))
        if self.distillation > 1:
            raise ConfigError("distillation of a training plan is a share, 0..1", seen=str(self.distillation))

    def changed(self, changes: Mapping[str, Any]) -> TrainingPlan:
        """The plan with some numbers replaced.

        Raises:
            ConfigError: an unknown name or a number out of range.
        """
        known = [field.name for field in fields(self)]
        for name in changes:
            if name not in known:
                raise unknown_name("key of a training plan", name, known)
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrainingPlan:
        """What `to_dict` wrote.

        Raises:
            ConfigError: an unknown or missing key, or a number out of range.
        """
        known = {field.name for field in fields(cls)}
        for name in data:
            if name not in known:
                raise unknown_name("key of a training plan", name, known)
        try:
            return cls(**data)
        except TypeError as error:
            raise ConfigError("the training plan is incomplete", seen=str(error)) from error


@dataclass(frozen=True)
class Plans:
    """Both trainings of a network: alone, and with its subnetworks."""

    pretraining: TrainingPlan
    finetuning: TrainingPlan
