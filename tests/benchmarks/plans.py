"""What `reds/defaults.py` is chosen by: accuracy under several training plans on a validation part of the training examples.

    python -m tests.benchmarks.plans [--network mlp1] [--seeds N] [--change finetuning.learning_rate=0.02 ...]

A fifth of the training examples, the same share of every class, is kept from training and validates; the test examples are never
looked at. Each candidate is the default with one number changed: without --change, the learning rate and the noise of the
fine-tuning, halved and doubled. Widths are the poster's. The five candidates of one network and seed take half a minute to one.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping

import numpy as np

from reds.datasets.samples import stratified
from reds.datasets.split import Split, make_split
from reds.defaults import default_plans
from reds.errors import BenchError, ConfigError
from reds.plans import Plans
from reds.prepared import split_for
from reds.progress import Progress, showing
from reds.steps.convert import converted
from reds.steps.evaluate import evaluated
from reds.steps.finetune import finetuned
from reds.steps.narrow import narrowed
from reds.steps.pretrain import pretrained
from reds.zoo import POSTER_GROUPS, architecture
from tests.benchmarks.accuracy import poster_recipe

VALIDATION_SHARE = 0.2
DEFAULT = "default"


def validation_split(split: Split, seed: int) -> Split:
    """Four fifths of the training examples to train with, one fifth in place of the test examples."""
    x, y = np.asarray(split.x_train), np.asarray(split.y_train)
    kept = np.zeros(len(y), bool)
    kept[stratified(y, round(VALIDATION_SHARE * len(y)), seed)] = True
    return make_split(f"{split.name} (validation)", seed, split.classes, train=(x[~kept], y[~kept]), test=(x[kept], y[kept]))


def changed(plans: Plans, change: str) -> Plans:
    """The plans with one number changed: "finetuning.noise=0.2"."""
    try:
        path, value = change.split("=")
        part, name = path.split(".")
        parts = {"pretraining": plans.pretraining, "finetuning": plans.finetuning}
        number = type(getattr(parts[part], name))(value)
    except (ValueError, KeyError, AttributeError) as error:
        raise ConfigError(f"cannot read the change {change!r}", do="write it like finetuning.learning_rate=0.02") from error
    return Plans(**{**parts, part: parts[part].changed({name: number})})


def candidates(network: str, changes: list[str]) -> Mapping[str, Plans]:
    """By what they change, the default and its neighbours."""
    default = default_plans(network, "digits")
    tuning = default.finetuning
    named = {"learning_rate": tuning.learning_rate, "noise": tuning.noise}
    neighbours = [f"finetuning.{name}={factor * value:g}" for name, value in named.items() for factor in (0.5, 2)]
    return {DEFAULT: default} | {change: changed(default, change) for change in changes or neighbours}


def accuracies(network: str, plans: Plans, seed: int, progress: Progress) -> list[float]:
    """Percent of the validation part that each subnetwork answers rightly."""
    recipe, whole_network = poster_recipe(network, seed), architecture(network)
    split = validation_split(split_for(whole_network, "digits", seed), seed)
    whole = pretrained(whole_network, split, plans.pretraining, seed, lambda _: progress("pretraining", 1))
    nested = narrowed(converted(whole, split, seed), recipe.widths)
    trained = finetuned(nested, split, plans.finetuning, seed, lambda _: progress("fine-tuning", 1))
    return [100 * accuracy for accuracy in evaluated(trained, split).accuracy.values()]


def main() -> int:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=tuple(POSTER_GROUPS), default="mlp1", help="default: mlp1")
    parser.add_argument("--seeds", type=int, default=2, metavar="N", help="seeds 0 to N - 1 (default: 2)")
    parser.add_argument("--change", action="append", default=[], metavar="PLAN.NAME=VALUE", help="a candidate; may be repeated")
    arguments = parser.parse_args()
    try:
        chosen = candidates(arguments.network, arguments.change)
        epochs = sum(plans.pretraining.epochs + plans.finetuning.epochs for plans in chosen.values()) * arguments.seeds
        names = poster_recipe(arguments.network, 0).subnet_names
        print(f"{'validation accuracy %':34} " + " ".join(f"{name:>6}" for name in names) + "   mean")
        with showing(epochs) as progress:
            for change, plans in chosen.items():
                by_seed = [accuracies(arguments.network, plans, seed, progress) for seed in range(arguments.seeds)]
                means = [statistics.mean(each) for each in zip(*by_seed, strict=True)]
                print(f"{change:34} " + " ".join(f"{m:6.2f}" for m in means) + f" {statistics.mean(means):6.2f}", flush=True)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
