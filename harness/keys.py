"""What the parts of the plugin find in pytest's own objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.combinations import Subject
from harness.plan import Plan

PLAN = pytest.StashKey[Plan]()
RUN_FILE = pytest.StashKey[Path]()


def subject_of(item: pytest.Item) -> Subject | None:
    """What a test measures, None for tests that measure nothing."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return next((value for value in parameters.values() if isinstance(value, Subject)), None)
