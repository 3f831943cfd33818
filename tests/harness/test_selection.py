"""Which devices, images and tests a run covers: by kind, shared between equal boards, and what a device cannot do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import fitting
from harness.combinations import Combination, Model, Placement, placements
from harness.fitting import Fitting
from harness.matrix import Matrix, load_matrix
from harness.needs import unmet_need
from harness.plan import Selection, make_plan
from harness.spreading import left_out
from reds.errors import ConfigError
from targets.firmware.pool import pool_bytes
from targets.inventory import KINDS, Device, Inventory
from tests.harness.running import MATRIX, collected, run, run_pytest

DEVICES = Inventory.load(Path("/dev/null")).devices
BOARDS = """
[devices.nano-a]
kind = "nano33ble"
port = "socket://127.0.0.1:1"
[devices.pico-a]
kind = "pico"
port = "socket://127.0.0.1:2"
[devices.nano-b]
kind = "nano33ble"
port = "socket://127.0.0.1:3"
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "devices.toml"
    path.write_text(BOARDS)
    return path


@pytest.mark.parametrize(
    ("selection", "devices"),
    [
        (Selection(), ["host"]),
        (Selection(kinds=["nano33ble"]), ["nano-a", "nano-b"]),
        (Selection(devices=["nano-b"], kinds=["nano33ble", "pico"]), ["nano-b", "nano-a", "pico-a"]),
    ],
)
def test_devices_are_chosen_by_id_and_by_kind(inventory: Path, selection: Selection, devices: list[str]) -> None:
    assert list(make_plan(str(MATRIX), inventory, selection).devices) == devices


@pytest.mark.parametrize(
    ("selection", "says"),
    [
        (Selection(kinds=["nano33"]), "unknown kind of device 'nano33'\n  do: did you mean nano33ble"),
        (Selection(kinds=["nanorp2040connect"]), "(?s)no device of kind nanorp2040connect.*devices --discover"),
        (Selection(devices=["nano-c"]), "unknown device 'nano-c'\n  do: did you mean nano-"),
    ],
)
def test_what_cannot_be_chosen_is_named(inventory: Path, selection: Selection, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make_plan(str(MATRIX), inventory, selection)


def matrix_of(devices: dict[str, Device]) -> Matrix:
    return load_matrix("digits", DEVICES).on(tuple(devices))


def equal(*names: str, kind: str = "nano33ble") -> dict[str, Device]:
    return {name: Device(name, kind, kind, f"socket://{name}:1", 115200, 60.0) for name in names}


@given(st.integers(1, 5), st.integers(0, 3), st.sets(st.integers(0, 4)))
def test_every_image_is_measured_once_by_equal_boards_and_by_each_kind(nanos: int, picos: int, absent: set[int]) -> None:
    devices = equal(*(f"nano-{i}" for i in range(nanos))) | equal(*(f"pico-{i}" for i in range(picos)), kind="pico")
    matrix = matrix_of(devices)
    usable = [name for name in devices if name not in {f"nano-{i}" for i in absent}]

    dropped = left_out(matrix, devices, usable)

    kept = [placement for placement in placements(matrix) if placement not in dropped]
    done = [(p.model, p.precision, devices[p.device].kind) for p in kept]
    assert len(done) == len(set(done)) == 6 * len({device.kind for device in devices.values()})
    if any(name in usable for name in devices if name.startswith("nano")):
        assert all(p.device in usable for p in kept)
    counts = [sum(p.device == name for p in kept) for name in devices if name.startswith("nano") and name in usable]
    assert not counts or max(counts) - min(counts) <= 1


def test_boards_with_another_firmware_are_not_equal() -> None:
    devices = equal("a", "b")
    devices["b"] = replace(devices["b"], environment="nano33ble-emu")
    assert left_out(matrix_of(devices), devices, list(devices)) == frozenset()


def test_the_pool_of_every_kind_is_known_before_anything_is_built() -> None:
    pools = {name: pool_bytes(kind.environment) for name, kind in KINDS.items()}
    assert set(pools.values()) == {pools["host"], pools["pico"]}
    assert pools["pico"] == pools["nano33ble"] == 160 * 1024
    with pytest.raises(ConfigError, match="did you mean pico"):
        pool_bytes("pico2")


def test_an_environment_that_states_no_pool_says_so(tmp_path: Path) -> None:
    (tmp_path / "platformio.ini").write_text("[env:x]\nbuild_flags = ${a.build_flags}\n[a]\nbuild_flags = ${a.build_flags}\n")
    with pytest.raises(ConfigError, match="states no pool for x"):
        pool_bytes("x", tmp_path)


def mark(name: str, *arguments: Any, **named: Any) -> pytest.Mark:
    return getattr(pytest.mark, name)(*arguments, **named).mark


@pytest.mark.parametrize(
    ("device", "marks", "reason"),
    [
        ("pico-emu", [mark("needs_fpu")], "pico-emu has no FPU"),
        ("nano33ble-emu", [mark("needs_fpu"), mark("needs_ram", 163_840)], None),
        (
            "pico-emu",
            [mark("slow"), mark("needs_ram", 163_841)],
            "163,840 bytes for image, arena and inputs; the test needs 163,841",
        ),
        ("pico-emu", [mark("needs_ram", bytes=200_000)], "the test needs 200,000"),
        ("host", [mark("needs_fpu"), mark("needs_ram", 1_000_000)], None),
    ],
)
def test_what_a_test_needs_is_held_against_what_a_device_has(device: str, marks: list[pytest.Mark], reason: str | None) -> None:
    found = unmet_need(DEVICES[device], marks)
    assert (found is None) == (reason is None)
    assert (reason or "") in (found or "")


@pytest.mark.parametrize("wrong", [mark("needs_ram"), mark("needs_ram", "1 KB"), mark("needs_ram", -1), mark("needs_ram", 1, 2)])
def test_a_need_that_is_no_number_is_a_usage_error(wrong: pytest.Mark) -> None:
    with pytest.raises(pytest.UsageError, match="needs_ram takes a number of bytes"):
        unmet_need(DEVICES["host"], [wrong])


def test_needs_are_settled_at_collection(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "import pytest\n"
        "@pytest.mark.needs_fpu\n"
        "def test_float(placement, board):\n    assert False, 'must not run'\n"
        "@pytest.mark.needs_ram(1_000_000)\n"
        "def test_big(placement, board):\n    assert False, 'must not run'\n"
        "def test_any(model):\n    pass\n"
    )
    plugin = ("-p", "harness.plugin", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(tmp_path))
    done = run(
        "pytest",
        *plugin,
        "-rs",
        "--device",
        "pico-emu",
        "--results",
        tmp_path / "results",
        "-k",
        "not any",
        tmp_path / "test_own.py",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pico-emu has no FPU" in done.stdout
    assert "163,840 bytes for image, arena and inputs; the test needs 1,000,000" in done.stdout
    assert "12 skipped" in done.stdout


class Image:
    """As much of an image as is looked at."""

    def __init__(self, *activations: int) -> None:
        self.levels = [
            type("Level", (), {"name": name, "activation_bytes": n})() for name, n in zip(("100", "50"), activations, strict=True)
        ]


class Made:
    """As much of a deployment as is looked at."""

    def __init__(self, image_bytes: int, *activations: int) -> None:
        self.content, self.image = bytes(image_bytes), Image(*activations)

    def level(self, subnet: str) -> int:
        return ["100", "50"].index(subnet)


LARGE = Placement(Model("mlp11", "digits"), "float32", "pico-emu")


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str | None]]:
    """What is said of the whole placement and of its two levels, on a device, for an image of these sizes."""

    def call(device: str, made: Made | None) -> list[str | None]:
        monkeypatch.setattr(fitting, "_TABLES_BYTES", 10**9)  # look at every image
        judge = Fitting(load_matrix("digits", DEVICES), DEVICES)
        monkeypatch.setattr(judge._networks, "found", lambda *_: made)
        placement = replace(LARGE, device=device)
        return [judge.misfit(subject) for subject in (placement, Combination(placement, "100"), Combination(placement, "50"))]

    return call


