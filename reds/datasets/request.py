"""What is asked of a data set, and the forms in which it can be had."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reds.errors import ConfigError
from reds.seeds import check_seed


@dataclass(frozen=True)
class Request:
    """What is asked of a data set.

    Attributes:
        seed: decides the split where there is no official one.
        input_shape: of the network that will read the examples: (height, width, channels) or (features,).
        data_dir: folder in which the sets lie in their published layouts; None means `REDS_DATA_DIR`, else what is downloaded.

    Raises:
        ConfigError: the seed is not a whole number from 0 to 2**31 - 1.
    """

    seed: int
    input_shape: tuple[int, ...]
    data_dir: Path | None = None

    def __post_init__(self) -> None:
        check_seed(self.seed)


@dataclass(frozen=True)
class Form:
    """One of the shapes in which a set offers its examples, flattened row by row.

    Attributes:
        name: like "49x10"; also what the command line takes.
        shape: (height, width, channels) or (frames, coefficients).
    """

    name: str
    shape: tuple[int, ...]

    @property
    def features(self) -> int:
        """Elements of one example."""
        return math.prod(self.shape)

    def fits(self, input_shape: Sequence[int]) -> bool:
        """Whether a network of this input shape reads it: the same shape but for axes of length one, or a flat vector."""
        return tuple(input_shape) == (self.features,) or _lengths(input_shape) == _lengths(self.shape)


def _lengths(shape: Sequence[int]) -> list[int]:
    return [length for length in shape if length != 1]


def fitting_form(dataset: str, forms: Sequence[Form], input_shape: Sequence[int]) -> Form:
    """The form that fits a network's input.

    Raises:
        ConfigError: none does.
    """
    for form in forms:
        if form.fits(input_shape):
            return form
    raise ConfigError(
        f"the data set {dataset!r} does not fit the network",
        seen=f"the network takes inputs of shape {'x'.join(map(str, input_shape))}",
        do=f"a network for {' or '.join(form.name for form in forms)}, which is what the set offers",
    )
