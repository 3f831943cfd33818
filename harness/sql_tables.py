"""The tables of a database of runs: one for each kind of record, with a column for each of its fields.

`position` keeps the order in which a run's records were written. Raw samples and other lists are JSON. A number that may be an
integer or not has two columns, as `value` for what reckons with it, and `value_integer` with its last digit if it is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.types import TypeEngine

from harness.records import DeviceFacts, Measurement, Outcome, Record, Run

SHA256_CHARACTERS = 64
METADATA = MetaData()

# By the annotation of a record's field.
_TYPES: Mapping[str, TypeEngine] = {
    "str": Text(),
    "bool": Boolean(),
    "int": BigInteger(),
    "float": Double(),
    "tuple[str, ...]": JSON(none_as_null=True),
    "tuple[int, ...]": JSON(none_as_null=True),
    "tuple[float, ...]": JSON(none_as_null=True),
    "Mapping[str, str]": JSON(none_as_null=True),
    "Mapping[str, float]": JSON(none_as_null=True),
}


def _columns(kind: type[Record]) -> list[Column]:
    found = []
    for field in fields(kind):
        annotation, _, none = str(field.type).partition(" | ")
        found.append(Column(field.name, _TYPES[annotation], nullable=bool(none), primary_key=kind is Run and field.name == "id"))
        if annotation == "float":
            found.append(Column(integer_of(field.name), BigInteger(), nullable=True))
    return found


def integer_of(name: str) -> str:
    """The column that holds a number if it is an integer."""
    return f"{name}_integer"


def _table(name: str, kind: type[Record], *more: Column) -> Table:
    run = Column("run_id", Text(), ForeignKey("runs.id"), primary_key=True)
    return Table(name, METADATA, run, Column("position", Integer(), primary_key=True), *_columns(kind), *more)


# One row: the schema version of the records that the columns were made for.
STORE = Table("store", METADATA, Column("schema_version", Integer(), primary_key=True, autoincrement=False))

# `content` tells whether a run was pushed as it is now, without reading it.
RUNS = Table(
    "runs",
    METADATA,
    *_columns(Run),
    Column("content", String(SHA256_CHARACTERS), nullable=False),
    Column("damaged_lines", JSON(), nullable=False),
)
# `quantity` is a number made of what values of all runs must have in common to be one history, which spares reading eleven texts.
MEASUREMENTS = _table("measurements", Measurement, Column("quantity", BigInteger(), nullable=False))
DEVICES = _table("devices", DeviceFacts)
OUTCOMES = _table("outcomes", Outcome)

# The history of a metric reads its rows in this order.
Index("measurements_by_metric", MEASUREMENTS.c.metric, MEASUREMENTS.c.run_id, MEASUREMENTS.c.position)
