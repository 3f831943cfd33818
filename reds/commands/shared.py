"""What several commands need: arguments, tables, and the data of a bundle."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reds.architecture import Architecture
from reds.bundle import Bundle, name_in
from reds.commands.tables import print_rows
from reds.datasets.layout import DATA_VARIABLE
from reds.datasets.registry import DATASETS
from reds.datasets.split import Split
from reds.errors import ConfigError
from reds.plans import EpochsDone
from reds.prepared import split_for
from reds.progress import EpochsShown, showing, showing_amounts
from reds.seeds import check_seed
from reds.subnets import Subnets


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """The bundle that a command reads."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder that an earlier command wrote")


def add_output(parser: argparse.ArgumentParser, what: str) -> None:
    """Where a command writes."""
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="PATH", help=what)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Whether the table is printed as JSON."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Where the data sets lie."""
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help=f"folder that holds the data sets as they are published (default: {DATA_VARIABLE}, else they are downloaded)",
    )


def add_data(parser: argparse.ArgumentParser) -> None:
    """Which data set a bundle is used with, and where it lies; `data_of` and `training_data_of` read both."""
    parser.add_argument(
        "--dataset", metavar="NAME", help=f"one of {', '.join(DATASETS)} (default: what the bundle was trained on)"
    )
    add_data_dir(parser)


def data_of(bundle: Bundle, arguments: argparse.Namespace) -> tuple[Split, int]:
    """The split that the command line names, else the one that a bundle was trained on, and the bundle's seed.

    Raises:
        ConfigError: neither says, the set does not fit the network, or it is no longer what it was.
        MissingError: the set is not there.
    """
    stated = _trained_on(bundle, arguments.bundle, named=arguments.dataset)
    with showing_amounts() as amounts:
        split = split_for(bundle.architecture, stated.dataset, stated.split_seed, arguments.data_dir, amounts)
    if stated.fingerprint not in {None, split.fingerprint}:
        raise ConfigError(
            f"the data set {split.name!r} is not the one that {arguments.bundle} was trained on",
            seen=f"{split.fingerprint[:12]}, not {str(stated.fingerprint)[:12]}; {split.origin}",
            do="train again, or name the set with --dataset to use it as it is now",
        )
    return split, stated.seed


def training_data_of(bundle: Bundle, arguments: argparse.Namespace) -> tuple[Bundle, Split, int]:
    """As `data_of`, with training examples, and the bundle that says so.

    Raises:
        ConfigError: as `data_of`, or the set has no training examples.
        MissingError: the set is not there.
    """
    split, seed = data_of(bundle, arguments)
    return bundle.with_provenance(data=split.check_training().facts(), seed=seed), split, seed


@dataclass(frozen=True)
class _TrainedOn:
    """What a bundle states: data set, seed of its split, fingerprint (None where any will do), seed of its training."""

    dataset: str
    split_seed: int
    fingerprint: str | None
    seed: int

    def __post_init__(self) -> None:
        check_seed(self.seed)


def _trained_on(bundle: Bundle, path: Path, named: str | None) -> _TrainedOn:
    facts = bundle.provenance
    try:
        if named is not None:
            seed = int(facts.get("seed", 0))
            return _TrainedOn(named, seed, None, seed)
        data = facts["data"]
        return _TrainedOn(str(data["name"]), int(data["seed"]), str(data["fingerprint"]), int(facts["seed"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{path} does not say what it was trained on",
            seen=f"no {error}",
            do="name its data set with --dataset, or make it with: python -m reds train",
        ) from error


@contextmanager
def epochs_shown(doing: str, epochs: int) -> Iterator[EpochsDone]:
    """What is told how far a training is, and shows it on standard error."""
    with showing(epochs) as progress:
        yield EpochsShown(doing, progress)


def subnet_rows(bundle: Bundle) -> list[dict[str, Any]]:
    """What each subnetwork of a bundle costs, and its accuracy where it is known."""
    return cost_rows(bundle.architecture, bundle.subnets, bundle.provenance.get("accuracy", {}))


def cost_rows(architecture: Architecture, subnets: Subnets, accuracy: Mapping[str, float]) -> list[dict[str, Any]]:
    """What each subnetwork costs, and its accuracy by name where it is known."""
    rows = []
    for subnet in subnets:
        cost = architecture.cost(subnet.widths)
        rows.append(
            {
                "subnet": subnet.name,
                "widths": list(subnet.widths),
                "macs": cost.macs,
                "parameters": cost.parameters,
                "peak_activation_float32_bytes": cost.peak_activation_bytes(4),
                "peak_activation_int8_bytes": cost.peak_activation_bytes(1),
                **({"accuracy": accuracy[subnet.name]} if subnet.name in accuracy else {}),
            }
        )
    return rows


def print_subnets(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """What `subnet_rows` gave, as a table or as JSON; the table leaves out what is four times another column."""
    print_rows(rows if as_json else [_shown(row) for row in rows], as_json)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    titles = {"peak_activation_int8_bytes": "peak_int8_bytes", "validation_accuracy": "validation"}
    return {titles.get(key, key): value for key, value in row.items() if key != "peak_activation_float32_bytes"}


def wrote(bundle: Bundle, path: Path) -> None:
    """Save the bundle and say so on standard error, and if the bundle of another network had to go."""
    older = name_in(path)
    bundle.save(path)
    went = f" in place of a bundle of {older}" if older not in {None, bundle.architecture.name} else ""
    print(f"wrote {path}{went}", file=sys.stderr)
