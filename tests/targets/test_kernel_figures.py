"""The figures of the kernel benchmarks on emulated boards, held as limits: instructions, model cycles, and bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from harness.environment import describe_run, new_run_id
from harness.run_file import create
from reds.bundle import untrained
from reds.export import image
from reds.zoo import mlp
from targets.connect import connect
from targets.firmware_identity import PROJECT_FOLDER
from targets.inventory import Device
from targets.target import SwitchTime
from tests.benchmarks import code_size, kernels
from tests.benchmarks.kernel_networks import BUDGETS, KEYWORDS, uniform

pytestmark = [pytest.mark.toolchain, pytest.mark.slow]

ARM, PICO = "nano33ble-emu", "pico-emu"
# From float inputs to float probabilities, of the whole networks: instructions on the one, model cycles on the other.
INFERENCE: Mapping[tuple[str, str], Mapping[str, int]] = {
    (ARM, "int8"): {"dnn_s": 150_000, "cnn_s": 4_000_000, "ds_cnn_s": 5_400_000},
    (ARM, "float32"): {"dnn_s": 260_000, "cnn_s": 7_000_000, "ds_cnn_s": 9_000_000},
    (PICO, "int8"): {"dnn_s": 560_000, "cnn_s": 16_000_000, "ds_cnn_s": 21_000_000},
}
UNITS = {ARM: "instructions", PICO: "model cycles"}
DS_CNN_ARENA_BYTES = {"int8": 17 * 1024, "float32": 65 * 1024}
SWITCH = 100
RUNTIME_BYTES = 24 * 1024
SIZED_BY = "arm-none-eabi-gcc 12.2"
DEEP = mlp("deep", 20, (8,) * 15, 5)  # 16 layers
INPUTS = 8


@pytest.mark.parametrize("device_id", UNITS)
def test_inferences_switches_and_arenas(device: Callable[[str], Device], tmp_path: Path, device_id: str) -> None:
    device(device_id)  # skips
    path = tmp_path / "run.jsonl"
    create(path, describe_run(new_run_id(), "kernels", [__name__], PROJECT_FOLDER))
    measured = list(kernels.rows(KEYWORDS, [device_id], None, path))
    whole = {(row.precision, row.network): row for row in measured if row.share == 1}
    limits = {
        (precision, network): limit
        for (place, precision), networks in INFERENCE.items()
        if place == device_id
        for network, limit in networks.items()
    }
    assert {row.unit for row in measured} == {UNITS[device_id]}
    assert whole.keys() == limits.keys()
    seen = {name: row.inference for name, row in whole.items()}
    assert {name: count for name, count in seen.items() if count > limits[name]} == {}, seen
    switches = {(row.precision, row.network, row.subnet): row.switch for row in measured}
    assert {name: count for name, count in switches.items() if count > SWITCH} == {}
    arenas = {precision: row.arena_bytes for (precision, network), row in whole.items() if network == "ds_cnn_s"}
    assert all(arena <= DS_CNN_ARENA_BYTES[precision] for precision, arena in arenas.items()), arenas


@pytest.mark.parametrize(("device_id", "precision"), kernels.PLACES)
def test_a_switch_does_not_depend_on_the_layers(
    device: Callable[[str], Device], logs: Path, device_id: str, precision: str
) -> None:
    bundle = replace(untrained(DEEP, seed=0), subnets=uniform(DEEP, BUDGETS))
    inputs = np.random.default_rng(0).normal(size=(INPUTS, math.prod(DEEP.input_shape))).astype(np.float32)
    with connect(device(device_id), logs) as target:
        levels = range(target.load(image(bundle, precision, inputs)).level_count)
        assert len(levels) == len(BUDGETS)
        switches = {pair: target.time(SwitchTime(*pair, 1)).samples[0] for pair in permutations(levels, 2)}
    assert max(switches.values()) <= SWITCH, switches


def test_code_size(device: Callable[[str], Device]) -> None:
    device(code_size.ENVIRONMENT)  # skips
    measured = code_size.measure()
    if SIZED_BY not in measured.compiler:
        pytest.skip(f"the limit is for {SIZED_BY}: this is {measured.compiler.split(' -')[0]}")
    assert measured.runtime_bytes <= RUNTIME_BYTES
