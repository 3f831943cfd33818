"""What the line of a record looks like as harness.lines writes it: a regular expression made from the record's fields.

It picks the fields that are asked for out of a line several times as fast as JSON is parsed. A line that somebody else laid out
does not match.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import fields
from itertools import groupby

from harness.records import Record

# A JSON string up to the quote that ends it, or to an escaped one within it. What follows must be `, "` and the name of the next
# field, or `}`; within a string no quote is without a backslash, so that a match never ends at an escaped one.
_TEXT = rb'"[^"]*"'
# By the annotation of a record's field.
_VALUES: Mapping[str, bytes] = {
    "str": _TEXT,
    "bool": rb"(?:true|false)",
    "int": rb"-?[0-9]+",
    "float": rb"-?(?:0|[1-9][0-9]*)(?:[.][0-9]+|)(?:[eE][-+]?[0-9]+|)",
    "tuple[int, ...]": rb"\[[-0-9, ]*\]",
    "tuple[float, ...]": rb"\[[-+.0-9eE, ]+\]",
}


def line_pattern(kind: type[Record], values: Collection[str], together: Collection[str]) -> re.Pattern[bytes]:
    """The pattern of a whole line with its end.

    Args:
        kind: of the record.
        values: fields of which a group, named as the field, has the value as JSON.
        together: fields of which an unnamed group has the whole text, name and value, or nothing where the field is left out;
            fields that follow one another in the record share a group. Where all groups of two lines are equal, these
            fields are. One that is also among `values` has a group of its own within.
    """
    parts = [rb'\{"kind": "', kind.kind.encode(), b'"']
    for grouped, neighbours in groupby(fields(kind), lambda field: field.name in together):
        texts = [_field(field.name, str(field.type), field.name in values) for field in neighbours]
        parts += [b"(", *texts, b")"] if grouped else texts
    return re.compile(b"".join([*parts, rb"\}\n"]))


def _field(name: str, annotation: str, picked: bool) -> bytes:
    of_value, _, none = annotation.partition(" | ")
    value = b"(?P<%b>%b)" % (name.encode(), _VALUES[of_value]) if picked else _VALUES[of_value]
    text = b', "%b": %b' % (name.encode(), value)
    # What is None is left out. An empty alternative, as `?` after a group takes the engine several times as long.
    return b"(?:%b|)" % text if none else text
