"""Arguments that change a training plan."""

from __future__ import annotations

import argparse
from typing import Any

from reds.errors import ConfigError
from reds.plans import BATCH_NORMS, COMPUTE_TYPES, LOSS_WEIGHTS, TrainingPlan

_NUMBERS = (
    ("epochs", int, "passes over the training examples"),
    ("batch_size", int, "examples per step"),
    ("learning_rate", float, "of the first step"),
    ("weight_decay", float, "of AdamW"),
    ("noise", float, "standard deviation of what is added to each input"),
)
_JOINT_CHOICES = (
    ("batch_norm", BATCH_NORMS, "batch norm of its own for each subnetwork, or one for all, as published"),
    ("loss_weights", LOSS_WEIGHTS, "how much each subnetwork's loss counts: by its parameters, or half of the next larger one's"),
)


def add_plan(parser: argparse.ArgumentParser) -> None:
    """The numbers of a plan; what is left out is the network's own."""
    group = parser.add_argument_group("training plan", "What is left out is the network's own plan on this data set.")
    for name, kind, help_text in _NUMBERS:
        group.add_argument(_flag(name), type=kind, metavar="N" if kind is int else "X", help=help_text)
    group.add_argument(
        "--later-rates",
        metavar="STEP:RATE,...",
        help="learning rates from these steps on, like 15000:1e-4 (default: falling to zero along half a cosine)",
    )
    group.add_argument("--compute-type", choices=COMPUTE_TYPES, help="of activations; bfloat16 pays on graphics processors")


def add_joint_plan(parser: argparse.ArgumentParser) -> None:
    """The same for the joint training of subnetworks."""
    add_plan(parser)
    group = parser.add_argument_group("joint training")
    group.add_argument("--distillation", type=float, metavar="SHARE", help="of the target: the whole network's own prediction")
    for name, choices, help_text in _JOINT_CHOICES:
        group.add_argument(_flag(name), choices=choices, help=help_text)


def chosen_plan(arguments: argparse.Namespace, default: TrainingPlan) -> TrainingPlan:
    """The default plan with what the command line changes.

    Raises:
        ConfigError: a number out of range.
    """
    names = [*(name for name, _, _ in _NUMBERS), "compute_type", "distillation", *(name for name, _, _ in _JOINT_CHOICES)]
    given: dict[str, Any] = {name: getattr(arguments, name, None) for name in names}
    changes = {name: value for name, value in given.items() if value is not None}
    for name in ("epochs", "learning_rate"):
        if changes.get(name) == 0:
            raise ConfigError(f"{_flag(name)} 0 trains nothing", do="leave it out for the network's own plan")
    if arguments.later_rates is not None:
        changes["later_rates"] = _pairs(arguments.later_rates)
    return default.changed(changes)


def _pairs(text: str) -> list[list[str]]:
    pairs = [part.split(":") for part in text.split(",")]
    if any(len(pair) != len(("step", "rate")) for pair in pairs):
        raise ConfigError(
            "--later-rates is a list of steps and learning rates", seen=text, do="write it like 15000:1e-4,30000:1e-5"
        )
    return pairs


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
