"""Measure the accuracy of every subnetwork on the test examples, each exported alone to Keras.

The data set is the one that the bundle was trained on, or another one that --dataset names. The peak is what activations take in
int8; in float32 they take four times that.

examples:
  python -m reds evaluate build/finished
  python -m reds evaluate build/finished --json -o build/evaluated
  python -m reds evaluate build/ds_cnn_s --dataset speech_commands_test_set --data-dir data
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from reds.bundle import Bundle, check_replaceable
from reds.commands.shared import add_bundle, add_data, add_json, data_of, print_subnets, subnet_rows, wrote
from reds.datasets.split import Split
from reds.progress import showing_on_terminal
from reds.steps.evaluate import Evaluation, evaluated

NAME = "evaluate"
SUMMARY = "measure the accuracy of every subnetwork"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_bundle(parser)
    add_data(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="PATH", help="bundle folder to write, with the accuracy recorded")
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Evaluate and print the subnetworks; as JSON also by class."""
    if arguments.output:
        check_replaceable(arguments.output)
    bundle = Bundle.load(arguments.bundle)
    split, _ = data_of(bundle, arguments)
    with showing_on_terminal(len(bundle.subnets) * len(split.y_test)) as progress:
        progress("evaluating", 0)
        evaluation = evaluated(bundle, split, lambda examples: progress("evaluating", examples))
    bundle = bundle.with_provenance(accuracy=dict(evaluation.accuracy), evaluated_on=split.facts())
    if arguments.output:
        wrote(bundle, arguments.output)
    print(f"{split.name}: {len(split.y_test):,} test examples; {split.origin}", file=sys.stderr)
    rows = subnet_rows(bundle)
    if arguments.json:
        rows = [{**row, **facts} for row, facts in zip(rows, _facts(evaluation, split), strict=True)]
    print_subnets(rows, arguments.json)


def _facts(evaluation: Evaluation, split: Split) -> list[dict[str, Any]]:
    """For each subnetwork, on what it was evaluated, and by class how many examples there are and the share of right answers."""
    labels = np.asarray(split.y_test)
    facts = []
    for right in evaluation.logits.argmax(axis=2) == labels:
        classes = {
            name: {"examples": int((labels == label).sum()), "accuracy": float(right[labels == label].mean())}
            for label, name in enumerate(split.classes)
            if (labels == label).any()
        }
        facts.append({"dataset": split.name, "origin": split.origin, "test_examples": len(labels), "classes": classes})
    return facts
