"""Markdown made of what stands in records: whatever a text holds, it stays a text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from harness.wording import one_line

# What CommonMark, its tables or a host of pull requests give a meaning within a line.
SPECIAL = re.compile(r"([\\`*_\[\]<>&|~$#])")
FENCE = "```"


def escaped(text: str) -> str:
    """The text as Markdown that shows it: on one line, with nothing in it that is markup, HTML or the end of a table's cell."""
    return SPECIAL.sub(r"\\\1", one_line(text))


def fenced(text: str) -> str:
    """The text as a block that keeps its columns, in a fence longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = max(FENCE, "`" * (longest + 1), key=len)
    return f"{fence}\n{text}\n{fence}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Collection[str] = ()) -> str:
    """A table of texts; the columns `numbers` are aligned to the right."""
    lines = [f"| {' | '.join(columns)} |", f"|{'|'.join(' ---: ' if column in numbers else ' --- ' for column in columns)}|"]
    lines += [f"| {' | '.join(map(escaped, row))} |" for row in rows]
    return "\n".join(lines)
