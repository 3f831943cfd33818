"""From recipe to bundle through the cache."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reds import methods
from reds.bundle import Bundle
from reds.cache import CACHE_VARIABLE
from reds.datasets.split import open_split
from reds.methods import networks
from reds.pipeline import locate, make, steps
from reds.progress import silent
from reds.recipe import Recipe, recipe_for
from reds.stage_graph import in_order
from reds.widths import HalvingRule, SearchRule

FEW = {"epochs": 2}
RECIPE = recipe_for("mlp1", "digits", 0, SearchRule((1, 0.5, 0.25)), pretraining=FEW, finetuning=FEW)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def use(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(cache))


def test_nothing_is_located_before_it_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert locate(RECIPE) is None


def test_each_part_of_a_recipe_decides_some_stage_and_no_earlier_one() -> None:
    def keys(recipe: Recipe) -> list[str]:
        return [step.key("fingerprint") for step in in_order(networks(recipe))]

    def changed_from(recipe: Recipe) -> int:
        same = [a == b for a, b in zip(keys(RECIPE), keys(recipe), strict=True)]
        assert not any(same[same.index(False) :])
        return same.index(False)

    def recipe(network: str = "mlp1", seed: int = 0, rule=RECIPE.widths, first=FEW, second=FEW) -> Recipe:
        return recipe_for(network, "digits", seed, rule, pretraining=first, finetuning=second)

    assert keys(recipe()) == keys(RECIPE)
    assert changed_from(recipe(network="mlp3")) == 0
    assert changed_from(recipe(seed=1)) == 0
    assert changed_from(recipe(first={"epochs": 3})) == 0
    assert changed_from(replace(RECIPE, importance="l1")) == 1
    assert changed_from(recipe(rule=HalvingRule(("hidden1",)))) == 2
    assert changed_from(recipe(second={"epochs": 3})) == 3


@pytest.mark.slow
def test_a_recipe_is_made_once_and_found_without_training_libraries(cache: Path) -> None:
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    seen: list[tuple[str, float]] = []
    made = make(RECIPE, lambda doing, count: seen.append((doing, count)))
    assert sum(count for _, count in seen) == steps(RECIPE) == 7
    assert locate(RECIPE) == made

    seen.clear()
    assert make(RECIPE, lambda doing, count: seen.append((doing, count))) == made
    assert seen == [("mlp1-digits-0: found in the cache", 7)]

    program = (
        "import json, sys; from reds.pipeline import locate; from reds.recipe import Recipe\n"
        "found = locate(Recipe.from_dict(json.loads(sys.argv[1])))\n"
        "print(found.bundle, sorted({'tensorflow', 'keras', 'sklearn'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", program, json.dumps(RECIPE.to_dict())]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{made.bundle} []"


@pytest.mark.slow
def test_what_is_made_is_complete_and_consistent() -> None:
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    made = make(RECIPE, silent)
    bundle, split, logits = Bundle.load(made.bundle), open_split(made.data), made.logits()
    assert tuple(subnet.name for subnet in bundle.subnets) == RECIPE.subnet_names == tuple(made.accuracy())
    assert logits.shape == (3, len(split.x_test), 10)
    assert logits.dtype == np.float32
    for level, name in enumerate(made.accuracy()):
        assert made.accuracy()[name] == pytest.approx(float((logits[level].argmax(axis=1) == split.y_test).mean()))
    facts = bundle.provenance
    assert Recipe.from_dict(facts["recipe"]) == RECIPE
    assert facts["accuracy"] == made.accuracy()
    assert facts["data"] == {"name": "digits", "seed": 0, "fingerprint": split.fingerprint, "origin": split.origin}
    assert {"python", "numpy", "keras"} <= facts["tools"].keys()
    assert [item["limit_macs"] for item in facts["widths"]["solutions"]] == [2960, 1480, 740]
    assert {item["status"] for item in facts["widths"]["solutions"]} == {"optimal"}
    assert {"solver", "value", "bound", "gap", "seconds", "macs"} <= facts["widths"]["solutions"][0].keys()
    assert len(facts["finetuning"]["last_losses"]) == 3


@pytest.mark.slow
def test_a_changed_fine_tuning_keeps_the_pretraining(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    make(RECIPE, silent)

    def never(*_arguments: object) -> Bundle:
        raise AssertionError("pretrained again")

    monkeypatch.setattr(methods, "pretrained", never)
    other = recipe_for("mlp1", "digits", 0, RECIPE.widths, pretraining=FEW, finetuning={"epochs": 1})
    assert locate(other) is None
    assert make(other, silent) != make(RECIPE, silent)
