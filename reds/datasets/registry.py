"""Data sets by name."""

from __future__ import annotations

from collections.abc import Mapping

from reds.datasets.cifar10 import CIFAR10
from reds.datasets.dataset import DataSet
from reds.datasets.digits import DIGITS
from reds.datasets.fashion_mnist import FASHION_MNIST
from reds.datasets.speech_commands import SPEECH_COMMANDS
from reds.datasets.speech_test_set import SPEECH_TEST_SET, SPEECH_TEST_SET_NOISY
from reds.datasets.visual_wake_words import VISUAL_WAKE_WORDS
from reds.errors import unknown_name

_SETS = (DIGITS, FASHION_MNIST, CIFAR10, SPEECH_COMMANDS, SPEECH_TEST_SET, SPEECH_TEST_SET_NOISY, VISUAL_WAKE_WORDS)
DATASETS: Mapping[str, DataSet] = {each.name: each for each in _SETS}


def dataset(name: str) -> DataSet:
    """The data set of this name.

    Raises:
        ConfigError: there is none; the nearest names are given.
    """
    if name not in DATASETS:
        raise unknown_name("data set", name, DATASETS)
    return DATASETS[name]


def check_dataset(name: str) -> str:
    """The name, if there is such a data set; raises ConfigError as `dataset` does."""
    return dataset(name).name
