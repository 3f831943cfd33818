"""What is made of a network: nested subnetworks, and what they are compared with. Each method is a few steps over stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.importing.identity import content_digest
from reds.plans import EpochsDone, TrainingPlan
from reds.recipe import EARLY_EXITS, REDS, REDS_FROM_SCRATCH, SCRATCH, Recipe
from reds.stage_graph import Step
from reds.stages import Stage
from reds.steps.convert import converted
from reds.steps.exits import with_exits
from reds.steps.finetune import finetuned
from reds.steps.from_scratch import alone_from_scratch, nested_from_scratch
from reds.steps.narrow import narrowed
from reds.steps.pretrain import pretrained
from reds.steps.published import published
from reds.zoo import architecture as find_architecture

PRETRAINED = Stage("pretrained", "reds.steps.pretrain", "pretraining")
IMPORTED = Stage("imported", "reds.steps.published", "importing")
CONVERTED = Stage("converted", "reds.steps.convert", "scoring")
NARROWED = Stage("narrowed", "reds.steps.narrow", "choosing widths")
FINETUNED = Stage("finetuned", "reds.steps.finetune", "fine-tuning")
NESTED = Stage("nested", "reds.steps.from_scratch", "training from scratch")
ALONE = Stage("alone", "reds.steps.from_scratch", "training from scratch, alone")
EXITS = Stage("exits", "reds.steps.exits", "training exits")


class Ingredients:
    """The steps that methods have in common, each made once for a recipe.

    Args:
        recipe: what they are for.

    Raises:
        MissingError: the recipe names a checkpoint that is not there.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.architecture = find_architecture(recipe.architecture)

    @cached_property
    def whole(self) -> Step:
        """The whole network: a published one, or trained here."""
        return self._pretrained() if self.recipe.checkpoint is None else self._imported(Path(self.recipe.checkpoint))

    def _pretrained(self) -> Step:
        architecture, plan, seed = self.architecture, self.recipe.pretraining, self.recipe.seed
        inputs = {"architecture": architecture.to_dict(), "plan": plan.to_dict(), "seed": seed}
        return Step(
            PRETRAINED, inputs, lambda _, split, tick: [pretrained(architecture, split, plan, seed, tick)], ticks=plan.epochs
        )

    def _imported(self, path: Path) -> Step:
        architecture, seed, digest = self.architecture, self.recipe.seed, content_digest(path)
        inputs = {"architecture": architecture.to_dict(), "checkpoint": digest, "file": path.name, "seed": seed}
        return Step(IMPORTED, inputs, lambda _, split, _tick: [published(path, digest, architecture, split, seed)])

    @cached_property
    def nested(self) -> Step:
        """The whole network, its channels sorted, with subnetworks that have not been trained."""
        seed, widths, importance = self.recipe.seed, self.recipe.widths, self.recipe.importance
        ranked = Step(
            CONVERTED,
            {"seed": seed, "importance": importance},
            lambda bundles, split, _: [converted(bundles[0], split, seed, method=importance)],
            before=(self.whole,),
        )
        return Step(
            NARROWED,
            {"widths": widths.to_dict()},
            lambda bundles, _split, _tick: [narrowed(bundles[0], widths)],
            before=(ranked,),
        )


Method = Callable[[Ingredients], tuple[Step, ...]]
"""The steps that leave a recipe's networks: a nested one, or one for each budget."""


def reds(given: Ingredients) -> tuple[Step, ...]:
    """Nested subnetworks of a trained network, trained together from its weights."""
    return _trained_together(given, FINETUNED, finetuned)


def reds_from_scratch(given: Ingredients) -> tuple[Step, ...]:
    """Nested subnetworks of the same widths, trained together from random weights."""
    return _trained_together(given, NESTED, nested_from_scratch)


JointTraining = Callable[[Bundle, Split, TrainingPlan, int, EpochsDone], Bundle]


def _trained_together(given: Ingredients, stage: Stage, train: JointTraining) -> tuple[Step, ...]:
    plan, seed = given.recipe.finetuning, given.recipe.seed
    step = Step(
        stage,
        {"plan": plan.to_dict(), "seed": seed},
        lambda bundles, split, tick: [train(bundles[0], split, plan, seed, tick)],
        ticks=plan.epochs,
        before=(given.nested,),
    )
    return (step,)


def scratch(given: Ingredients) -> tuple[Step, ...]:
    """For each budget an ordinary network of the same widths, trained alone from random weights."""
    return tuple(_alone(given, subnet) for subnet in given.recipe.subnet_names)


def _alone(given: Ingredients, subnet: str) -> Step:
    plan, seed = given.recipe.finetuning, given.recipe.seed
    return Step(
        ALONE,
        {"plan": plan.to_dict(), "seed": seed, "subnet": subnet},
        lambda bundles, split, tick: [
            alone_from_scratch(bundles[0], subnet, split=split, plan=plan, seed=seed, epochs_done=tick)
        ],
        ticks=plan.epochs,
        before=(given.nested,),
    )


def early_exits(given: Ingredients) -> tuple[Step, ...]:
    """For each budget the layers up to the deepest exit within it; all exits of the trained network are trained together."""
    plan, seed = given.recipe.finetuning, given.recipe.seed
    limits = dict(zip(given.recipe.subnet_names, given.recipe.widths.allowed_macs(given.architecture), strict=True))
    step = Step(
        EXITS,
        {"plan": plan.to_dict(), "seed": seed, "limits_macs": list(limits.items())},
        lambda bundles, split, tick: with_exits(bundles[0], limits, split=split, plan=plan, seed=seed, epochs_done=tick),
        ticks=plan.epochs,
        before=(given.whole,),
    )
    return (step,)


METHODS: Mapping[str, Method] = {
    REDS: reds,
    REDS_FROM_SCRATCH: reds_from_scratch,
    SCRATCH: scratch,
    EARLY_EXITS: early_exits,
}


def networks(recipe: Recipe) -> tuple[Step, ...]:
    """The steps that leave a recipe's networks.

    Raises:
        MissingError: the recipe names a checkpoint that is not there.
    """
    return METHODS[recipe.method](Ingredients(recipe))
