"""The prepared data set that fits a network: found in the cache, or made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reds.architecture import Architecture
from reds.datasets.dataset import DataSet, Preparation
from reds.datasets.layout import Files, find
from reds.datasets.obtain import obtain
from reds.datasets.registry import check_fit
from reds.datasets.registry import dataset as find_dataset
from reds.datasets.request import Form, Request, fitting_form
from reds.datasets.room import room_for
from reds.datasets.split import Split, open_split
from reds.progress import Amounts, no_amounts
from reds.stages import Stage


def found_data(name: str, request: Request) -> Path | None:
    """The folder of a prepared data set, None where it has not been prepared. Reads no example and imports no library for it.

    Raises:
        ConfigError: no such set, or it does not fit the network.
    """
    dataset = find_dataset(name)
    form = fitting_form(name, dataset.forms, request.input_shape)
    files = find(dataset.layout, request.data_dir) if dataset.layout else None
    if dataset.layout and files is None:
        return None
    stage = data_stage(dataset)
    return stage.find(stage.key(data_inputs(dataset, form, request.seed, files)))


def prepared_data(name: str, request: Request, amounts: Amounts = no_amounts) -> Path:
    """The folder of a prepared data set, which `open_split` reads; made if it is not in the cache, downloaded if it must be.

    Raises:
        ConfigError: no such set, or it does not fit the network.
        MissingError: the set, a package that reads it, or room on the disk is missing; the message says how to get it.
        ProtocolError: its files are damaged.
        TransportError: its download broke off.
    """
    dataset = find_dataset(name)
    form = fitting_form(name, dataset.forms, request.input_shape)
    files = obtain(dataset.layout, request.data_dir, amounts) if dataset.layout else None
    seed = split_seed(dataset, request.seed)

    def work(folder: Path) -> None:
        with room_for(f"the prepared data set {name!r}", folder):
            dataset.prepare(Preparation(name, folder, form, seed, files, amounts))

    return data_stage(dataset).build(data_inputs(dataset, form, request.seed, files), work)


def split_for(
    architecture: Architecture, name: str, seed: int, data_dir: Path | None = None, amounts: Amounts = no_amounts
) -> Split:
    """The prepared data set that a network reads.

    Raises:
        ConfigError: no such set, or inputs or classes of the network are others.
        MissingError, ProtocolError, TransportError: as `prepared_data`.
    """
    check_fit(architecture, name)
    return open_split(prepared_data(name, Request(seed, architecture.input_shape, data_dir), amounts))


def data_stage(dataset: DataSet) -> Stage:
    """The stage that prepares a data set."""
    return Stage("data", dataset.module, "preparing data")


def data_inputs(dataset: DataSet, form: Form, seed: int, files: Files | None) -> dict[str, Any]:
    """Everything that decides a prepared data set."""
    return {
        "dataset": dataset.name,
        "form": form.name,
        "seed": split_seed(dataset, seed),
        "files": files.identity if files else None,
    }


def split_seed(dataset: DataSet, seed: int) -> int:
    """What decides the split: the user's seed, unless it is the same split for everyone."""
    return seed if dataset.seed is None else dataset.seed
