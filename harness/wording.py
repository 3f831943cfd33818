"""Words around numbers and times, so that every command, table and page says them alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

MEGABYTE = 1_000_000


def counted(count: int, noun: str) -> str:
    """A number of things: "1 value", "1,076 values"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def size(count_bytes: int) -> str:
    """The size of a file: "26 kB", "1.3 MB"."""
    return f"{count_bytes / MEGABYTE:.1f} MB" if count_bytes >= MEGABYTE else f"{max(1, round(count_bytes / 1e3))} kB"


def damage(lines: Sequence[int]) -> str:
    """Which lines of a file are not whole: "line 315 is damaged and left out", "lines 3, 9 are damaged and left out"."""
    noun, verb = ("line", "is") if len(lines) == 1 else ("lines", "are")
    return f"{noun} {', '.join(map(str, lines))} {verb} damaged and left out"


def minute(moment: str) -> str:
    """A time in ISO 8601 as people read it, to the minute and in UTC."""
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def one_line(text: str) -> str:
    """A text that others wrote as a single line without anything that steers a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
