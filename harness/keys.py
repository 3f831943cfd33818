"""What the parts of the plugin find in pytest's own objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.boards import Boards
from harness.combinations import Subject
from harness.forensics import Forensics
from harness.health import Examination
from harness.leases import Leases
from harness.plan import Plan

PLAN = pytest.StashKey[Plan]()
RUN_FILE = pytest.StashKey[Path]()
LEASES = pytest.StashKey[Leases]()
BOARDS = pytest.StashKey[Boards]()
FORENSICS = pytest.StashKey[Forensics]()
EXAMINATION = pytest.StashKey[Examination]()


def worker_input(config: pytest.Config) -> dict[str, str]:
    """What the controller of xdist told this worker; empty in the controller and without xdist."""
    return getattr(config, "workerinput", {})


def is_worker(config: pytest.Config) -> bool:
    """Whether this is one of several workers of xdist."""
    return bool(worker_input(config))


def subject_of(item: pytest.Item) -> Subject | None:
    """What a test measures, None for tests that measure nothing."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return next((value for value in parameters.values() if isinstance(value, Subject)), None)
