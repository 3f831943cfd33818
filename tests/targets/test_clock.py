"""The emulated boards' clocks count work of a known length exactly, also past the wrap of their counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from board_programs import build, numbers

from targets.inventory import Device

pytestmark = pytest.mark.toolchain

NOPS = 64


@dataclass(frozen=True)
class Loop:
    """What a board's clock says of one turn of a loop of two instructions."""

    ticks_per_turn: int
    long_turns: int  # enough for the counter to wrap


LOOPS = {"nano33ble-emu": Loop(2, 100_000_000), "pico-emu": Loop(3, 12_000_000)}


@pytest.mark.parametrize("name", LOOPS)
def test_the_clock_counts_every_instruction(name: str, device: Callable[[str], Device], tmp_path: Path) -> None:
    board, loop = device(name), LOOPS[name]
    program = build(name, tmp_path, [Path(__file__).with_name("count_work.c")], [f"-DLONG_TURNS={loop.long_turns}u"])
    *nops, short, long = numbers(board, program, tmp_path / "log", NOPS + 3)
    assert [count - nops[0] for count in nops] == list(range(NOPS + 1))
    assert long - short == (loop.long_turns - 1000) * loop.ticks_per_turn
