"""Tables and texts whose lines have at most 100 characters."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST_LINE = 100
BETWEEN, NONE, LEFT_OUT = "  ", "-", "..."


def print_rows(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """The rows as an aligned table with the columns of the first, or as JSON.

    Where a line would be too long, lists show their ends: "1-64-...-64-12".
    """
    if as_json:
        print(json.dumps(list(rows), indent=1))
        return
    columns = list(rows[0])
    room = LONGEST_LINE - sum(_width(rows, column) + len(BETWEEN) for column in columns if not _is_list(rows, column))
    lists = sum(_is_list(rows, column) for column in columns)
    each = room // max(lists, 1) - len(BETWEEN)
    table = [columns, *([_cell(row.get(column), each) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in table) for index in range(len(columns))]
    for line in table:
        print(BETWEEN.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_wrapped(*texts: str) -> None:
    """Each text from a line of its own on."""
    for text in texts:
        print(textwrap.fill(text, LONGEST_LINE, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


def _is_list(rows: Sequence[Mapping[str, Any]], column: str) -> bool:
    return any(isinstance(row.get(column), (list, tuple)) for row in rows)


def _width(rows: Sequence[Mapping[str, Any]], column: str) -> int:
    return max(len(column), *(len(_text(row.get(column))) for row in rows))


def _cell(value: Any, room: int) -> str:
    """The value; of a list that is longer than the room, as many of its first and last members as fit, at least one each."""
    text = _text(value)
    if not isinstance(value, (list, tuple)) or len(text) <= room:
        return text
    members = [_text(item) for item in value]
    for left_out in range(1, len(members) - 1):
        first = (len(members) - left_out + 1) // 2
        text = "-".join([*members[:first], LEFT_OUT, *members[first + left_out :]])
        if len(text) <= room:
            break
    return text


def _text(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return "-".join(_text(item) for item in value)
    return str(value)
