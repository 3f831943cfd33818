"""Makes the networks of a table in a process of their own, and puts them beside the published ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness import artifacts
from harness.paper.entries import Block, Entry, Spread, block
from harness.paper.sections import Rebuilt, accuracy_section, block_facts, cost_section, entry_facts
from harness.paper.specification import PERCENT, Column, PaperNetwork, PaperTable, Slice
from harness.published import Published
from harness.records import Measurement
from reds.datasets.layout import FOUND_ON_DISK
from reds.recipe import Recipe

QUICK = "quick slice, not to be compared"
UNVERIFIED = "the data were not verified to be the published files"


def rebuild(table: PaperTable, chosen: Slice, values: Sequence[Published], environment: Mapping[str, str]) -> Rebuilt:
    """Rebuild a table.

    Args:
        table: the table.
        chosen: how much of it.
        values: everything published.
        environment: of the process that trains; says where data lie.

    Raises:
        ConfigError: a key or value of the file that is wrong.
        MissingError: a published network is not there, or the process failed; it has said why.
    """
    wanted: list[tuple[PaperNetwork, Column, Recipe]] = [
        (network, column, chosen.recipe(table, network, column, seed))
        for network in table.networks
        for column in table.columns
        for seed in chosen.seeds
    ]
    rows = artifacts.made([recipe for _, _, recipe in wanted], environment)
    budgets = wanted[0][2].subnet_names
    blocks = []
    for network in table.networks:
        own = {column: [row for row in rows if wanted[row["recipe"]][:2] == (network, column)] for column in table.columns}
        blocks.append(block(network, budgets, own, values))
    return _rebuilt(table, chosen, blocks, values)


def _rebuilt(table: PaperTable, chosen: Slice, blocks: Sequence[Block], values: Sequence[Published]) -> Rebuilt:
    quick = chosen.quick is not None
    origins = "; ".join(dict.fromkeys(each.origin for each in blocks))
    title = f"{table.title}{f' ({QUICK})' if quick else ''}; data: {origins}"
    sections = [section for each in blocks for section in (accuracy_section(each, compared=not quick), cost_section(each))]
    facts = {
        "table": table.name,
        "title": title,
        "quick": quick,
        "seeds": list(chosen.seeds),
        "networks": [block_facts(each, [entry_facts(entry) for entry in each.entries]) for each in blocks],
    }
    measurements = [m for each in blocks for entry in each.entries for m in _measurements(table, chosen, each, entry)]
    return Rebuilt(title, tuple(_notes(chosen, blocks, values)), tuple(sections), facts, tuple(measurements))


def _notes(chosen: Slice, blocks: Sequence[Block], values: Sequence[Published]) -> list[str]:
    """What a reader must know of these networks and data."""
    count = len(chosen.seeds)
    notes = [f"{count} runs, mean and sample deviation" if count > 1 else "one run"]
    for each in blocks:
        network = each.network
        start = (
            "trained here, not the published weights" if each.imported is None else f"published weights {each.imported['file']}"
        )
        known = [v for v in values if (v.network, v.dataset, v.variant) == (network.published, network.dataset, "pretrained")]
        scores = f", published at {known[0].value:.2f} %" if known else ""
        notes.append(f"{network.title}: {start}{scores}; data {each.fingerprint[:12]}, {each.test_examples:,} test examples")
    if any(FOUND_ON_DISK in each.origin for each in blocks):
        notes.append(UNVERIFIED)
    return notes


UNITS: Mapping[str, tuple[str, str, bool]] = {
    "accuracy": ("fraction", "higher", True),
    "validation_accuracy": ("fraction", "higher", True),
    "macs": ("multiply-adds", "lower", True),
    "parameters": ("parameters", "lower", True),
    "search_seconds": ("seconds", "lower", False),
    "search_gap": ("fraction", "lower", True),
}
"""By metric: unit, which way is better, and whether it is the same in every run of the same seeds."""


def _measurements(table: PaperTable, chosen: Slice, each: Block, entry: Entry) -> list[Measurement]:
    """One record for each number of an entry; its samples are the runs. The metric names table and column, as budgets repeat."""
    numbers: Mapping[str, tuple[Spread | None, float]] = {
        "accuracy": (entry.accuracy, 1 / PERCENT),
        "validation_accuracy": (entry.validation, 1 / PERCENT),
        "macs": (entry.macs, 1),
        "parameters": (entry.parameters, 1),
        "search_seconds": (entry.search_seconds, 1),
        "search_gap": (entry.search_gap, 1),
    }
    place = f"table {table.name}, {entry.column.name}{', quick' if chosen.quick is not None else ''}"
    found = []
    for metric, (spread, factor) in numbers.items():
        if spread is not None:
            unit, better, deterministic = UNITS[metric]
            found.append(
                Measurement(
                    metric=f"{metric} ({place})",
                    unit=unit,
                    better=better,
                    value=spread.mean * factor,
                    samples=tuple(value * factor for value in spread.values),
                    deterministic=deterministic,
                    architecture=entry.network.architecture,
                    dataset=entry.network.dataset,
                    precision=None,
                    device=None,
                    subnet=entry.budget,
                    macs=None if entry.macs is None else round(entry.macs.mean),
                    seed=chosen.seeds[0],
                    bundle=entry.bundles[0],
                    test=f"paper: table {table.name}, {entry.column.title}",
                    sample_count=each.test_examples if metric == "accuracy" else None,
                )
            )
    return found
