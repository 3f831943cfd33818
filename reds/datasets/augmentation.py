"""How training inputs are disturbed, and how that survives on disk beside the arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from reds.datasets.image_augmentation import ImageAugmentation
from reds.datasets.speech_augmentation import SpeechAugmentation


class Augmentation(Protocol):
    """Disturbs training inputs; all chance comes from the generator that is given."""

    def __call__(self, indices: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Inputs float32 (n, features) of the training examples with these indices (n,), disturbed anew at each call."""
        ...

    def describe(self) -> dict[str, Any]:
        """JSON-ready: its kind and its numbers."""
        ...

    def arrays(self) -> Mapping[str, np.ndarray]:
        """What it reads beside the training inputs, by the name of its file."""
        ...


KINDS: Mapping[str, Callable[[Mapping[str, Any], Path, np.ndarray], Augmentation]] = {
    ImageAugmentation.kind: ImageAugmentation.opened,
    SpeechAugmentation.kind: SpeechAugmentation.opened,
}
"""By kind: from a description, the folder with the arrays, and the training inputs."""


def opened_augmentation(description: Mapping[str, Any] | None, folder: Path, x_train: np.ndarray) -> Augmentation | None:
    """The augmentation of a prepared set; KeyError, TypeError, ValueError or OSError where its files are damaged."""
    if description is None:
        return None
    if description["kind"] not in KINDS:
        raise ValueError(f"an augmentation of kind {description['kind']!r}")
    return KINDS[description["kind"]](description, folder, x_train)
