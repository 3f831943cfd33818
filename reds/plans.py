"""How a network is trained: the numbers, and those that each published network is trained with."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from reds.errors import ConfigError, unknown_name

BATCH_NORMS = ("own", "shared")
LOSS_WEIGHTS = ("parameters", "halving")
COMPUTE_TYPES = ("float32", "bfloat16")
_CHOICES: Mapping[str, Collection[str]] = {
    "batch_norm": BATCH_NORMS,
    "loss_weights": LOSS_WEIGHTS,
    "compute_type": COMPUTE_TYPES,
}
_NUMBERS = ("epochs", "batch_size", "learning_rate", "weight_decay", "noise", "distillation", "epoch_examples")

EpochsDone = Callable[[float], None]
"""Called with how many epochs of a training are done: at its beginning with those of an earlier run that was killed (else with
0), then as it goes on, in parts of an epoch too."""


@dataclass(frozen=True)
class TrainingPlan:
    """AdamW over shuffled mini-batches; the last epoch's weights are kept.

    Attributes:
        epochs: passes over the training examples; 0 trains nothing.
        batch_size: examples per step; what does not fill a batch waits for another epoch.
        learning_rate: of the first step.
        weight_decay: of AdamW, decoupled, applied to kernels and biases, not to batch norm.
        noise: standard deviation of the Gaussian noise added to each input.
        distillation: share of a subnetwork's target that is the whole network's own prediction of the same step (Yu and Huang,
            "Universally slimmable networks", ICCV 2019); the rest is the label. 0 where only the whole network is trained.
        later_rates: (step, learning rate) pairs, steps rising: from that step on the rate is that. Empty: the rate falls to zero
            along half a cosine.
        batch_norm: "own": every subnetwork has batch norm of its own, trained on batch statistics and recalibrated on training
            examples afterwards; "shared": one batch norm that works as in inference, as published.
        loss_weights: "parameters": a subnetwork's loss counts by the root of its share of the parameters (REDS);
            "halving": each counts half of the next larger one's (the poster).
        compute_type: "float32", or "bfloat16" for activations and their gradients (weights, batch norm and losses stay float32).
        epoch_examples: the most training examples that an epoch draws, others in each; 0: all of them.

    Raises:
        ConfigError: a number out of range, or an unknown choice.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    noise: float = 0.0
    distillation: float = 0.0
    later_rates: tuple[tuple[int, float], ...] = ()
    batch_norm: str = "own"
    loss_weights: str = "parameters"
    compute_type: str = "float32"
    epoch_examples: int = 0

    def __post_init__(self) -> None:
        for name in _NUMBERS:
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number < math.inf:
                raise ConfigError(f"{name} of a training plan is a number, zero or more", seen=repr(number))
        for name in ("epochs", "batch_size", "epoch_examples"):
            if not isinstance(getattr(self, name), int):
                raise ConfigError(f"{name} of a training plan is a whole number", seen=repr(getattr(self, name)))
        if self.batch_size < 1:
            raise ConfigError("batch_size of a training plan is at least 1", seen=str(self.batch_size))
        if self.distillation > 1:
            raise ConfigError("distillation of a training plan is a share, 0..1", seen=str(self.distillation))
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise unknown_name(f"{name} of a training plan", str(getattr(self, name)), choices)
        object.__setattr__(self, "later_rates", _rates(self.later_rates))

    def changed(self, changes: Mapping[str, Any]) -> TrainingPlan:
        """The plan with some values replaced.

        Raises:
            ConfigError: an unknown name or a value out of range.
        """
        known = [field.name for field in fields(self)]
        for name in changes:
            if name not in known:
                raise unknown_name("key of a training plan", name, known)
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {**asdict(self), "later_rates": [list(pair) for pair in self.later_rates]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrainingPlan:
        """What `to_dict` wrote.

        Raises:
            ConfigError: an unknown or missing key, or a value out of range.
        """
        known = {field.name for field in fields(cls)}
        for name in data:
            if name not in known:
                raise unknown_name("key of a training plan", name, known)
        try:
            return cls(**data)
        except TypeError as error:
            raise ConfigError("the training plan is incomplete", seen=str(error)) from error


def _rates(pairs: Any) -> tuple[tuple[int, float], ...]:
    """The (step, learning rate) pairs, after checking that steps rise and rates are numbers above 0."""
    try:
        rates = tuple((int(step), float(rate)) for step, rate in pairs)
    except (TypeError, ValueError) as error:
        raise ConfigError("later_rates of a training plan are pairs of a step and a learning rate", seen=repr(pairs)) from error
    steps = [step for step, _ in rates]
    if steps != sorted(set(steps)) or any(step < 1 or not 0 < rate < math.inf for step, rate in rates):
        raise ConfigError("later_rates of a training plan have rising steps and rates above 0", seen=repr(pairs))
    return rates


@dataclass(frozen=True)
class Plans:
    """Both trainings of a network: alone, and with its subnetworks."""

    pretraining: TrainingPlan
    finetuning: TrainingPlan
