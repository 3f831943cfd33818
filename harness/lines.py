"""Records as lines of JSON and back; what others wrote is checked field by field."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any

from harness.records import KINDS, Record
from reds.errors import ConfigError, ProtocolError, unknown_name

Facts = dict[str, Any]


def to_facts(record: Record) -> Facts:
    """The record as a JSON-ready object; what is None is left out."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {"kind": record.kind, **{name: value for name, value in values.items() if value is not None}}


def to_line(record: Record) -> bytes:
    """The record as one line of JSON, its kind first."""
    return json.dumps(to_facts(record), allow_nan=False).encode() + b"\n"


def facts_of(line: bytes) -> Facts | None:
    """The JSON object of a line, None if the line is not whole."""
    try:
        facts = json.loads(line)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


def from_facts(facts: Mapping[str, Any], where: str) -> Record:
    """The record that `to_facts` made, in this version's schema.

    Args:
        facts: the object.
        where: names its place in messages: the file and the line.

    Raises:
        ProtocolError: an unknown kind, or a field that is missing, unknown or of the wrong type; the field is named.
    """
    kind = facts.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ProtocolError(
            f"{where} is no record that this program knows", seen=f"kind {kind!r}", do=f"known: {', '.join(KINDS)}"
        )
    known = _fields(KINDS[kind])
    values: Facts = {}
    for name, value in facts.items():
        if name == "kind":
            continue
        if name not in known:
            hint = unknown_name("field", name, known)
            raise ProtocolError(f"{where}: a {kind} record has no field {name!r}", do=hint.do)
        if not known[name].fits(value):
            raise ProtocolError(f"{where}: field {name!r} of the {kind} record is {known[name].type}", seen=repr(value)[:80])
        values[name] = tuple(value) if isinstance(value, list) else value
    for name, field in known.items():
        if name not in values and field.required:
            raise ProtocolError(f"{where}: the {kind} record has no field {name!r}", do="restore the line as it was written")
    values |= {name: None for name, field in known.items() if name not in values and field.none_if_absent}
    try:
        return KINDS[kind](**values)
    except ConfigError as error:
        raise ProtocolError(f"{where} is not a {kind} record", seen=str(error)) from error


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _all(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (list, tuple)) and all(map(fits, value))


# By the annotation of a record's field.
_FITS: Mapping[str, Callable[[Any], bool]] = {
    "str": _is_text,
    "bool": lambda value: isinstance(value, bool),
    "int": _is_integer,
    "float": _is_number,
    "tuple[str, ...]": _all(_is_text),
    "tuple[int, ...]": _all(_is_integer),
    "tuple[float, ...]": _all(_is_number),
    "Mapping[str, str]": lambda value: isinstance(value, dict) and all(map(_is_text, value.values())),
    "Mapping[str, float]": lambda value: isinstance(value, dict) and all(map(_is_number, value.values())),
}


@dataclass(frozen=True)
class _Field:
    """What JSON may hold for a field of a record."""

    type: str
    fits: Callable[[Any], bool]
    required: bool
    none_if_absent: bool


@cache
def _fields(kind: type[Record]) -> Mapping[str, _Field]:
    found = {}
    for field in fields(kind):
        annotation, _, none = str(field.type).partition(" | ")
        has_default = field.default is not MISSING
        found[field.name] = _Field(annotation, _FITS[annotation], not (has_default or none), bool(none) and not has_default)
    return found
