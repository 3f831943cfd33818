"""From a recipe to finished bundles through the cache: what was made before is found, what is missing is made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count, takewhile
from pathlib import Path
from typing import Any

import numpy as np

from reds.bundle import Bundle
from reds.datasets.registry import check_fit
from reds.datasets.request import Request
from reds.datasets.split import Split, open_split, stated_fingerprint
from reds.methods import networks
from reds.plans import EpochsDone
from reds.prepared import found_data, prepared_data
from reds.progress import EpochsShown, Progress, tenths
from reds.recipe import Recipe
from reds.stage_graph import Step, in_order
from reds.stages import Stage
from reds.steps.evaluate import evaluated, validated
from reds.zoo import architecture as find_architecture

EVALUATED = Stage("evaluated", "reds.steps.evaluate", "evaluating")

BUNDLE, EVALUATION = "bundle", "evaluation"
LOGITS, ACCURACY, VALIDATION = "logits.npy", "accuracy.json", "validation.json"


@dataclass(frozen=True)
class Artifacts:
    """Where the results of a recipe lie.

    Attributes:
        bundles: folders that `Bundle.load` reads, one with all subnetworks or one for each budget, the whole network's first;
            their provenance holds recipe, search, tools and accuracy.
        evaluation: folder with `logits.npy`, float32 (subnetworks, test examples, classes), computed by Keras on each
            subnetwork's own sliced weights; `accuracy.json`, share of right answers on the test examples by subnetwork name; and
            `validation.json`, the same on the validation examples, empty where the data have none.
        data: folder that `open_split` reads.
    """

    bundles: tuple[Path, ...]
    evaluation: Path
    data: Path

    @property
    def bundle(self) -> Path:
        """The nested network; of a method with one network for each budget, the whole network."""
        return self.bundles[0]

    def logits(self) -> np.ndarray:
        """The logits, mapped read-only."""
        return np.load(self.evaluation / LOGITS, mmap_mode="r", allow_pickle=False)

    def accuracy(self) -> Mapping[str, float]:
        """Share of right answers on the test examples by subnetwork name."""
        return json.loads((self.evaluation / ACCURACY).read_text())

    def validation(self) -> Mapping[str, float]:
        """Share of right answers on the validation examples by subnetwork name; empty where the data have none."""
        return json.loads((self.evaluation / VALIDATION).read_text())


def locate(recipe: Recipe, data_dir: Path | None = None) -> Artifacts | None:
    """The results of a recipe, None where they have not all been made. Trains nothing and imports no TensorFlow.

    Args:
        recipe: what is looked for.
        data_dir: as in `Request`.

    Raises:
        ConfigError: the network does not fit the data set.
        MissingError: the recipe names a checkpoint that is not there.
    """
    data = found_data(recipe.dataset, _request(recipe, data_dir))
    if data is None:
        return None
    key = EVALUATED.key(_evaluation_facts(recipe, networks(recipe), stated_fingerprint(data)))
    folder = EVALUATED.find(key)
    return None if folder is None else _artifacts(folder, data)


def steps(recipe: Recipe) -> int:
    """How many steps of progress `make` reports for a recipe: one for each epoch, one for each stage that trains nothing.

    Raises:
        MissingError: the recipe names a checkpoint that is not there.
    """
    return sum(step.ticks for step in in_order(networks(recipe))) + 1


def make(recipe: Recipe, progress: Progress, data_dir: Path | None = None) -> Artifacts:
    """The results of a recipe; what is not in the cache is made, in this process.

    Args:
        recipe: what is made.
        progress: called as the work goes on.
        data_dir: as in `Request`.

    Raises:
        ConfigError: the network does not fit the data set, or a loss is no longer a number.
        MissingError: TensorFlow, another package, the checkpoint or the data set is needed and not there.
        ProtocolError: the checkpoint is damaged.
        BudgetError: a budget cannot be met.
    """
    if (found := locate(recipe, data_dir)) is not None:
        progress(f"{recipe.name}: found in the cache", steps(recipe))
        return found
    request, amounts = _request(recipe, data_dir), tenths(lambda doing: progress(f"{recipe.name}: {doing}", 0))
    data = prepared_data(recipe.dataset, request, amounts)
    split, last = open_split(data), networks(recipe)
    run = _Run(recipe, split, progress)
    folders: dict[Step, Path] = {}
    for step in in_order(last):
        given = [bundle for each in step.before for bundle in _load(folders[each])]
        folders[step] = run.networks(step, given)
    trained = [bundle for step in last for bundle in _load(folders[step])]
    facts = _evaluation_facts(recipe, last, split.fingerprint)
    folder = run.stage(EVALUATED, facts, 1, lambda folder, _: _write_evaluated(folder, trained, split, recipe))
    return _artifacts(folder, data)


@dataclass(frozen=True)
class _Run:
    """One recipe on its way through the stages."""

    recipe: Recipe
    split: Split
    progress: Progress

    def stage(self, stage: Stage, facts: Mapping[str, Any], ticks: int, work: Callable[[Path, EpochsDone], None]) -> Path:
        """The folder of a stage's result; `ticks` steps of progress are reported, as epochs go by or afterwards."""
        shown = EpochsShown(f"{self.recipe.name}: {stage.doing}", self.progress)
        folder = stage.build(facts, lambda folder: work(folder, shown))
        shown.finish(ticks)
        return folder

    def networks(self, step: Step, given: Sequence[Bundle]) -> Path:
        """The folder with the networks that are a step's result."""
        facts = step.facts(self.split.fingerprint)
        return self.stage(step.stage, facts, step.ticks, lambda folder, tick: _save(folder, step.work(given, self.split, tick)))


