"""Records of older schema versions, brought to the current one as they are read; the files stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.records import SCHEMA_VERSION, Run
from reds.errors import ProtocolError

Facts = dict[str, Any]


def _from_1(facts: Facts) -> Facts:
    """Version 2 adds what version 1 does without: `layer` and `correct` of measurements, and lines on devices and outcomes."""
    return {**facts, "schema_version": 2} if facts.get("kind") == Run.kind else facts


def _from_2(facts: Facts) -> Facts:
    """Version 3 adds to the run what it was asked for."""
    return {**facts, "schema_version": 3} if facts.get("kind") == Run.kind else facts


# From each older version to the next.
STEPS: Mapping[int, Callable[[Facts], Facts]] = {1: _from_1, 2: _from_2}
# The first version whose lines, all but the first, are as they are now.
SAME_LINES_FROM = 2


def check_version(version: object, where: str) -> int:
    """The schema version, if it can be read.

    Raises:
        ProtocolError: it cannot; the message says which can.
    """
    if isinstance(version, int) and (version == SCHEMA_VERSION or version in STEPS):
        return version
    readable = f"this program reads versions {min(STEPS)} to {SCHEMA_VERSION}"
    if version is None:
        raise ProtocolError(f"{where} does not say its schema version", seen="no `schema_version` in its first line", do=readable)
    newer = isinstance(version, int) and version > SCHEMA_VERSION
    raise ProtocolError(
        f"{where} has schema version {version}",
        do=readable + ("; use a newer one" if newer else ""),
    )


def migrate(facts: Facts, version: int) -> Facts:
    """A record of this older version as one of the current version."""
    for step in range(version, SCHEMA_VERSION):
        facts = STEPS[step](facts)
    return facts
