"""What must be on disk before the first test: trained models, made by a process of their own, found again by recipe."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

import reds
from harness.combinations import Model
from harness.matrix import Matrix
from reds.errors import MissingError
from reds.pipeline import Artifacts, locate
from reds.recipe import Recipe

ROOT = Path(reds.__file__).resolve().parent.parent


def missing_recipes(matrix: Matrix, wanted: Iterable[Model]) -> list[Recipe]:
    """Recipes of those models that have not been made yet."""
    recipes = (matrix.recipes[model.architecture, model.dataset] for model in wanted)
    return [recipe for recipe in recipes if locate(recipe) is None]


def make(recipes: Sequence[Recipe]) -> None:
    """Make models in a process of its own (it takes TensorFlow); its progress goes to this process' terminal.

    Raises:
        MissingError: the process failed; it has said why.
    """
    with tempfile.TemporaryDirectory(prefix="reds-bench-") as folder:
        request = Path(folder, "recipes.json")
        request.write_text(json.dumps([recipe.to_dict() for recipe in recipes]))
        done = subprocess.run([sys.executable, "-m", "reds", "make", str(request)], cwd=ROOT, check=False)
    if done.returncode:
        hint = None if find_spec("tensorflow") else "install the extra `train`: pip install 'reds-bench[train]'"
        raise MissingError(
            "models that the tests need could not be made",
            seen=f"`python -m reds make` ended with exit code {done.returncode}; its message stands above",
            do=hint,
        )


def artifacts_of(recipe: Recipe) -> Artifacts:
    """The files of a model.

    Raises:
        MissingError: it has not been made.
    """
    artifacts = locate(recipe)
    if artifacts is None:
        raise MissingError("the model has not been made", do="python -m harness prepare")
    return artifacts
