"""Boards that several processes share: real firmware behind TCP ports, watched from the far side of the wire."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import device_state
from harness.leases import Leases
from targets.firmware import build
from targets.inventory import Inventory
from tests.harness.running import MATRIX, Done, run, run_pytest
from tests.targets.board_rig import RigBoard, rig, write_inventory

pytestmark = [
    pytest.mark.toolchain,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="the host's device process is built with gcc"),
]
CHOSEN = ("-k", "test_parity")  # 2 precisions, 2 subnetworks


@pytest.fixture
def boards(models: None) -> Iterator[tuple[RigBoard, ...]]:
    with rig([str(build("native").elf)], 2) as two:
        yield two


@pytest.fixture
def share(boards: tuple[RigBoard, ...], tmp_path: Path) -> Callable[..., Done]:
    """`pytest suites` over the boards, with more arguments."""
    write_inventory(tmp_path / "devices.toml", boards, "nano33ble", "native")

    def call(*arguments: str) -> Done:
        fixed = ("--matrix", MATRIX, "--devices-file", tmp_path / "devices.toml", "--results", tmp_path / "results")
        return Done(run_pytest(*fixed, *CHOSEN, "--device-kind", "nano33ble", *arguments), tmp_path)

    return call


def test_two_workers_never_meet_on_a_board(share: Callable[..., Done], boards: tuple[RigBoard, ...]) -> None:
    done = share("-n", "2")

    assert done.process.returncode == 0, done.output
    assert {(o.outcome, o.device) for o in done.run.outcomes} == {("passed", "board-1"), ("passed", "board-2")}
    assert len(done.run.outcomes) == 8
    assert [board.clients for board in boards] == [board.most_at_once for board in boards] == [1, 1]
    assert [facts.id for facts in sorted(done.run.devices, key=lambda facts: facts.id)] == ["board-1", "board-2"]
    assert all(board.inferences for board in boards)


def test_equal_boards_share_the_images(share: Callable[..., Done], boards: tuple[RigBoard, ...]) -> None:
    done = share("--spread")

    assert done.process.returncode == 0, done.output
    measured = {(m.device, m.precision) for m in done.run.measurements}
    assert measured == {("board-1", "float32"), ("board-2", "int8")}
    assert len(done.run.outcomes) == 4
    assert [board.clients for board in boards] == [1, 1]


def test_a_board_in_use_is_an_error_that_names_its_user_and_the_others_go_on(
    share: Callable[..., Done], boards: tuple[RigBoard, ...], tmp_path: Path
) -> None:
    used = Inventory.load(tmp_path / "devices.toml").device("board-1")
    before = device_state.state("board-1").failures
    with Leases().hold(used):
        done = share()
        owner = Leases().owner(used)

    assert done.process.returncode == pytest.ExitCode.TESTS_FAILED
    assert owner is not None
    assert f"board-1 is in use\n  seen: {owner}" in "\n".join(o.reason or "" for o in done.run.outcomes)
    assert {(o.outcome, o.device) for o in done.run.outcomes} == {("error", "board-1"), ("passed", "board-2")}
    assert [board.clients for board in boards] == [0, 1]
    assert device_state.state("board-1").failures == before  # the board has done nothing wrong


def test_a_board_in_use_is_waited_for_and_measured_last(
    share: Callable[..., Done], boards: tuple[RigBoard, ...], tmp_path: Path
) -> None:
    used = Inventory.load(tmp_path / "devices.toml").device("board-1")
    with Leases().hold(used):
        done = share("--wait", "0.2")

    assert [(o.outcome, o.device) for o in done.run.outcomes] == [("passed", "board-2")] * 4 + [("error", "board-1")] * 4
    assert "board-1 is in use by" in done.output
    assert "waiting for up to 0.2 s" in done.output
    assert "board-1 is in use after 0.2 s of waiting" in done.output


@pytest.mark.parametrize("wait", ["-1", "nan", "inf"])
def test_a_wait_without_an_end_is_a_usage_error(wait: str) -> None:
    done = run_pytest(f"--wait={wait}", "--collect-only", "-q")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--wait is a number of seconds" in done.stderr


@pytest.mark.slow
def test_two_sessions_do_all_tests_and_nobody_meets(tmp_path: Path, models: None) -> None:
    from tests.benchmarks import boards_shared

    ways = boards_shared.measure(tmp_path, 16, 0.0)

    assert [(way.tests, way.most_at_once) for way in ways] == [(16, 1)] * 3
    assert [way.clients for way in ways] == [4, 4, 8]


def test_a_run_in_which_a_board_failed_is_counted_once(models: None, tmp_path: Path) -> None:
    before = device_state.state("board-1").failures
    with rig(["cat"], 1) as (board,):
        write_inventory(tmp_path / "devices.toml", [board], "nano33ble", "native")
        fixed = ("--matrix", MATRIX, "--devices-file", tmp_path / "devices.toml", "--results", tmp_path / "results")
        done = Done(run_pytest(*fixed, *CHOSEN, "--device", "board-1", "--require-device", "board-1"), tmp_path)

    assert done.process.returncode == pytest.ExitCode.TESTS_FAILED
    assert [outcome.outcome for outcome in done.run.outcomes] == ["error"] * 4
    known = device_state.state("board-1")
    assert known.failures == before + 1
    assert "does not run firmware" in (known.out or "")


ENDS = """
def test_a(placement, board): pass
def test_b(placement, board): assert False
def test_c(placement): raise KeyboardInterrupt
"""


@pytest.mark.parametrize(
    ("options", "code", "count"),
    [(("-x",), pytest.ExitCode.TESTS_FAILED, 2), (("-k", "not test_b"), pytest.ExitCode.INTERRUPTED, 1)],
)
def test_a_session_that_waits_ends_as_any_and_keeps_nothing(
    boards: tuple[RigBoard, ...], tmp_path: Path, options: tuple[str, ...], code: int, count: int
) -> None:
    write_inventory(tmp_path / "devices.toml", boards, "nano33ble", "native")
    (tmp_path / "test_own.py").write_text(ENDS)
    fixed = ("-p", "harness.plugin", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(tmp_path), "--wait=5")
    fixed += (f"--matrix={MATRIX}", f"--devices-file={tmp_path / 'devices.toml'}", f"--results={tmp_path / 'results'}")
    done = Done(run("pytest", *fixed, "--device-kind=nano33ble", *options, tmp_path / "test_own.py"), tmp_path)

    assert done.process.returncode == code, done.output
    assert len([o for o in done.run.outcomes if o.outcome in ("passed", "failed")]) >= count
    assert all(Leases().owner(device) is None for device in Inventory.load(tmp_path / "devices.toml").devices.values())
    assert boards[1].clients == 0
