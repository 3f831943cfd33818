"""What several commands need: arguments, tables, and the data of a bundle."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.datasets.split import Split, open_split
from reds.errors import ConfigError
from reds.pipeline import prepared_data
from reds.progress import showing
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


def data_of(bundle: Bundle, path: Path) -> tuple[Split, int]:
    """The split that a bundle was trained on, and the bundle's seed.

    Raises:
        ConfigError: the bundle does not say, or the data set is no longer what it was.
    """
    try:
        facts, seed = bundle.provenance["data"], int(bundle.provenance["seed"])
        name, split_seed, fingerprint = str(facts["name"]), int(facts["seed"]), facts["fingerprint"]
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{path} does not say what it was trained on", seen=f"no {error}", do="make it with: python -m reds train"
        ) from error
    split = open_split(prepared_data(name, split_seed))
    if split.fingerprint != fingerprint:
        raise ConfigError(
            f"the data set {name!r} is not the one that {path} was trained on",
            seen=f"{split.fingerprint[:12]}, not {str(fingerprint)[:12]}",
            do="train again",
        )
    return split, seed


@contextmanager
def epochs_shown(doing: str, epochs: int) -> Iterator[Callable[[int], None]]:
    """A callback for the end of each epoch that shows progress on standard error."""
    with showing(epochs) as progress:
        progress(doing, 0)
        yield lambda _epoch: progress(doing, 1)


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


def print_rows(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """The rows as an aligned table, or as JSON."""
    if as_json:
        print(json.dumps(list(rows), indent=1))
        return
    columns = list(rows[0])
    table = [columns, *([_text(row.get(column, "")) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in table) for index in range(len(columns))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def wrote(bundle: Bundle, path: Path) -> None:
    """Save the bundle and say so on standard error."""
    bundle.save(path)
    print(f"wrote {path}", file=sys.stderr)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return "-".join(_text(item) for item in value)
    return str(value)
