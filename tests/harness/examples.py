"""Records to test with."""

from __future__ import annotations

from typing import Any

from harness.records import DeviceFacts, Measurement, Outcome, Run


def a_run(run_id: str = "20260101T000000Z-abcdef") -> Run:
    """The header of some run."""
    return Run(
        id=run_id,
        started="2026-01-01T00:00:00+00:00",
        matrix="digits",
        git_sha="0" * 40,
        git_dirty=False,
        host={"cpu": "some cpu"},
        versions={"numpy": "2.0"},
        command=("pytest", "suites"),
    )


def a_measurement(**changes: Any) -> Measurement:
    """A latency in instructions, changed as asked for."""
    facts: dict[str, Any] = {
        "metric": "latency",
        "unit": "instructions",
        "better": "lower",
        "value": 1000,
        "samples": (1000, 1000, 1000),
        "deterministic": True,
        "architecture": "mlp3",
        "dataset": "digits",
        "precision": "int8",
        "device": "nano33ble-emu",
        "subnet": "100",
        "macs": 5060,
        "seed": 0,
        "bundle": "b" * 64,
        "test": "suites/test_latency.py::test_latency[mlp3-digits-int8-nano33ble-emu-100]",
        "clock": "instructions",
        "firmware": "f" * 64,
        "image": "i" * 64,
    }
    return Measurement(**(facts | changes))


def some_device_facts(**changes: Any) -> DeviceFacts:
    """Of an emulated board, changed as asked for."""
    facts: dict[str, Any] = {
        "id": "nano33ble-emu",
        "device_kind": "qemu",
        "board": "nano33ble",
        "clock": "instructions",
        "clock_hz": None,
        "compiler": "GCC 12.2.1",
        "runtime_version": "1.0",
        "firmware": "f" * 64,
        "pool_bytes": 200_000,
    }
    return DeviceFacts(**(facts | changes))


def an_outcome(**changes: Any) -> Outcome:
    """A latency test that passed, changed as asked for."""
    facts: dict[str, Any] = {
        "test": "suites/test_latency.py::test_latency[mlp3-digits-int8-nano33ble-emu-100]",
        "outcome": "passed",
        "seconds": 0.25,
        "reason": None,
        "architecture": "mlp3",
        "dataset": "digits",
        "precision": "int8",
        "device": "nano33ble-emu",
        "subnet": "100",
    }
    return Outcome(**(facts | changes))
