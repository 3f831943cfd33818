"""A run with everything that a report shows, made up: no device, no trained model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any

from harness.records import DeviceFacts, Measurement, Outcome
from harness.run_file import RunFile
from tests.harness.examples import a_measurement, a_run, an_outcome, some_device_facts

LAYERS = {"mlp1": 2, "mlp3": 3, "mlp11": 11}
MACS = {"mlp1": 2960, "mlp3": 5060, "mlp11": 17360}
SUBNETS = {"100": 1.0, "75": 0.75, "50": 0.5, "25": 0.25}
UNITS = {"host": "nanoseconds", "nano33ble-emu": "instructions", "pico-emu": "model cycles"}
PER_MAC = {"float32": 3, "int8": 2}


def a_full_run(run_id: str = "20260101T000000Z-abcdef", **changes: Any) -> RunFile:
    """Three networks in two precisions on three devices, with tests that failed and tests that were skipped."""
    outcomes = (
        an_outcome(),
        an_outcome(test="suites/test_latency.py::broken", outcome="failed", reason="assert 3 < 2\n  seen: 3"),
        an_outcome(test="suites/test_parity.py::cut", outcome="error", reason="the link was cut"),
        *(an_outcome(test=f"suites/test_latency.py::absent{i}", outcome="skipped", reason="no board") for i in range(3)),
    )
    run = RunFile(f"{run_id}.jsonl", a_run(run_id), tuple(_measurements()), tuple(_devices()), outcomes)
    return replace(run, **changes)


def outcomes_only(*outcomes: Outcome) -> RunFile:
    """A run that measured nothing."""
    return RunFile("none.jsonl", a_run(), (), (), outcomes)


def with_latency(run: RunFile, factor: float, device: str = "nano33ble-emu") -> RunFile:
    """The run, on a firmware that takes `factor` times as long on one device."""

    def changed(m: Measurement) -> Measurement:
        if (m.metric, m.device) != ("latency", device):
            return m
        samples = tuple(factor * sample for sample in m.samples)
        return replace(m, value=factor * m.value, samples=samples, firmware="e" * 64)

    return replace(run, measurements=tuple(map(changed, run.measurements)))


def _devices() -> Iterator[DeviceFacts]:
    for device, unit in UNITS.items():
        yield some_device_facts(id=device, device_kind=device, board=device, clock=unit)


def _measurements() -> Iterator[Measurement]:
    for architecture in LAYERS:
        for subnet, share in SUBNETS.items():
            macs = int(MACS[architecture] * share)
            here = {
                "architecture": architecture,
                "subnet": subnet,
                "macs": macs,
                "precision": None,
                "device": None,
                "clock": None,
            }
            yield _value("macs", macs, "multiply-adds", **here)
            yield _value("parameters", macs + 50, "parameters", **here)
            yield _value("search_seconds", 0.001 / share if share < 1 else 0.0, "seconds", deterministic=False, **here)
            yield _value("search_gap", 0.0, "fraction", **here)
        for precision in PER_MAC:
            for device in UNITS:
                yield from _placement(architecture, precision, device)


def _placement(architecture: str, precision: str, device: str) -> Iterator[Measurement]:
    place: dict[str, Any] = {"architecture": architecture, "precision": precision, "device": device, "macs": None, "subnet": None}
    yield _value("image_bytes", MACS[architecture] * 2, "bytes", **place)
    yield _value("flash_bytes", 40_000, "bytes", **place)
    for subnet, share in SUBNETS.items():
        place |= {"subnet": subnet, "macs": int(MACS[architecture] * share)}
        yield _value("accuracy", 0.9 + 0.08 * share, "fraction", better="higher", sample_count=360, **place)
        yield _value("arena_bytes", 400 * share, "bytes", **place)
        cost = int(PER_MAC[precision] * place["macs"]) + 500
        yield _timing("latency", cost, **place)
        for layer in range(1, LAYERS[architecture] + 1):
            yield _timing("layer_latency", cost // LAYERS[architecture], layer=f"hidden{layer}", **place)
            yield _value("layer_activation_bytes", 300 * share / layer, "bytes", layer=f"hidden{layer}", **place)
    for before, after in permutations(SUBNETS, 2):
        place |= {"subnet": after, "from_subnet": before, "macs": int(MACS[architecture] * SUBNETS[after])}
        yield _timing("switch", 18, **place)
        yield _timing("latency_first", 1000, **place)


def _value(metric: str, value: float, unit: str, **facts: Any) -> Measurement:
    test = f"suites/test_{metric}.py::test_{metric}"
    return a_measurement(**({"metric": metric, "value": value, "samples": (value,), "unit": unit, "test": test} | facts))


def _timing(metric: str, value: float, **facts: Any) -> Measurement:
    unit = UNITS[facts["device"]]
    counted = facts["device"] != "host"
    samples = (value, value, value) if counted else tuple(value + i for i in (-2, 1, -1, 0, 2, 3, -3))
    return _value(metric, value, unit, **({"samples": samples, "deterministic": counted, "clock": unit} | facts))
