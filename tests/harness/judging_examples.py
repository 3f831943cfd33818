"""Values to judge: exact ones, times with noise, right answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from harness.judging import Comparison, Thresholds, compare
from harness.records import DeviceFacts, Measurement, Outcome
from harness.run_file import RunFile
from tests.harness.examples import a_measurement, a_run


def a_file(*records: Measurement | DeviceFacts | Outcome, **run: Any) -> RunFile:
    return RunFile(
        "some.jsonl",
        replace(a_run(), **run),
        tuple(r for r in records if isinstance(r, Measurement)),
        tuple(r for r in records if isinstance(r, DeviceFacts)),
        tuple(r for r in records if isinstance(r, Outcome)),
    )


def judged(before: dict, after: dict, thresholds: Thresholds | None = None) -> Comparison:
    (comparison,) = compare(a_file(a_measurement(**before)), a_file(a_measurement(**after)), thresholds or Thresholds())
    return comparison


def timed(seed: int, factor: float = 1.0, noise: float = 0.01, count: int = 20, **changes: Any) -> dict:
    """A latency by a clock that runs, each time of another firmware."""
    samples = 50_000 * factor * (1 + np.random.default_rng(seed).normal(0, noise, count))
    facts = {"unit": "nanoseconds", "clock": "nanoseconds", "device": "host", "deterministic": False, "firmware": str(seed)}
    return {**facts, "value": float(np.median(samples)), "samples": tuple(samples.tolist()), **changes}


def right(correct: str, **changes: Any) -> dict:
    """An accuracy with its results one by one."""
    facts = {
        "metric": "accuracy",
        "better": "higher",
        "unit": "fraction",
        "clock": None,
        "value": correct.count("1") / len(correct),
    }
    return {**facts, "sample_count": len(correct), "correct": correct, **changes}


def counted(count: int) -> dict:
    """An accuracy over 100 inputs of which only the number of right ones is known."""
    return {**right("1" * count + "0" * (100 - count)), "correct": None}
