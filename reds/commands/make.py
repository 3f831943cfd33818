"""Make the bundles of a list of recipes through the cache: what was made before is found, the rest is made.

The file holds a JSON list; of a recipe only architecture, dataset and seed are needed:

  [{"architecture": "mlp3", "dataset": "digits", "seed": 0},
   {"architecture": "mlp1", "dataset": "digits", "seed": 1,
    "widths": {"rule": "halving", "groups": ["hidden1"], "fractions": [1, 0.5, 0.25]},
    "finetuning": {"epochs": 50}}]

"checkpoint" is the path of a published network to start from (see: python -m reds import --help). "method" is one of
  reds               nested subnetworks, trained together from the weights of the whole network (default)
  reds-from-scratch  the same widths, trained together from random weights
  scratch            an ordinary network of each of these widths, trained alone from random weights
  early-exits        the whole network with classifiers after some of its layers, the deepest within each budget

examples:
  python -m reds make recipes.json
  python -m reds make recipes.json --data-dir data
  REDS_BENCH_CACHE=build/cache python -m reds make recipes.json --json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from reds.bundle import Bundle
from reds.commands.shared import add_data_dir, add_json, print_subnets, subnet_rows
from reds.errors import ConfigError, MissingError
from reds.pipeline import Artifacts, make, steps
from reds.progress import showing
from reds.recipe import Recipe

NAME = "make"
MISSING = "missing"
HEAD = ("architecture", "dataset", "seed", "method", "bundle", "evaluation", "data")
"""What all rows of a recipe have in common, and what is for programs."""
SUMMARY = "make the bundles of a list of recipes through the cache"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("recipes", type=Path, metavar="RECIPES.json", help="file with a JSON list of recipes")
    add_data_dir(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Make all of them and print every subnetwork."""
    recipes = read_recipes(arguments.recipes)
    with showing(sum(steps(recipe) for recipe in recipes)) as progress:
        made = [(recipe, make(recipe, progress, arguments.data_dir)) for recipe in recipes]
    if arguments.json:
        rows = [{"recipe": number, **row} for number, each in enumerate(made) for row in _rows(*each)]
        print_subnets(rows, as_json=True)
        return
    for recipe, artifacts in made:
        rows = _rows(recipe, artifacts)
        print(f"{recipe.architecture}, {recipe.dataset}, seed {recipe.seed}, {recipe.method}:")
        print_subnets([{key: value for key, value in row.items() if key not in HEAD} for row in rows], as_json=False)
        for row in rows:
            if MISSING in row:
                print(f"{row['subnet']}: {row[MISSING]}")


def read_recipes(path: Path) -> list[Recipe]:
    """The recipes of a file.

    Raises:
        MissingError: no such file.
        ConfigError: not a JSON list of recipes.
    """
    if not path.is_file():
        raise MissingError(f"no file {path}", do="python -m reds make --help shows what it holds")
    try:
        entries = json.loads(path.read_text())
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON", seen=str(error)) from error
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"{path} is not a list of recipes", do="python -m reds make --help shows what it holds")
    return [Recipe.from_dict(entry) for entry in entries]


def _rows(recipe: Recipe, artifacts: Artifacts) -> list[dict[str, Any]]:
    """A row for each budget, with the accuracy on the validation examples too where there are any."""
    head = {"architecture": recipe.architecture, "dataset": recipe.dataset, "seed": recipe.seed, "method": recipe.method}
    validation = artifacts.validation()
    found = {}
    for path in artifacts.bundles:
        paths = {"bundle": str(path), "evaluation": str(artifacts.evaluation), "data": str(artifacts.data)}
        for row in subnet_rows(Bundle.load(path)):
            name = row["subnet"]
            chosen_by = {"validation_accuracy": validation[name]} if validation else {}
            found[name] = {**head, **row, **chosen_by, **paths}
    nothing = {MISSING: "not even the first exit keeps this budget"}
    return [found.get(name, {**head, "subnet": name, **nothing}) for name in recipe.subnet_names]
