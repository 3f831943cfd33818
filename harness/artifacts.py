"""What must be on disk before the first test: trained models, made by a process of their own, found again by recipe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import reds
from harness.combinations import Model
from harness.matrix import Matrix
from reds.errors import MissingError, ProtocolError
from reds.pipeline import Artifacts, locate
from reds.recipe import Recipe

ROOT = Path(reds.__file__).resolve().parent.parent
SEEN_CHARACTERS = 200


def missing_recipes(matrix: Matrix, wanted: Iterable[Model]) -> list[Recipe]:
    """Recipes of those models that have not been made yet."""
    recipes = (matrix.recipes[model.architecture, model.dataset] for model in wanted)
    return [recipe for recipe in recipes if locate(recipe) is None]


def make(recipes: Sequence[Recipe]) -> None:
    """Make models in a process of its own (it takes TensorFlow); its progress goes to this process' terminal.

    Raises:
        MissingError: the process failed; it has said why.
    """
    _reds_make(recipes, os.environ)


def made(recipes: Sequence[Recipe], environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """Make models as `make` does, and return what `python -m reds make --json` says of each of their subnetworks.

    Args:
        recipes: what to make.
        environment: of the process; says where data lie.

    Raises:
        MissingError: the process failed; it has said why.
        ProtocolError: it printed something else.
    """
    output = _reds_make(recipes, environment, "--json", stdout=subprocess.PIPE)
    try:
        rows = json.loads(output)
    except ValueError as error:
        raise ProtocolError("`python -m reds make --json` printed no JSON", seen=output[:SEEN_CHARACTERS]) from error
    return rows


def _reds_make(recipes: Sequence[Recipe], environment: Mapping[str, str], *options: str, stdout: int | None = None) -> str:
    """Run `python -m reds make`; what it printed, where that was caught."""
    with tempfile.TemporaryDirectory(prefix="reds-bench-") as folder:
        request = Path(folder, "recipes.json")
        request.write_text(json.dumps([recipe.to_dict() for recipe in recipes]))
        command = [sys.executable, "-m", "reds", "make", str(request), *options]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=stdout, text=True, check=False)
    if done.returncode:
        hint = None if find_spec("tensorflow") else "install the extra `train`: pip install 'reds-bench[train]'"
        raise MissingError(
            "models that are needed could not be made",
            seen=f"`python -m reds make` ended with exit code {done.returncode}; its message stands above",
            do=hint,
        )
    return done.stdout or ""


def artifacts_of(recipe: Recipe) -> Artifacts:
    """The files of a model.

    Raises:
        MissingError: it has not been made.
    """
    artifacts = locate(recipe)
    if artifacts is None:
        raise MissingError("the model has not been made", do="python -m harness prepare")
    return artifacts
