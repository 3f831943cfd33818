"""Instructions by class: each is classified as its mnemonic says, and the counts are the device's own."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from device_examples import PRECISIONS
from disassembly import instructions

from reds.bundle import untrained
from reds.errors import MissingError, ProtocolError
from reds.export import image
from reds.image import read_image
from reds.subnets import halving
from reds.zoo import mlp
from targets.connect import connect
from targets.emulators import cycle_model
from targets.emulators.cycle_model import CYCLES, NOT_INSTRUCTIONS, OpcodeCounts, count
from targets.firmware import build
from targets.inventory import Device
from targets.target import InferenceTime, RealInferenceTime
from targets.wire_target import WireTarget

pytestmark = pytest.mark.toolchain

BOARD = "nano33ble-emu"
# What one sample more may take beside the work: selecting a level, reading the clock, four bytes of a longer frame.
FRAME_INSTRUCTIONS = 600


@dataclass(frozen=True)
class Wide:
    """An image, and an input for it in both forms."""

    content: bytes
    real: np.ndarray
    sample: np.ndarray


def test_every_instruction_of_the_firmware_is_classified_as_its_mnemonic_says(
    device: Callable[[str], Device], tmp_path: Path
) -> None:
    found = list(instructions(build(device(BOARD).environment).elf))
    program = tmp_path / "classify"
    include = f"-I{cycle_model.SOURCE.parent}"
    source = Path(__file__).with_name("classify_opcodes.c")
    subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", include, "-o", program, source], check=True)
    lines = "".join(" ".join(instruction.halves) + "\n" for instruction in found)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    seen = [(kind, int(registers)) for kind, registers in (line.split() for line in done)]
    wrong = [(i, was) for i, was in zip(found, seen, strict=True) if i.expected != was]
    assert not wrong[:10]
    kinds = Counter(kind for kind, _ in seen)
    assert len(found) > 5000
    assert set(kinds) >= set(CYCLES) - {"load_after_load", *NOT_INSTRUCTIONS}  # every class was met


@pytest.fixture(scope="module", params=PRECISIONS)
def wide(request: pytest.FixtureRequest) -> Wide:
    """A network whose inferences take many times what a frame does."""
    network = mlp("wide", 120, (130, 100), 10)
    bundle = replace(untrained(network, 0), subnets=halving(network, (1, 0.5), ("hidden1", "hidden2")))
    real = np.random.default_rng(0).normal(size=(8, 120)).astype(np.float32)
    content = image(bundle, request.param, real)
    return Wide(content, real[0], read_image(content).quantise_inputs(real[0]))


def test_the_counts_are_those_of_the_devices_own_clock(wide: Wide, device: Callable[[str], Device], logs: Path) -> None:
    board = device(BOARD)
    asked = (InferenceTime(0, wide.sample, 1), InferenceTime(1, wide.sample, 1), RealInferenceTime(0, wide.real, 1))
    for request in asked:

        def work(target: WireTarget, times: int, request: InferenceTime | RealInferenceTime = request) -> None:
            target.load(wide.content)
            target.time(replace(request, repeats=times))

        with connect(board, logs) as target:
            target.load(wide.content)
            clock = target.time(request).samples[0]
        found = count(build(board.environment), work, logs / "counts.log")
        assert found.classes.keys() == CYCLES.keys()
        assert found.modelled_cycles > found.instructions
        assert clock > 10 * FRAME_INSTRUCTIONS
        assert abs(found.instructions - clock) < FRAME_INSTRUCTIONS, request
        assert found.classes["float_fused"] + found.classes["multiply"] > clock / 5


def test_the_model_costs_what_the_manual_says() -> None:
    counts = OpcodeCounts(
        dict.fromkeys(CYCLES, 0) | {"alu": 5, "load": 3, "load_after_load": 2, "multiple": 1, "multiple_registers": 4}
    )
    assert counts.instructions == 11
    assert counts.modelled_cycles == 5 + 3 * 2 + 2 + (1 + 4)
    fewer = OpcodeCounts(dict.fromkeys(CYCLES, 0) | {"alu": 2})
    once = counts.each_beyond(fewer, 1)
    assert (once.instructions, once.classes["alu"]) == (9, 3)
    thrice = counts.each_beyond(fewer, 3)
    assert (thrice.classes["alu"], thrice.classes["load"]) == (1, 1)


@pytest.mark.parametrize("text", ["", "alu", "alu many\n", "alu 1\nbananas 2\n"])
def test_what_is_no_count_is_an_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "counts"
    path.write_text(text)
    with pytest.raises(ProtocolError, match="QEMU's plugin"):
        cycle_model._read(path, tmp_path / "log")
    with pytest.raises(ProtocolError, match="has written no counts"):
        cycle_model._read(tmp_path / "absent", tmp_path / "log")


def test_a_missing_compiler_comes_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("REDS_BENCH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(MissingError, match=r"(?s)the compiler gcc is not installed.*apt-get install gcc"):
        cycle_model._plugin()
