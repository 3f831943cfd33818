"""Data sets by name."""

from __future__ import annotations

from collections.abc import Mapping

from reds.architecture import Architecture
from reds.datasets.cifar10 import CIFAR10
from reds.datasets.dataset import DataSet
from reds.datasets.digits import DIGITS
from reds.datasets.fashion_mnist import FASHION_MNIST
from reds.datasets.request import fitting_form
from reds.datasets.speech_commands import SPEECH_COMMANDS
from reds.datasets.speech_test_set import SPEECH_TEST_SET, SPEECH_TEST_SET_NOISY
from reds.datasets.visual_wake_words import VISUAL_WAKE_WORDS
from reds.errors import ConfigError, unknown_name

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


def check_fit(architecture: Architecture, name: str) -> None:
    """Raise ConfigError where a network takes other inputs than a data set offers, or has not as many classes."""
    wanted = dataset(name)
    fitting_form(name, wanted.forms, architecture.input_shape)
    if architecture.classes != len(wanted.classes):
        raise ConfigError(
            f"the data set {name!r} does not fit the network {architecture.name!r}",
            seen=f"{architecture.classes} outputs, {len(wanted.classes)} classes ({', '.join(wanted.classes)})",
        )
