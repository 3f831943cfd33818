"""Records of older schema versions, brought to the current one as they are read; the files stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.records import ABSENT, SCHEMA_VERSION, Outcome, Run
from reds.errors import ProtocolError

Facts = dict[str, Any]


def _from_1(facts: Facts) -> Facts:
    """Version 2 adds what version 1 does without: `layer` and `correct` of measurements, and lines on devices and outcomes."""
    return {**facts, "schema_version": 2} if facts.get("kind") == Run.kind else facts


def _from_2(facts: Facts) -> Facts:
    """Version 3 adds to the run what it was asked for."""
    return {**facts, "schema_version": 3} if facts.get("kind") == Run.kind else facts


def _from_3(facts: Facts) -> Facts:
    """Version 4 adds to the run which axes were narrowed, and to the outcome of a skipped test the kind of its reason.

    The reason itself says whether the device was absent; of all others no kind is known.
    """
    if facts.get("kind") == Run.kind:
        return {**facts, "schema_version": 4}
    absent = f"{facts.get('device')} is not available: "
    if facts.get("kind") == Outcome.kind and facts.get("outcome") == "skipped" and str(facts.get("reason")).startswith(absent):
        return {**facts, "cause": ABSENT}
    return facts


# From each older version to the next.
STEPS: Mapping[int, Callable[[Facts], Facts]] = {1: _from_1, 2: _from_2, 3: _from_3}
# The first version whose lines on devices and measurements are as they are now.
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
