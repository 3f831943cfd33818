"""One cell of a rebuilt table: a budget of a column of a network, ours over several runs and the published one."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from harness.paper.specification import PERCENT, Column, PaperNetwork
from harness.published import Published, Shelf
from reds.bundle import Bundle
from reds.datasets.split import open_split
from reds.zoo import architecture

Row = Mapping[str, Any]
"""What `python -m reds make --json` says of a subnetwork."""

FLOAT32_BYTES, KIBI = 4, 1024


@dataclass(frozen=True)
class Spread:
    """Values of several runs.

    Attributes:
        values: one for each run.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Their mean."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """Their sample standard deviation; None for a single run."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"mean": self.mean, "std": self.deviation, "runs": list(self.values)}


@dataclass(frozen=True)
class Entry:
    """A budget of a column of a network.

    Attributes:
        budget: like "25", percentage of the whole network's multiply-adds (of its channels where widths are halved).
        runs: what was made, one row for each seed; empty where nothing keeps the budget (early exits).
        solutions: how the search chose the widths, one for each seed; empty where there was none.
        bundles: SHA-256 of each network.
        shelf: the published values of the network.
    """

    network: PaperNetwork
    column: Column
    budget: str
    runs: tuple[Row, ...]
    solutions: tuple[Mapping[str, Any], ...]
    bundles: tuple[str, ...]
    shelf: Shelf

    @cached_property
    def accuracy(self) -> Spread | None:
        """Percent of the test examples."""
        return self._spread("accuracy", PERCENT)

    @cached_property
    def validation(self) -> Spread | None:
        """Percent of the validation examples; None where there are none."""
        return self._spread("validation_accuracy", PERCENT)

    @cached_property
    def macs(self) -> Spread | None:
        """True multiply-adds of one inference."""
        return self._spread("macs")

    @cached_property
    def parameters(self) -> Spread | None:
        """Weights and biases in use, batch norm included."""
        return self._spread("parameters")

    @cached_property
    def search_seconds(self) -> Spread | None:
        """How long the search for the widths took."""
        return self._solved("seconds")

    @cached_property
    def search_gap(self) -> Spread | None:
        """How far the search may be from the best, as a share of it."""
        return self._solved("gap")

    @property
    def share(self) -> float | None:
        """Percent of the whole network's true multiply-adds."""
        network = architecture(self.network.architecture)
        return None if self.macs is None else PERCENT * self.macs.mean / network.cost(network.full_widths).macs

    @property
    def model_kibibytes(self) -> float | None:
        """Size of the model as the paper counts it: all parameters in float32."""
        return None if self.parameters is None else self.parameters.mean * FLOAT32_BYTES / KIBI

    @property
    def published(self) -> Published | None:
        """The published accuracy, percent."""
        return self._published("accuracy", self.column.published)

    @property
    def published_share(self) -> float | None:
        """Percent of the whole network's true multiply-adds that the published network has, where that is known."""
        whole = next((value.value for value in self.shelf.of("macs") if value.subnet == "100"), None)
        cost = None if self.published is None else self.shelf.cost(self.published)
        return None if cost is None or cost.nominal or whole is None else PERCENT * cost.macs / whole

    @property
    def published_search_seconds(self) -> float | None:
        """How long the published search took, where that is stated."""
        found = self._published("search_seconds", self.column.published)
        return None if found is None else found.value

    @property
    def published_size(self) -> Published | None:
        """The published size of the model."""
        return self._published("model_size", self.column.published)

    def _published(self, metric: str, variant: str) -> Published | None:
        found = (value for value in self.shelf.of(metric) if value.subnet == self.budget and value.variant == variant)
        return next(found, None) if variant else None

    def _spread(self, key: str, factor: float = 1) -> Spread | None:
        values = tuple(factor * row[key] for row in self.runs if key in row)
        return Spread(values) if values else None

    def _solved(self, key: str) -> Spread | None:
        values = tuple(float(solution[key]) for solution in self.solutions)
        return Spread(values) if values else None


@dataclass(frozen=True)
class Block:
    """The entries of one network, and the data that they were measured on.

    Attributes:
        origin, fingerprint: of the data.
        test_examples: how many the accuracies are taken over.
        imported: the published file that training started from, or that the widths come from; None where the network was trained
            here.
        entries: budget by budget, each with all columns.
    """

    network: PaperNetwork
    origin: str
    fingerprint: str
    test_examples: int
    imported: Mapping[str, Any] | None
    entries: tuple[Entry, ...]


def block(
    network: PaperNetwork, budgets: Sequence[str], rows: Mapping[Column, Sequence[Row]], values: Sequence[Published]
) -> Block:
    """The entries of one network.

    Args:
        network: the network.
        budgets: their names, the whole network's first.
        rows: by column, the rows of all runs.
        values: everything published.
    """
    shelf = Shelf(values, network.published, network.dataset)
    rows = {column: [row for row in each if "bundle" in row] for column, each in rows.items()}  # the rest keep no budget
    loaded = {row["bundle"]: Bundle.load(Path(row["bundle"])) for each in rows.values() for row in each}
    hashes = {path: bundle.content_hash() for path, bundle in loaded.items()}

    def entry(column: Column, budget: str) -> Entry:
        runs = tuple(row for row in rows[column] if row["subnet"] == budget)
        paths = [row["bundle"] for row in runs]
        solutions = tuple(s for path in paths for s in _solutions(loaded[path]) if s["name"] == budget)
        return Entry(network, column, budget, runs, solutions, tuple(hashes[path] for path in paths), shelf)

    first = next(iter(loaded.values())).provenance
    split = open_split(Path(next(iter(rows.values()))[0]["data"]))
    return Block(
        network,
        str(first["data"]["origin"]),
        split.fingerprint,
        int(np.size(split.y_test)),
        _imported(first),
        tuple(entry(column, budget) for budget in budgets for column in rows),
    )


def _imported(provenance: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The published file behind a network, also one that was trained from random weights and has only its widths from it."""
    return provenance.get("imported", provenance.get("widths_from", {}).get("imported"))


def _solutions(bundle: Bundle) -> Sequence[Mapping[str, Any]]:
    """How a search chose the widths of a bundle's subnetworks, if one did."""
    found = bundle.provenance.get("widths", {}).get("solutions", [])
    return [solution for solution in found if solution["solver"] != "none"]