def _request(recipe: Recipe, data_dir: Path | None) -> Request:
    """The data that a recipe's network reads; raises ConfigError where they do not fit."""
    architecture = find_architecture(recipe.architecture)
    check_fit(architecture, recipe.dataset)
    return Request(recipe.seed, architecture.input_shape, data_dir)


def _evaluation_facts(recipe: Recipe, last: Sequence[Step], data: str) -> dict[str, Any]:
    """Everything that decides an evaluation."""
    return {"data": data, "recipe": _portable(recipe), "before": [step.key(data) for step in last]}


def _portable(recipe: Recipe) -> dict[str, Any]:
    """The recipe as data, with its checkpoint by name: what it holds counts where it is read, where it lies counts nowhere."""
    name = None if recipe.checkpoint is None else Path(recipe.checkpoint).name
    return replace(recipe, checkpoint=name).to_dict()


def _write_evaluated(folder: Path, bundles: Sequence[Bundle], split: Split, recipe: Recipe) -> None:
    evaluations = [evaluated(bundle, split) for bundle in bundles]
    accuracy = dict(chain.from_iterable(each.accuracy.items() for each in evaluations))
    validation = dict(chain.from_iterable(validated(bundle, split).items() for bundle in bundles))
    (folder / EVALUATION).mkdir()
    np.save(folder / EVALUATION / LOGITS, np.concatenate([each.logits for each in evaluations]), allow_pickle=False)
    for name, shares in ((ACCURACY, accuracy), (VALIDATION, validation)):
        (folder / EVALUATION / name).write_text(json.dumps(shares, indent=1) + "\n")
    facts = {"recipe": _portable(recipe), "accuracy": accuracy, "validation_accuracy": validation}
    _save(folder, [bundle.with_provenance(**facts) for bundle in bundles])


def _save(folder: Path, bundles: Sequence[Bundle]) -> None:
    for bundle, path in zip(bundles, _places(folder), strict=False):
        bundle.save(path)


def _load(folder: Path) -> list[Bundle]:
    return [Bundle.load(path) for path in _found(folder)]


def _found(folder: Path) -> tuple[Path, ...]:
    return tuple(takewhile(Path.is_dir, _places(folder)))


def _places(folder: Path) -> chain[Path]:
    """Where the networks of a stage lie: bundle, bundle-2, bundle-3 and so on."""
    return chain([folder / BUNDLE], (folder / f"{BUNDLE}-{number}" for number in count(2)))


def _artifacts(folder: Path, data: Path) -> Artifacts:
    return Artifacts(_found(folder), folder / EVALUATION, data)
