"""What TensorFlow Lite Micro with CMSIS-NN needs on the same emulated cores: the measurements of results/peers."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "results" / "peers" / "tflite_micro.csv"
_INFERENCES = ("inference", "real_inference")  # without and with float ends: no network has both


def peers() -> Mapping[tuple[str, str, str, str], int]:
    """Values by network, board, precision and metric: "inference", "switch", "arena_bytes" or "code_bytes"."""
    with FILE.open(newline="") as file:
        return {
            (row["network"], row["board"], row["precision"], _metric(row["metric"])): int(row["value"])
            for row in csv.DictReader(file)
        }


def _metric(name: str) -> str:
    return "inference" if name in _INFERENCES else name
