"""A rebuilt table as texts: what is printed, as a table or as Markdown, and what stands above it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from harness.paper.entries import Block, Entry, Spread
from harness.published import Published
from harness.records import Measurement

NONE = "-"
PUBLISHED, OURS, DIFFERENCE = "{}, published", "{}, ours", "{}, difference"


@dataclass(frozen=True)
class Section:
    """One table of texts.

    Attributes:
        title: above it.
        columns: heads, distinct.
        numbers: columns that are aligned to the right.
        signed: columns of differences.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[str, ...]
    signed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rebuilt:
    """A table that has been rebuilt.

    Attributes:
        title: with the data it was rebuilt from.
        notes: what a reader must know.
        sections: what is shown.
        facts: the same for programs, JSON-ready.
        measurements: for the records of the run.
    """

    title: str
    notes: tuple[str, ...]
    sections: tuple[Section, ...]
    facts: Mapping[str, Any]
    measurements: tuple[Measurement, ...]


def accuracy_section(block: Block, compared: bool) -> Section:
    """One row for each budget: of each column the published accuracy, ours, and the difference unless they are not compared."""
    columns = list(dict.fromkeys(entry.column for entry in block.entries))
    known = {entry.column for entry in block.entries if entry.published is not None}
    shown = {True: [PUBLISHED, OURS, *([DIFFERENCE] if compared else [])], False: [OURS]}
    heads = {column: shown[column in known] for column in columns}
    texts: Mapping[str, Callable[[Entry], str]] = {
        PUBLISHED: lambda entry: _published(entry.published),
        OURS: lambda entry: _spread(entry.accuracy),
        DIFFERENCE: _difference,
    }
    rows = tuple(
        (budget, *(texts[head](entry) for entry in entries for head in heads[entry.column]))
        for budget, entries in _by_budget(block.entries)
    )
    named = [(head, head.format(column.title)) for column in columns for head in heads[column]]
    names = tuple(name for _, name in named)
    signed = tuple(name for head, name in named if head == DIFFERENCE)
    return Section(
        f"{block.network.title}: accuracy on the test examples, %", ("budget", *names), rows, ("budget", *names), signed
    )


COSTS: Mapping[str, Callable[[Entry], str]] = {
    "MACs": lambda entry: _whole(entry.macs),
    "share, %": lambda entry: _number(entry.share, ".1f"),
    "published share, %": lambda entry: _number(entry.published_share, ".1f"),
    "parameters": lambda entry: _whole(entry.parameters),
    "KiB": lambda entry: _number(entry.model_kibibytes, ".1f"),
    "published size": lambda entry: _size(entry.published_size),
    "search, s": lambda entry: _seconds(entry.search_seconds),
    "published search, s": lambda entry: _number(entry.published_search_seconds, "g"),
    "gap": lambda entry: NONE if entry.search_gap is None else f"{max(entry.search_gap.values):.1e}",
}
OWN = ("MACs", "parameters")  # what columns with the same networks have in common


def cost_section(block: Block) -> Section:
    """What the networks of each budget cost; columns whose networks cost the same share a row."""
    rows = []
    for budget, entries in _by_budget(block.entries):
        alike: dict[tuple[str, ...], list[Entry]] = {}
        for entry in entries:
            alike.setdefault(tuple(COSTS[name](entry) for name in OWN), []).append(entry)
        for same in alike.values():
            cells = (next((text for entry in same if (text := cost(entry)) != NONE), NONE) for cost in COSTS.values())
            rows.append((budget, ", ".join(entry.column.title for entry in same), *cells))
    title = f"{block.network.title}: what the networks cost"
    return Section(title, ("budget", "columns", *COSTS), tuple(rows), ("budget", *COSTS))


def _by_budget(entries: Iterable[Entry]) -> list[tuple[str, list[Entry]]]:
    return [(budget, list(each)) for budget, each in groupby(entries, key=lambda entry: entry.budget)]


def _published(value: Published | None) -> str:
    return NONE if value is None else _plus_minus(value.value, value.std)


def _spread(value: Spread | None) -> str:
    return NONE if value is None else _plus_minus(value.mean, value.deviation)


def _plus_minus(mean: float, deviation: float | None) -> str:
    return f"{mean:.2f}" if deviation is None else f"{mean:.2f} ±{deviation:.2f}"


def _difference(entry: Entry) -> str:
    difference = entry_difference(entry)
    return NONE if difference is None else f"{difference:+.2f}"


def entry_difference(entry: Entry) -> float | None:
    """Points by which our mean is above the published one."""
    return None if entry.published is None or entry.accuracy is None else entry.accuracy.mean - entry.published.value


def _whole(value: Spread | None) -> str:
    return NONE if value is None else f"{round(value.mean):,}"


def _seconds(value: Spread | None) -> str:
    return NONE if value is None else f"{value.mean:.3f}"


def _number(value: float | None, form: str) -> str:
    return NONE if value is None else f"{value:{form}}"


def _size(value: Published | None) -> str:
    return NONE if value is None else f"{value.value:g} {UNITS.get(value.unit, value.unit)}"


UNITS: Mapping[str, str] = {"kilobytes": "kB", "kibibytes": "KiB"}


def entry_facts(entry: Entry) -> dict[str, Any]:
    """An entry for programs, JSON-ready; accuracies and shares in percent."""
    published = entry.published
    spreads = {
        "accuracy_percent": entry.accuracy,
        "validation_accuracy_percent": entry.validation,
        "macs": entry.macs,
        "parameters": entry.parameters,
        "search_seconds": entry.search_seconds,
        "search_gap": entry.search_gap,
    }
    return {
        "budget": entry.budget,
        "column": entry.column.name,
        "method": entry.column.method,
        "published_accuracy_percent": None if published is None else {"mean": published.value, "std": published.std},
        "difference_points": entry_difference(entry),
        **{name: None if spread is None else spread.to_dict() for name, spread in spreads.items()},
        "macs_share_percent": entry.share,
        "published_macs_share_percent": entry.published_share,
        "model_kibibytes": entry.model_kibibytes,
        "published_search_seconds": entry.published_search_seconds,
    }


def block_facts(block: Block, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The entries of a network for programs, JSON-ready."""
    return {
        "network": block.network.name,
        "architecture": block.network.architecture,
        "dataset": block.network.dataset,
        "data_origin": block.origin,
        "data_fingerprint": block.fingerprint,
        "test_examples": block.test_examples,
        "imported": block.imported,
        "entries": list(entries),
    }
