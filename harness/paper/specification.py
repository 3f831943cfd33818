"""What suites/paper.toml says: tables, their networks and their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.matrix import SUITES
from harness.toml_table import TomlTable, read_toml
from reds.datasets.registry import DATASETS
from reds.errors import ConfigError, MissingError, unknown_name
from reds.recipe import METHOD_NAMES, Recipe
from reds.zoo import NAMES

PATH = SUITES / "paper.toml"
MODELS_VARIABLE = "REDS_MODELS_DIR"
PLANS = ("pretraining", "finetuning")
PERCENT = 100

Plans = Mapping[str, Mapping[str, Any]]
"""Numbers of training plans that differ from the defaults, by "pretraining" and "finetuning"."""


@dataclass(frozen=True, eq=False)
class Column:
    """What is made of a network.

    Attributes:
        name, title: in the file, and for people.
        method: name in `reds.methods.METHODS`.
        published: what results/paper calls the column; empty where nothing was published.
        widths: numbers of the width rule that differ from the table's.
        importance: how channels are scored, None for the usual way.
    """

    name: str
    title: str
    method: str
    published: str
    widths: Mapping[str, Any] = field(default_factory=dict)
    importance: str | None = None


@dataclass(frozen=True, eq=False)
class PaperNetwork:
    """A network of a table.

    Attributes:
        name, title: in the file, and for people.
        published: what results/paper calls it.
        checkpoint: path of its published weights within the folder of published networks; None where there are none.
        plans: of its trainings.
    """

    name: str
    title: str
    architecture: str
    dataset: str
    published: str
    checkpoint: str | None = None
    plans: Plans = field(default_factory=dict)


@dataclass(frozen=True)
class PaperTable:
    """A table of accuracies.

    Attributes:
        name, title: in the file, and for people.
        widths: the rule that chooses subnetworks.
    """

    name: str
    title: str
    networks: tuple[PaperNetwork, ...]
    columns: tuple[Column, ...]
    widths: Mapping[str, Any]

    def only(self, networks: Sequence[str], columns: Sequence[str]) -> PaperTable:
        """The table with these networks and columns alone; none named means all.

        Raises:
            ConfigError: a name that the table does not have.
        """
        kept = _chosen("network", self.networks, networks), _chosen("column", self.columns, columns)
        return PaperTable(self.name, self.title, *kept, self.widths)


@dataclass(frozen=True)
class MapTable:
    """The largest maps of a network whose subnetwork is searched with and without a limit on them.

    Attributes:
        name, title: in the file, and for people.
        architecture, dataset: the network.
        published: what results/paper calls the search without and with the limit.
        budget: percentage of the multiply-adds.
        peak_bytes: the limit, of the largest map in float32.
    """

    name: str
    title: str
    architecture: str
    dataset: str
    published: tuple[str, str]
    budget: int
    peak_bytes: int


@dataclass(frozen=True)
class Slice:
    """How much of a table is rebuilt, and from what.

    Attributes:
        seeds: of the runs.
        models: folder of published networks, None: they are trained here.
        quick: plans that replace the networks', None: the whole table.
    """

    seeds: tuple[int, ...]
    models: Path | None = None
    quick: Plans | None = None

    def recipe(self, table: PaperTable, network: PaperNetwork, column: Column, seed: int) -> Recipe:
        """How one network of one column is made.

        Raises:
            ConfigError: a key or value that is wrong.
            MissingError: the published network is not in the folder.
        """
        plans = {plan: {**network.plans.get(plan, {}), **(self.quick or {}).get(plan, {})} for plan in PLANS}
        facts = {
            "architecture": network.architecture,
            "dataset": network.dataset,
            "seed": seed,
            "method": column.method,
            "widths": {**table.widths, **column.widths},
            "checkpoint": self._checkpoint(network),
            **plans,
            **({"importance": column.importance} if column.importance else {}),
        }
        return Recipe.from_dict(facts)

    def _checkpoint(self, network: PaperNetwork) -> str | None:
        if self.models is None or network.checkpoint is None:
            return None
        path = (self.models / network.checkpoint).absolute()
        if not path.exists():
            raise MissingError(
                f"the published network {network.title} is not in {self.models}",
                seen=f"no {network.checkpoint}",
                do=f"give another folder, or neither --models nor {MODELS_VARIABLE}: it is then trained here",
            )
        return str(path)


@dataclass(frozen=True)
class Paper:
    """All of the file.

    Attributes:
        seeds: how many runs a table has.
        quick: plans of --quick.
        tables, maps: by name.
    """

    seeds: int
    quick: Plans
    tables: Mapping[str, PaperTable]
    maps: Mapping[str, MapTable]


def load_paper(path: Path = PATH) -> Paper:
    """Read the file.

    Raises:
        ConfigError: no such file, not TOML, or a key, name or value that is wrong.
    """
    data = read_toml(path)
    top = TomlTable(str(path), data, ("seeds", "quick", "columns", "networks", "tables", "maps"))
    columns = {name: _column(path, name, facts) for name, facts in top.table("columns").items()}
    networks = {name: _network(path, name, facts) for name, facts in top.table("networks").items()}
    tables = {name: _table(path, name, facts, networks, columns) for name, facts in top.table("tables").items()}
    maps = {name: _maps(path, name, facts) for name, facts in top.table("maps").items()}
    quick = TomlTable(f"[quick] of {path}", top.table("quick"), PLANS)
    return Paper(top.count("seeds", at_least=1), {plan: quick.table(plan) for plan in PLANS}, tables, maps)


def _column(path: Path, name: str, data: Mapping[str, Any]) -> Column:
    table = TomlTable(f"[columns.{name}] of {path}", data, ("title", "method", "published"), ("widths", "importance"))
    method = table.text("method")
    if method not in METHOD_NAMES:
        raise unknown_name(f"method in {table.where}:", method, METHOD_NAMES)
    widths = table.table("widths") if "widths" in data else {}
    importance = table.text("importance") if "importance" in data else None
    return Column(name, table.text("title"), method, table.text("published"), widths, importance)


def _network(path: Path, name: str, data: Mapping[str, Any]) -> PaperNetwork:
    keys = ("title", "architecture", "dataset", "published")
    table = TomlTable(f"[networks.{name}] of {path}", data, keys, ("checkpoint", *PLANS))
    _check_names(table)
    checkpoint = table.text("checkpoint") if "checkpoint" in data else None
    plans = {plan: table.table(plan) for plan in PLANS if plan in data}
    title, architecture, dataset, published = (table.text(key) for key in keys)
    return PaperNetwork(name, title, architecture, dataset, published, checkpoint, plans)


def _check_names(table: TomlTable) -> None:
    """Raise ConfigError where a table names an architecture or a data set that there is not."""
    for key, known in (("architecture", NAMES), ("dataset", DATASETS)):
        if table.text(key) not in known:
            raise unknown_name(f"{key} in {table.where}:", table.text(key), known)


def _table(
    path: Path,
    name: str,
    data: Mapping[str, Any],
    networks: Mapping[str, PaperNetwork],
    columns: Mapping[str, Column],
) -> PaperTable:
    table = TomlTable(f"[tables.{name}] of {path}", data, ("title", "networks", "columns", "widths"))
    chosen = tuple(networks[each] for each in table.names("networks", "network", networks))
    shown = tuple(columns[each] for each in table.names("columns", "column", columns))
    return PaperTable(name, table.text("title"), chosen, shown, table.table("widths"))


def _maps(path: Path, name: str, data: Mapping[str, Any]) -> MapTable:
    keys = ("title", "architecture", "dataset", "published", "budget", "peak_bytes")
    table = TomlTable(f"[maps.{name}] of {path}", data, keys)
    _check_names(table)
    title, architecture, dataset = (table.text(key) for key in keys[:3])
    match data["published"]:
        case [str(free), str(limited)]:
            budget, peak_bytes = table.count("budget", at_least=1), table.count("peak_bytes", at_least=1)
            return MapTable(name, title, architecture, dataset, (free, limited), budget, peak_bytes)
    raise ConfigError(f"published in {table.where} is not a list of two names", seen=repr(data["published"]))


def _chosen(what: str, known: Sequence[Any], names: Sequence[str]) -> tuple[Any, ...]:
    by_name = {each.name: each for each in known}
    for name in names:
        if name not in by_name:
            raise unknown_name(f"{what} of the table", name, by_name)
    return tuple(each for each in known if not names or each.name in names)
