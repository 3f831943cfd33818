"""From a recipe to a finished bundle through the cache: what was made before is found, what is missing is made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reds.bundle import Bundle
from reds.datasets.registry import check_fit
from reds.datasets.request import Request
from reds.datasets.split import Split, open_split, stated_fingerprint
from reds.prepared import found_data, prepared_data
from reds.progress import Progress, tenths
from reds.recipe import Recipe
from reds.stages import Stage
from reds.steps.convert import converted
from reds.steps.evaluate import evaluated
from reds.steps.finetune import finetuned
from reds.steps.narrow import narrowed
from reds.steps.pretrain import pretrained
from reds.zoo import architecture as find_architecture

PRETRAINED = Stage("pretrained", "reds.steps.pretrain", "pretraining")
CONVERTED = Stage("converted", "reds.steps.convert", "scoring")
NARROWED = Stage("narrowed", "reds.steps.narrow", "choosing widths")
FINETUNED = Stage("finetuned", "reds.steps.finetune", "fine-tuning")
EVALUATED = Stage("evaluated", "reds.steps.evaluate", "evaluating")
AFTER_DATA = (PRETRAINED, CONVERTED, NARROWED, FINETUNED, EVALUATED)

OnEpoch = Callable[[int], None]
BUNDLE, EVALUATION = "bundle", "evaluation"
LOGITS, ACCURACY = "logits.npy", "accuracy.json"


@dataclass(frozen=True)
class Artifacts:
    """Where the results of a recipe lie.

    Attributes:
        bundle: folder that `Bundle.load` reads; its provenance holds recipe, search, tools and accuracy.
        evaluation: folder with `logits.npy`, float32 (subnetworks, test examples, classes), computed by Keras on each
            subnetwork's own sliced weights, and `accuracy.json`, share of right answers by subnetwork name.
        data: folder that `open_split` reads.
    """

    bundle: Path
    evaluation: Path
    data: Path

    def logits(self) -> np.ndarray:
        """The logits, mapped read-only."""
        return np.load(self.evaluation / LOGITS, mmap_mode="r", allow_pickle=False)

    def accuracy(self) -> Mapping[str, float]:
        """Share of right answers on the test examples by subnetwork name."""
        return json.loads((self.evaluation / ACCURACY).read_text())


def locate(recipe: Recipe) -> Artifacts | None:
    """The results of a recipe, None where they have not all been made. Trains nothing and imports no TensorFlow.

    Raises:
        ConfigError: the network does not fit the data set.
    """
    data = found_data(recipe.dataset, _request(recipe))
    if data is None:
        return None
    inputs = stage_inputs(recipe, stated_fingerprint(data))
    folder = EVALUATED.find(EVALUATED.key(inputs[EVALUATED.name]))
    return None if folder is None else Artifacts(folder / BUNDLE, folder / EVALUATION, data)


def steps(recipe: Recipe) -> int:
    """How many steps of progress `make` reports for a recipe: one for each epoch, one for each stage that trains nothing."""
    return recipe.pretraining.epochs + recipe.finetuning.epochs + 3


def make(recipe: Recipe, progress: Progress) -> Artifacts:
    """The results of a recipe; what is not in the cache is made, in this process.

    Raises:
        MissingError: TensorFlow, another package or the data set is needed and not there.
        BudgetError: the search cannot meet a budget.
    """
    if (found := locate(recipe)) is not None:
        progress(f"{recipe.name}: found in the cache", steps(recipe))
        return found
    data = prepared_data(recipe.dataset, _request(recipe), tenths(lambda doing: progress(f"{recipe.name}: {doing}", 0)))
    split, seed, architecture = open_split(data), recipe.seed, find_architecture(recipe.architecture)
    run = _Run(recipe, stage_inputs(recipe, split.fingerprint), progress)
    first, second = recipe.pretraining, recipe.finetuning
    whole = run.bundle(PRETRAINED, first.epochs, lambda tick: pretrained(architecture, split, first, seed, tick))
    ranked = run.bundle(CONVERTED, 1, lambda _: converted(whole, split, seed))
    nested = run.bundle(NARROWED, 1, lambda _: narrowed(ranked, recipe.widths))
    trained = run.bundle(FINETUNED, second.epochs, lambda tick: finetuned(nested, split, second, seed, tick))
    folder = run.stage(EVALUATED, 1, lambda folder, _: _write_evaluated(folder, trained, split, recipe))
    return Artifacts(folder / BUNDLE, folder / EVALUATION, data)


@dataclass(frozen=True)
class _Run:
    """One recipe on its way through the stages."""

    recipe: Recipe
    inputs: Mapping[str, Mapping[str, Any]]
    progress: Progress

    def stage(self, stage: Stage, count: int, work: Callable[[Path, OnEpoch], None]) -> Path:
        """The folder of a stage's result; `count` steps of progress are reported, as epochs end or afterwards."""
        label, reported = f"{self.recipe.name}: {stage.doing}", 0

        def tick(_epoch: int) -> None:
            nonlocal reported
            reported += 1
            self.progress(label, 1)

        self.progress(label, 0)
        folder = stage.build(self.inputs[stage.name], lambda folder: work(folder, tick))
        self.progress(label, count - reported)
        return folder

    def bundle(self, stage: Stage, count: int, work: Callable[[OnEpoch], Bundle]) -> Bundle:
        """The bundle that is a stage's result."""
        return Bundle.load(self.stage(stage, count, lambda folder, tick: work(tick).save(folder / BUNDLE)) / BUNDLE)


def _request(recipe: Recipe) -> Request:
    """The data that a recipe's network reads; raises ConfigError where it cannot."""
    network = find_architecture(recipe.architecture)
    check_fit(network, recipe.dataset)
    return Request(recipe.seed, network.input_shape)


def _write_evaluated(folder: Path, bundle: Bundle, split: Split, recipe: Recipe) -> None:
    evaluation = evaluated(bundle, split)
    (folder / EVALUATION).mkdir()
    np.save(folder / EVALUATION / LOGITS, evaluation.logits, allow_pickle=False)
    (folder / EVALUATION / ACCURACY).write_text(json.dumps(dict(evaluation.accuracy), indent=1) + "\n")
    bundle.with_provenance(recipe=recipe.to_dict(), accuracy=dict(evaluation.accuracy)).save(folder / BUNDLE)


def stage_inputs(recipe: Recipe, fingerprint: str) -> dict[str, dict[str, Any]]:
    """By stage name, everything that decides the stage's result: the stage before by its key, the data by their fingerprint."""
    own: dict[str, dict[str, Any]] = {
        PRETRAINED.name: {
            "architecture": find_architecture(recipe.architecture).to_dict(),
            "data": fingerprint,
            "plan": recipe.pretraining.to_dict(),
            "seed": recipe.seed,
        },
        CONVERTED.name: {"data": fingerprint, "seed": recipe.seed},
        NARROWED.name: {"widths": recipe.widths.to_dict()},
        FINETUNED.name: {"data": fingerprint, "plan": recipe.finetuning.to_dict(), "seed": recipe.seed},
        EVALUATED.name: {"data": fingerprint, "recipe": recipe.to_dict()},
    }
    before: str | None = None
    for stage in AFTER_DATA:
        if before is not None:
            own[stage.name]["before"] = before
        before = stage.key(own[stage.name])
    return own
