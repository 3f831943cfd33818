"""The Arduino boards' hardware layer, compiled against a stand-in for the Arduino core: no board is needed, none is claimed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from device_examples import PRECISIONS, Example

from targets.connection import over_pipes
from targets.firmware_identity import PROJECT_FOLDER
from targets.target import InferenceTime, SwitchTime
from targets.wire.conversation import Conversation
from targets.wire_target import WireTarget

pytestmark = pytest.mark.toolchain

STUB = Path(__file__).with_name("arduino")
FIRMWARE = PROJECT_FOLDER / "targets" / "firmware" / "src"
RUNTIME = PROJECT_FOLDER / "targets" / "runtime"
CLOCKS = {"pico": ([], "microseconds", 1_000_000), "nano33ble": (["-DSTUB_CYCLE_COUNTER"], "cycles", 64_000_000)}
SETTINGS = ["-DREDS_POOL_BYTES=163840", "-DREDS_FRAME_BYTES=2048", '-DREDS_BOARD="stub"', '-DREDS_FIRMWARE_SHA256="0"']


def compiled(options: list[str], folder: Path) -> Path:
    if shutil.which("gcc") is None or shutil.which("g++") is None:
        pytest.skip("needs gcc and g++")
    program = folder / "board"
    include = [f"-I{FIRMWARE}", f"-I{RUNTIME / 'include'}", f"-I{STUB}"]
    checks = ["-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    sources = [*(path for path in FIRMWARE.glob("*.c") if not path.name.startswith("hal_")), *RUNTIME.glob("src/*.c")]
    subprocess.run(["gcc", "-c", *checks, *SETTINGS, *include, *sources], check=True, cwd=folder)
    board = [FIRMWARE / "hal_arduino.cpp", STUB / "stub.cpp", *folder.glob("*.o")]
    subprocess.run(["g++", "-std=gnu++14", *checks, *options, *include, "-o", program, *board], check=True)
    return program


@pytest.mark.parametrize("board", CLOCKS)
def test_an_arduino_board_answers_like_any_device(board: str, tmp_path: Path, network: Example) -> None:
    options, kind, hz = CLOCKS[board]
    program = compiled(options, tmp_path)
    with over_pipes([str(program)], tmp_path / "log") as connection:
        target = WireTarget(Conversation(board, connection.link, 10.0, connection.evidence))
        clock = target.identify().clock
        assert (clock.kind, clock.hz) == (kind, hz)
        for precision in PRECISIONS:
            target.load(network.images[precision])
            network.assert_right(precision, 0, target.infer(network.inputs[precision]))
            first = network.inputs[precision][0]
            assert len(target.time(InferenceTime(1, first, 600)).samples) == 600
            assert len(target.time(SwitchTime(0, 1, 5)).samples) == 5
