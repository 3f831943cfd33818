"""What a run of pytest was asked for, so that a value it lacks is told from one that was left out on purpose."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import pytest

from harness.combinations import combinations
from harness.matrix import Matrix

# Options of pytest that choose among the tests of the files and folders that it is given.
CHOOSING = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise", "spread")
# Whether tests that were collected are not to run.
DESELECTED = pytest.StashKey[bool]()
# Options that give the names of an axis in place of the matrix.
NARROWING: Mapping[str, str] = {"device": "device", "device_kind": "device"}


class Asked(TypedDict):
    """The fields of `harness.records.Run` of these names."""

    asked: tuple[str, ...]
    whole: tuple[str, ...]
    narrowed: tuple[str, ...]
    tests: int


def of_run(config: pytest.Config, matrix: Matrix, tests: int) -> Asked:
    """What the command line asks for.

    Args:
        config: of a session that has collected its tests.
        matrix: with the devices that were chosen.
        tests: how many tests are to run.
    """
    names = {name: None for one in combinations(matrix) for name in one.facts.values() if name is not None}
    narrowed = {axis: None for option, axis in NARROWING.items() if config.getoption(option)}
    return Asked(asked=tuple(names), whole=_whole(config), narrowed=tuple(narrowed), tests=tests)


def _whole(config: pytest.Config) -> tuple[str, ...]:
    """What was asked for with all of its tests, as the ids of tests name it: relative to the root."""
    if config.stash.get(DESELECTED, False) or any(config.getoption(name, None) for name in CHOOSING):
        return ()
    return tuple(dict.fromkeys(_as_in_ids(word, config) for word in config.args))


def _as_in_ids(word: str, config: pytest.Config) -> str:
    """ "suites" for "/home/me/reds-bench/suites", and "suites/test_latency.py::test_latency" likewise."""
    place, separator, test = word.partition("::")
    path = os.path.relpath(Path(config.invocation_params.dir, place), config.rootpath)
    return Path(path).as_posix() + separator + test
