"""Runs in a database, SQLite or PostgreSQL, through SQLAlchemy: the same records as in their files, which remain the truth."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from enum import StrEnum
from functools import lru_cache
from typing import Any

from harness.readings import KEY_FIELDS, Quantity, Reading, RunReadings, Selection, quantity_of
from harness.records import KINDS, SCHEMA_VERSION, DeviceFacts, Key, Measurement, Outcome, Record, Run
from harness.run_file import RunFile
from harness.sql_url import hidden
from reds.errors import BusyError, ConfigError, MissingError, ProtocolError

try:
    import sqlalchemy as sql

    from harness import sql_tables as tables
    from harness.sql_engine import engine, parse, translated
except ImportError as error:
    raise MissingError("runs in a database need SQLAlchemy", do='pip install "reds-bench[bench]"') from error

NUMBERS = ("float", "float | None")  # annotations of fields that may hold integers too


class Pushed(StrEnum):
    """What became of a run that was pushed."""

    ADDED = "added"
    REPLACED = "replaced"  # the file has changed since
    UNCHANGED = "already there"


class SqlStore:
    """A connection to a database of runs.

    Attributes:
        name: the URL as it may be shown, without secrets.
    """

    def __init__(self, name: str, connection: sql.Connection) -> None:
        self.name = name
        self._connection = connection

    @classmethod
    @contextmanager
    def open(cls, url: str, *, create: bool = False) -> Iterator[SqlStore]:
        """Connect for the duration of a `with`.

        Args:
            url: as SQLAlchemy takes it: sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE.
            create: make the tables that are missing.

        Raises:
            ConfigError: not such a URL.
            MissingError: the driver, SQLite's file or the tables are not there.
            TransportError: the database cannot be reached, or the connection broke.
            ProtocolError: it holds records of another schema version, or refuses these.
            BusyError: another process writes to it.
        """
        parsed = parse(url, create=create)
        name = hidden(url)
        with translated(name, parsed), engine(name, parsed).connect() as connection:
            _prepare(connection, name, create=create)
            yield cls(name, connection)

    def headers(self) -> list[Run]:
        """All runs without their records, oldest first."""
        rows = self._connection.execute(sql.select(tables.RUNS)).mappings()
        return sorted((_record(Run, row, self.name) for row in rows), key=lambda run: run.order)

    def push(self, run: RunFile) -> Pushed:
        """Write a run in one transaction: as a whole or not at all. A run of the same id is replaced if it differs."""
        header = _row(run.run) | {"damaged_lines": list(run.damaged_lines)}
        rows_of = {
            tables.DEVICES: _numbered(run.run.id, run.devices),
            tables.MEASUREMENTS: [
                row | {"quantity": number_of(measurement)}
                for row, measurement in zip(_numbered(run.run.id, run.measurements), run.measurements, strict=True)
            ],
            tables.OUTCOMES: _numbered(run.run.id, run.outcomes),
        }
        content = hashlib.sha256(json.dumps([header, *rows_of.values()], sort_keys=True).encode()).hexdigest()
        self._connection.rollback()  # ends what reading began
        with self._connection.begin():
            seen = self._connection.scalar(sql.select(tables.RUNS.c.content).where(tables.RUNS.c.id == run.run.id))
            if seen == content:
                return Pushed.UNCHANGED
            if seen is not None:
                self._delete(run.run.id)
            self._connection.execute(tables.RUNS.insert(), header | {"content": content})
            for table, rows in rows_of.items():
                if rows:
                    self._connection.execute(table.insert(), rows)
        return Pushed.ADDED if seen is None else Pushed.REPLACED

    def _delete(self, run_id: str) -> None:
        for table in (tables.DEVICES, tables.MEASUREMENTS, tables.OUTCOMES):
            self._connection.execute(table.delete().where(table.c.run_id == run_id))
        self._connection.execute(tables.RUNS.delete().where(tables.RUNS.c.id == run_id))

    def read(self, run_id: str) -> RunFile:
        """All records of a run.

        Raises:
            MissingError: no such run.
        """
        row = self._connection.execute(sql.select(tables.RUNS).where(tables.RUNS.c.id == run_id)).mappings().one_or_none()
        if row is None:
            raise MissingError(f"there is no run {run_id!r} in {self.name}", do="python -m harness push puts runs there")
        measurements = tuple(self._records(tables.MEASUREMENTS, Measurement, run_id))
        devices = tuple(self._records(tables.DEVICES, DeviceFacts, run_id))
        outcomes = tuple(self._records(tables.OUTCOMES, Outcome, run_id))
        source, damaged = f"{self.name}#{run_id}", tuple(row["damaged_lines"])
        return RunFile(source, _record(Run, row, self.name), measurements, devices, outcomes, damaged)

    def _records(self, table: sql.Table, kind: type[Any], run_id: str) -> Iterator[Any]:
        rows = self._connection.execute(sql.select(table).where(table.c.run_id == run_id).order_by(table.c.position))
        return (_record(kind, row, f"{self.name}#{run_id}") for row in rows.mappings())

    def values(self, selection: Selection) -> Iterator[RunReadings]:
        """The values of these keys in every run, oldest first; runs without any are empty.

        Raises:
            BusyError: another process replaced runs meanwhile.
        """
        devices: dict[str, dict[str, DeviceFacts]] = defaultdict(dict)
        for row in self._connection.execute(sql.select(tables.DEVICES).order_by(tables.DEVICES.c.position)).mappings():
            devices[row["run_id"]][row["id"]] = _record(DeviceFacts, row, self.name)
        columns = tables.MEASUREMENTS.c
        asked_for = [columns[name] == value for name, value in selection.wanted.items()]
        if selection.metrics:
            asked_for.append(columns.metric.in_(selection.metrics))
        picked = (columns.run_id, columns.quantity, columns.value, columns.value_integer, columns.bundle)
        query = sql.select(*picked).where(*asked_for).order_by(columns.run_id, columns.position)
        quantities: dict[int, Quantity] = {}
        readings: dict[str, list[Reading]] = defaultdict(list)
        for run_id, number, value, integer, bundle in self._connection.execute(query):
            if number not in quantities:
                quantities |= self._quantities(run_id, asked_for)
            if number not in quantities:
                raise BusyError(f"run {run_id} in {self.name} was replaced while it was read", do="try again")
            readings[run_id].append((quantities[number], value if integer is None else integer, bundle))
        for run in self.headers():
            yield RunReadings(run, devices[run.id], tuple(readings[run.id]))

    def _quantities(self, run_id: str, asked_for: list[sql.ColumnElement[bool]]) -> dict[int, Quantity]:
        """The quantities of a run by their numbers."""
        columns = tables.MEASUREMENTS.c
        named = (columns[name] for name in (*KEY_FIELDS, "unit", "better", "deterministic"))
        query = sql.select(columns.quantity, *named).where(columns.run_id == run_id, *asked_for)
        found = {}
        for row in self._connection.execute(query):
            number, *key, unit, better, deterministic = tuple(row)
            found[number] = quantity_of(Key(*key), unit, better, deterministic)
        return found


def _numbered(run_id: str, records: tuple[Record, ...]) -> list[dict[str, Any]]:
    return [{"run_id": run_id, "position": position, **_row(record)} for position, record in enumerate(records)]


def _row(record: Record) -> dict[str, Any]:
    """Column -> value."""
    row = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if field.type in NUMBERS:
            row[field.name] = None if value is None else float(value) + 0.0  # SQLite keeps no sign of zero
            row[tables.integer_of(field.name)] = value if isinstance(value, int) else None
        else:
            row[field.name] = list(value) if isinstance(value, tuple) else value
    return row


def number_of(measurement: Measurement) -> int:
    """The number of what is measured: the same in every run and every database."""
    return _digest(quantity_of(measurement.key, measurement.unit, measurement.better, measurement.deterministic))


@lru_cache(maxsize=100_000)
def _digest(quantity: Quantity) -> int:
    facts = [*(getattr(quantity.key, name) for name in KEY_FIELDS), quantity.unit, quantity.better, quantity.deterministic]
    return int.from_bytes(hashlib.sha256(json.dumps(facts).encode()).digest()[:8], signed=True)


def _record(kind: type[Any], row: sql.RowMapping, where: str) -> Any:
    assert kind in KINDS.values()
    values = {field.name: row[field.name] for field in fields(kind)}
    for name, value in values.items():
        if isinstance(value, float):
            integer = row[tables.integer_of(name)]
            values[name] = value if integer is None else integer
        elif isinstance(value, list):
            values[name] = tuple(value)
    try:
        return kind(**values)
    except ConfigError as error:
        raise ProtocolError(
            f"{where} holds what is not a {kind.kind} record", seen=str(error), do="push its file again"
        ) from error


def _prepare(connection: sql.Connection, name: str, *, create: bool) -> None:
    """Make the tables, or see that they are those of this program."""
    if create:
        tables.METADATA.create_all(connection)
    elif not sql.inspect(connection).has_table(tables.STORE.name):
        raise MissingError(f"{name} holds no runs", do="python -m harness push puts runs there")
    version = connection.scalar(sql.select(tables.STORE.c.schema_version))
    if version is None and create:
        connection.execute(tables.STORE.insert(), {"schema_version": SCHEMA_VERSION})
        version = SCHEMA_VERSION
    connection.commit()
    if version != SCHEMA_VERSION or not _has_all_columns(connection):
        do = f"this program keeps version {SCHEMA_VERSION}; push the files to a new database"
        raise ProtocolError(f"the tables of {name} were made by another version", seen=f"schema version {version}", do=do)


def _has_all_columns(connection: sql.Connection) -> bool:
    """Whether every field of every record has its column."""
    inspector = sql.inspect(connection)
    return all(
        set(table.columns.keys()) <= {column["name"] for column in inspector.get_columns(table.name)}
        for table in tables.METADATA.sorted_tables
    )
