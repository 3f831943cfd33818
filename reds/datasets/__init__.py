"""Data sets by name. Loading one may need the extra `train`; opening a prepared one needs NumPy alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reds.datasets import digits
from reds.datasets.split import Split, open_split
from reds.errors import unknown_name

__all__ = ["DATASETS", "Split", "check_dataset", "load", "open_split"]

DATASETS: Mapping[str, Callable[[int], Split]] = {"digits": digits.load}


def check_dataset(name: str) -> str:
    """The name, if there is such a data set.

    Raises:
        ConfigError: there is none; the nearest names are given.
    """
    if name not in DATASETS:
        raise unknown_name("data set", name, DATASETS)
    return name


def load(name: str, seed: int) -> Split:
    """The data set, split as the seed says."""
    return DATASETS[check_dataset(name)](seed)
