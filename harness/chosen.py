"""Part of the plugin: whether single tests were chosen, be it by a plugin whose options nobody here knows.

With xdist only the workers collect, and tell the controller as they end. By then the run's file has begun, and is corrected.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace
from typing import Any

import pytest

from harness import run_file
from harness.asked import DESELECTED
from harness.keys import RUN_FILE, is_worker
from reds.errors import MissingError

OUTPUT = "reds_bench_deselected"  # the flag's name in what a worker hands back


def pytest_deselected(items: Iterable[pytest.Item]) -> None:
    """Note it in the process that collects."""
    for item in items:
        item.config.stash[DESELECTED] = True


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker: hand it back."""
    output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[OUTPUT] = session.config.stash.get(DESELECTED, False)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """In the controller: take it over from a worker that ended; one that died says nothing, as another takes its place."""
    if getattr(node, "workeroutput", {}).get(OUTPUT, False):
        node.config.stash[DESELECTED] = True


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Correct the run's file once no worker writes to it any more; a loop that was interrupted left a run cut short."""
    result = yield
    path = session.config.stash.get(RUN_FILE, None)
    if is_worker(session.config) or path is None or not path.exists() or not session.config.stash.get(DESELECTED, False):
        return result
    header = run_file.read_header(path)
    if header.whole:
        try:
            run_file.restate(path, replace(header, whole=()))
        except MissingError as error:
            pytest.exit(str(error), returncode=pytest.ExitCode.TESTS_FAILED)
    return result
