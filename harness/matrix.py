"""Matrix files: which models, precisions, devices and sizes a run covers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from harness.judging.thresholds import Thresholds
from harness.toml_table import TomlTable, read_toml
from reds.datasets.registry import DATASETS
from reds.errors import ConfigError, unknown_name
from reds.image.format import PRECISIONS
from reds.prepared import check_fit
from reds.recipe import Recipe
from reds.zoo import NAMES, architecture

TRAINING = ("pretraining", "finetuning")  # tables that a recipe may have
KEYS = ("architectures", "datasets", "precisions", "devices", "seed", "widths", "samples", "repeats")
OPTIONAL_KEYS = (*TRAINING, "thresholds")
SUITES = Path(__file__).resolve().parent.parent / "suites"
# What runs of the published tables name as their matrix; suites/paper.toml, which they are made from, is another kind of file.
PAPER = "paper"


@dataclass(frozen=True)
class Samples:
    """How many inputs are taken from a data set.

    Attributes:
        accuracy: test samples inferred on each device but `host`, which infers all.
        parity: test samples whose outputs are compared with the reference's.
        calibration: training samples that int8 scales are taken from.
    """

    accuracy: int
    parity: int
    calibration: int

    @classmethod
    def parse(cls, where: str, data: Mapping[str, Any]) -> Samples:
        """Read the table [samples]."""
        table = TomlTable(where, data, ("accuracy", "parity", "calibration"))
        return cls(*(table.count(key, at_least=1) for key in table.keys))


@dataclass(frozen=True)
class Repeats:
    """How often something is timed.

    Attributes:
        running: by a clock that runs (the host's, a board's).
        exact: by a clock that always counts the same for the same work (an emulator's).
    """

    running: int
    exact: int

    @classmethod
    def parse(cls, where: str, data: Mapping[str, Any]) -> Repeats:
        """Read the table [repeats]."""
        table = TomlTable(where, data, ("running", "exact"))
        return cls(*(table.count(key, at_least=2) for key in table.keys))


@dataclass(frozen=True)
class Matrix:
    """What a run covers: every architecture x data set that it fits x precision x device x subnetwork.

    Attributes:
        name: the file's name without its ending, or the path that was given.
        recipes: how each model is made, by architecture and data set; those that fit.
        thresholds: from which change on a value counts as changed.
    """

    name: str
    architectures: tuple[str, ...]
    datasets: tuple[str, ...]
    precisions: tuple[str, ...]
    devices: tuple[str, ...]
    recipes: Mapping[tuple[str, str], Recipe]
    samples: Samples
    repeats: Repeats
    thresholds: Thresholds

    def on(self, devices: tuple[str, ...]) -> Matrix:
        """The same matrix for other devices."""
        return replace(self, devices=devices)


def load_matrix(name: str, devices: Collection[str]) -> Matrix:
    """The matrix of this name in suites/, or in the file of this path.

    Args:
        name: "digits", or a path that ends in .toml.
        devices: ids of the devices that the inventory knows.

    Raises:
        ConfigError: no such matrix, not TOML, or a key or value that is wrong; it is named, with the nearest valid ones.
    """
    path = _file(name)
    return _parse(name, str(path), read_toml(path), devices)


def load_thresholds(name: str) -> Thresholds:
    """The thresholds of a matrix alone, whatever devices the inventory knows, and whatever else the file lacks.

    Raises:
        ConfigError: as `load_matrix`.
    """
    path = _file(name)
    table = TomlTable(str(path), read_toml(path), (), optional=(*KEYS, *OPTIONAL_KEYS))
    return Thresholds.parse(table.where, table.data.get("thresholds", ()))


def has_matrix(name: str) -> bool:
    """Whether there is a matrix of this name in suites/, or a file of this path."""
    return Path(name).is_file() if name.endswith(".toml") else name in {path.stem for path in shipped_matrices()}


def shipped_matrices() -> list[Path]:
    """The matrix files in suites/."""
    return sorted(path for path in SUITES.glob("*.toml") if path.stem != PAPER)


def _file(name: str) -> Path:
    shipped = {path.stem: path for path in shipped_matrices()}
    path = Path(name) if name.endswith(".toml") else shipped.get(name)
    if path is None:
        raise unknown_name("matrix", name, shipped)
    return path


def _parse(name: str, where: str, data: Mapping[str, Any], devices: Collection[str]) -> Matrix:
    table = TomlTable(where, data, KEYS, optional=OPTIONAL_KEYS)
    architectures = table.names("architectures", "architecture", NAMES)
    datasets = table.names("datasets", "data set", DATASETS)
    precisions = table.names("precisions", "precision", PRECISIONS)
    return Matrix(
        name=name,
        architectures=architectures,
        datasets=datasets,
        precisions=precisions,
        devices=table.names("devices", "device", devices),
        recipes={(a, d): _recipe(where, table, a, d) for a, d in _fitting(where, architectures, datasets)},
        samples=Samples.parse(f"[samples] of {where}", table.table("samples")),
        repeats=Repeats.parse(f"[repeats] of {where}", table.table("repeats")),
        thresholds=Thresholds.parse(where, data.get("thresholds", ())),
    )


def _fitting(where: str, architectures: Sequence[str], datasets: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of networks and data sets that fit; raises ConfigError for a name that is in none of them."""
    pairs: list[tuple[str, str]] = []
    misfits: dict[str, ConfigError] = {}
    for pair in product(architectures, datasets):
        try:
            check_fit(architecture(pair[0]), pair[1])
            pairs.append(pair)
        except ConfigError as error:
            misfits |= {name: misfits.get(name, error) for name in pair}
    for name in (*architectures, *datasets):
        if not any(name in pair for pair in pairs):
            error = misfits[name]
            raise ConfigError(
                f"{where}: {name!r} fits nothing that it is listed with; {error.what}", seen=error.seen, do=error.do
            )
    return pairs


def _recipe(where: str, table: TomlTable, architecture: str, dataset: str) -> Recipe:
    seed = table.count("seed", at_least=0)
    own = {key: table.table(key) for key in ("widths", *TRAINING) if key in table.data}
    try:
        return Recipe.from_dict({"architecture": architecture, "dataset": dataset, "seed": seed, **own})
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.what}", seen=error.seen, do=error.do, log=error.log) from error
