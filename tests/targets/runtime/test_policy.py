"""The policies in C decide as those in Python, here under sanitizers and on the boards' cores; and what a decision takes."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from board_programs import build, numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.adaptation.budgets import UNLIMITED
from reds.adaptation.costs import MOST
from reds.adaptation.policies import MOST_STORED, Costs, EnergyNeutral, Hysteresis, LargestFit, Policy, Store
from targets.inventory import Device
from tests.targets.runtime import programs

pytestmark = pytest.mark.toolchain

CORES = ("host", "cortex-m4f", "cortex-m0plus")
PATIENCE = 3
LARGEST, PATIENT, NEUTRAL = range(3)
REQUEST = np.dtype([("budget", "<u4", 3), ("harvested", "<u4"), ("stored", "<u8")])
WHOLE = Costs(2_000_000, 2_000_000, 20_000)
COSTS = tuple(Costs(WHOLE.time_ticks * part // 4, WHOLE.energy * part // 4, WHOLE.ram_bytes * part // 4) for part in (4, 3, 2, 1))
DECISION, SWITCH, LIMIT = 150, 17, 200  # instructions; a switch as in results/baselines/digits.jsonl


@pytest.fixture(scope="session", params=CORES)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[programs.Core, Path]:
    core = programs.CORES[request.param]
    try:
        folder = tmp_path_factory.mktemp(core.name)
        return core, programs.build(folder / "replay_policy", core, [programs.HERE / "replay_policy.c"])
    except programs.MissingToolError as missing:
        pytest.skip(str(missing))


def in_c(
    program: tuple[programs.Core, Path], kind: int, costs: tuple[Costs, ...], store: Store | None, requests: np.ndarray
) -> list[int]:
    """The levels that the C policy chooses."""
    core, binary = program
    stored = store or Store(1, 0, 2, (0,))
    slots = len(stored.forecast)
    header = struct.pack("<6I2Q", kind, len(costs), PATIENCE, slots, stored.slot_requests, 0, stored.capacity, stored.start)
    table = b"".join(struct.pack("<3I", cost.time_ticks, cost.energy, cost.ram_bytes) for cost in costs)
    folder = binary.parent
    (folder / "requests").write_bytes(header + table + struct.pack(f"<{slots}Q", *stored.forecast) + requests.tobytes())
    try:
        command = programs.command_of(binary, core, ["requests", "levels"])
    except programs.MissingToolError as missing:
        pytest.skip(str(missing))
    subprocess.run(command, check=True, cwd=folder, timeout=120)
    return list((folder / "levels").read_bytes())


def in_python(policy: Policy, costs: tuple[Costs, ...], store: Store | None, requests: np.ndarray) -> list[int]:
    follower = policy.follower(costs, store)
    levels = []
    for (time_ticks, energy, ram_bytes), harvested, stored in requests.tolist():
        levels.append(follower.choose(time_ticks, energy, ram_bytes, stored, harvested))
    return levels


def some_requests(seed: int, count: int, capacity: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    requests = np.zeros(count, REQUEST)
    scale = np.array([WHOLE.time_ticks, WHOLE.energy, WHOLE.ram_bytes])
    requests["budget"] = np.where(rng.random((count, 3)) < 0.2, UNLIMITED, rng.integers(0, scale * 2, (count, 3)))
    requests["stored"] = rng.integers(0, capacity + 1, count)
    requests["harvested"] = rng.integers(0, WHOLE.energy * 2, count)
    return requests


@pytest.mark.parametrize(
    ("kind", "policy"), [(LARGEST, LargestFit()), (PATIENT, Hysteresis(PATIENCE)), (NEUTRAL, EnergyNeutral())], ids=str
)
def test_decisions_are_those_of_python(program: tuple[programs.Core, Path], kind: int, policy: Policy) -> None:
    store = Store(WHOLE.energy * 500, WHOLE.energy * 200, 20, tuple(WHOLE.energy * share for share in (0, 30, 10, 0, 5)))
    requests = some_requests(kind, 2000, store.capacity)
    expected = in_python(policy, COSTS, store if kind == NEUTRAL else None, requests)
    assert in_c(program, kind, COSTS, store, requests) == expected
    assert set(expected) == set(range(len(COSTS)))


@st.composite
def stores(draw: st.DrawFn) -> Store:
    capacity = draw(st.integers(1, MOST_STORED - 1) | st.integers(1, 10**9))
    forecast = draw(st.lists(st.integers(0, MOST_STORED - 1) | st.integers(0, 10**9), min_size=1, max_size=8))
    requests = len(forecast) + draw(st.integers(1, 8))
    return Store(capacity, draw(st.integers(0, capacity)), requests, tuple(forecast))


@st.composite
def cost_tables(draw: st.DrawFn) -> tuple[Costs, ...]:
    times, energies, sizes = (
        sorted(draw(st.lists(st.integers(1, MOST), min_size=4, max_size=4)), reverse=True) for _ in range(3)
    )
    return tuple(map(Costs, times, energies, sizes))


@pytest.fixture(scope="session")
def host_program(tmp_path_factory: pytest.TempPathFactory) -> tuple[programs.Core, Path]:
    core = programs.CORES["host"]
    try:
        return core, programs.build(tmp_path_factory.mktemp("any") / "replay_policy", core, [programs.HERE / "replay_policy.c"])
    except programs.MissingToolError as missing:
        pytest.skip(str(missing))


@settings(max_examples=60, deadline=None)
@given(store=stores(), costs=cost_tables(), data=st.data())
def test_decisions_are_those_of_python_whatever_the_numbers(
    host_program: tuple[programs.Core, Path], store: Store, costs: tuple[Costs, ...], data: st.DataObject
) -> None:
    """Also at the ends of what 32 bits hold; the sanitizers watch."""
    words = st.integers(0, UNLIMITED)
    drawn = data.draw(st.lists(st.tuples(words, words, words, words, st.integers(0, store.capacity)), min_size=1, max_size=80))
    requests = np.array([((a, b, c), d, e) for a, b, c, d, e in drawn], REQUEST)
    assert in_c(host_program, NEUTRAL, costs, store, requests) == in_python(EnergyNeutral(), costs, store, requests)
    for kind, policy in ((LARGEST, LargestFit()), (PATIENT, Hysteresis(PATIENCE))):
        assert in_c(host_program, kind, costs, None, requests) == in_python(policy, costs, None, requests)


def test_a_decision_and_a_switch_take_no_longer_than_promised(device: Callable[[str], Device], tmp_path: Path) -> None:
    board = device("nano33ble-emu")
    sources = [Path(__file__).parents[1] / "count_policy.c", programs.RUNTIME / "src" / "reds_policy.c"]
    counted = numbers(board, build(board.kind, tmp_path, sources, programs.INCLUDES), tmp_path / "log", 4)
    nothing, *decisions = counted
    assert all(a < b for a, b in pairwise(counted))
    assert max(decisions) - nothing <= DECISION, counted
    assert DECISION + SWITCH <= LIMIT
