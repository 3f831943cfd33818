"""Train all subnetworks of a bundle together on their shared weights. The last epoch's weights are kept.

A run that is killed goes on after its last whole epoch when it is started again with the same arguments.

examples:
  python -m reds finetune build/nested -o build/finished
  python -m reds finetune build/nested --epochs 20 -o build/quick
  python -m reds finetune build/nested --learning-rate 1e-3 --later-rates 15000:1e-4 --batch-norm shared -o build/published
"""

from __future__ import annotations

import argparse

from reds.bundle import Bundle, check_replaceable
from reds.commands.plan_options import add_joint_plan, chosen_plan
from reds.commands.shared import add_bundle, add_data, add_output, epochs_shown, training_data_of, wrote
from reds.defaults import default_plans
from reds.errors import ConfigError
from reds.steps.finetune import finetuned

NAME = "finetune"
SUMMARY = "train all subnetworks together"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_bundle(parser)
    add_data(parser)
    add_output(parser, "bundle folder to write; an older bundle there is replaced")
    add_joint_plan(parser)


def run(arguments: argparse.Namespace) -> None:
    """Train and write a bundle."""
    check_replaceable(arguments.output)
    bundle = Bundle.load(arguments.bundle)
    if len(bundle.subnets) == 1:
        do = "choose subnetworks first: python -m reds search"
        raise ConfigError(f"{arguments.bundle} has no subnetworks to train together", do=do)
    bundle, split, seed = training_data_of(bundle, arguments)
    plan = chosen_plan(arguments, default_plans(bundle.architecture.name, split.name).finetuning)
    with epochs_shown(f"fine-tuning {len(bundle.subnets)} subnetworks of {bundle.architecture.name}", plan.epochs) as epochs_done:
        bundle = finetuned(bundle, split, plan, seed, epochs_done)
    wrote(bundle, arguments.output)