def test_an_image_without_room_beside_its_arena_is_told_with_the_arithmetic(fits: Callable[..., list[str | None]]) -> None:
    whole, large, small = fits("pico-emu", Made(150_000, 20_000, 10_000))
    assert whole is None
    assert small is None
    assert large == (
        "pico-emu has 163,840 bytes for image and arena; an image of 150,000 bytes and level 100: 20,000 bytes of activations"
        " need 170,000"
    )
    assert all(reason and "need 210,000" in reason for reason in fits("pico-emu", Made(200_000, 10_000, 10_000)))


def test_program_memory_takes_an_image_and_ram_its_arena(fits: Callable[..., list[str | None]]) -> None:
    assert fits("nano33ble-emu", Made(900_000, 160_000, 10)) == [None, None, None]
    assert fits("nano33ble-emu", Made(900_000, 170_000, 10)) == [
        None,
        "nano33ble-emu has 163,840 bytes for the arena; level 100: 170,000 bytes of activations",
        None,
    ]
    assert (
        fits("nano33ble-emu", Made(1_000_000, 10, 10))
        == ["nano33ble-emu has 983,040 bytes of program memory; the image has 1,000,000"] * 3
    )


def test_what_is_not_made_yet_or_surely_fits_is_not_judged(
    fits: Callable[..., list[str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fits("pico-emu", None) == [None, None, None]
    monkeypatch.undo()
    judge = Fitting(load_matrix("digits", DEVICES), DEVICES)
    monkeypatch.setattr(judge._networks, "found", lambda *_: pytest.fail("a small network was looked at"))
    assert judge.misfit(LARGE) is None
    assert judge.misfit(Model("mlp1", "digits")) is None


def test_spread_is_seen_in_what_is_collected(inventory: Path) -> None:
    arguments = ("--matrix", MATRIX, "--devices-file", inventory, "--device-kind", "nano33ble", "-k", "test_parity")
    every = collected(run_pytest("--collect-only", "-q", *arguments).stdout)
    shared = collected(run_pytest("--collect-only", "-q", "--spread", *arguments).stdout)
    assert len(every) == 8
    assert [name.partition("[")[2] for name in shared] == [
        "mlp1-digits-float32-nano-a-100]",
        "mlp1-digits-float32-nano-a-50]",
        "mlp1-digits-int8-nano-b-100]",
        "mlp1-digits-int8-nano-b-50]",
    ]


def test_tests_are_chosen_by_the_kind_of_their_device(inventory: Path) -> None:
    arguments = ("--matrix", MATRIX, "--devices-file", inventory, "--device", "nano-a", "--device", "pico-a")
    found = collected(run_pytest("--collect-only", "-q", *arguments, "-k", "nano33ble and parity").stdout)
    assert len(found) == 4
    assert all("-nano-a-" in name for name in found)
