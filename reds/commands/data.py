"""Prepare a data set, or say which there are.

A set is read from DIR/its folder, as it is published, where --data-dir or REDS_DATA_DIR names DIR; otherwise it is downloaded
once. What is prepared is kept in the cache and found again by the commands that need it.

examples:
  python -m reds data
  python -m reds data fashion_mnist
  python -m reds data speech_commands --form 25x10 --data-dir data --json
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from reds.commands.shared import add_data_dir, add_json
from reds.commands.tables import print_rows, print_wrapped
from reds.datasets.dataset import DataSet
from reds.datasets.layout import find
from reds.datasets.registry import DATASETS
from reds.datasets.registry import dataset as find_dataset
from reds.datasets.request import Form, Request
from reds.datasets.split import Split, open_split
from reds.errors import unknown_name
from reds.prepared import prepared_data
from reds.progress import showing_amounts

NAME = "data"
SUMMARY = "prepare a data set and say what is in it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("name", metavar="NAME", nargs="?", help=f"one of {', '.join(DATASETS)}; none lists them")
    parser.add_argument(
        "--form", metavar="FORM", help="shape of the examples, like 49x10 (default: the first that the set offers)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the split, where there is no official one (default: 0)")
    add_data_dir(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Prepare the set and print what is in it, or list all sets."""
    if arguments.name is None:
        rows = [_row(dataset, arguments) for dataset in DATASETS.values()]
        if arguments.json:
            print_rows(rows, as_json=True)
        else:
            print_rows([{name: row[name] for name in ("name", "found", "forms")} for row in rows], as_json=False)
            print_wrapped(*(f"{row['name']}: {row['summary']}" for row in rows))
        return
    dataset = find_dataset(arguments.name)
    form = _form(dataset, arguments.form)
    with showing_amounts() as amounts:
        folder = prepared_data(dataset.name, Request(arguments.seed, form.shape, arguments.data_dir), amounts)
    facts = {"form": form.name, **_facts(open_split(folder)), "folder": str(folder)}
    if arguments.json:
        print(json.dumps(facts, indent=1))
        return
    for name in ("name", "form", "origin", "augmentation", "fingerprint", "folder"):
        print(f"{name}: {facts[name]}")
    print_rows(facts["classes"], as_json=False)


def _row(dataset: DataSet, arguments: argparse.Namespace) -> dict[str, Any]:
    there = dataset.layout is None or find(dataset.layout, arguments.data_dir) is not None
    forms = ", ".join(form.name for form in dataset.forms)
    return {"name": dataset.name, "forms": forms, "found": "yes" if there else "no", "summary": dataset.summary}


def _form(dataset: DataSet, name: str | None) -> Form:
    forms = {form.name: form for form in dataset.forms}
    if name is None:
        return dataset.forms[0]
    if name not in forms:
        raise unknown_name(f"form of {dataset.name!r}", name, forms)
    return forms[name]


def _facts(split: Split) -> dict[str, Any]:
    """What is in a split: its identity, and how many examples each class has in each part, all together first."""
    counts = split.counts()
    totals = {"class": "all", **{part: sum(numbers) for part, numbers in counts.items()}}
    by_class = [
        {"class": name, **{part: numbers[label] for part, numbers in counts.items()}} for label, name in enumerate(split.classes)
    ]
    augmentation = "none" if split.augmentation is None else split.augmentation.describe()["kind"]
    return {**split.facts(), "features": split.x_test.shape[1], "augmentation": augmentation, "classes": [totals, *by_class]}
