"""A database that another version made, somebody spoilt, others write to, or that dies: no run is half there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from sqlalchemy import event

from harness import sql_tables as tables
from harness.readings import Selection
from harness.records import SCHEMA_VERSION
from harness.sources import open_run, runs, values
from harness.sql_store import SqlStore
from reds.errors import BusyError, ProtocolError, TransportError
from tests.harness import postgresql
from tests.harness.examples import a_measurement
from tests.harness.postgresql import Server
from tests.harness.storing import run_of_day, run_of_values

NOWHERE = Path("nowhere")


def test_a_run_is_written_as_a_whole_or_not_at_all(url: str) -> None:
    good, longer = run_of_values(0, 1), run_of_values(0, 1, 2)
    bad = replace(longer, measurements=(*longer.measurements, a_measurement(seed=2**70)))
    with SqlStore.open(url, create=True) as store:
        store.push(good)
    for broken in (bad, replace(bad, run=run_of_day(1))):
        with pytest.raises(ProtocolError, match="refused a request"), SqlStore.open(url) as store:
            store.push(broken)

    with SqlStore.open(url) as store:
        assert [run.id for run in store.headers()] == [good.run.id]
        assert store.read(good.run.id).measurements == good.measurements


def test_tables_of_another_version_are_refused(url: str) -> None:
    with SqlStore.open(url, create=True) as store:
        store._connection.execute(tables.STORE.update().values(schema_version=SCHEMA_VERSION + 1))
        store._connection.commit()

    for create in (False, True):
        with pytest.raises(ProtocolError, match=rf"made by another version\n.*schema version {SCHEMA_VERSION + 1}"):
            SqlStore.open(url, create=create).__enter__()


def test_tables_that_lack_a_column_are_refused(url: str) -> None:
    with SqlStore.open(url, create=True) as store:
        store._connection.execute(sql.text("ALTER TABLE measurements DROP COLUMN correct"))
        store._connection.commit()

    with pytest.raises(ProtocolError, match="made by another version"):
        list(runs(url))


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_text("something else, and long enough not to be taken for an empty file" * 20)
    with pytest.raises(ProtocolError, match="file is not a database"):
        open_run(f"sqlite:///{tmp_path}/runs.db#latest", NOWHERE)


def test_a_record_that_somebody_spoilt_in_the_database_is_refused(url: str) -> None:
    with SqlStore.open(url, create=True) as store:
        store.push(run_of_values(0, 1))
        store._connection.execute(tables.RUNS.update().values(started="yesterday"))
        store._connection.commit()

    for read_it in (lambda: list(runs(url)), lambda: list(values(url, Selection())), lambda: open_run(f"{url}#latest", NOWHERE)):
        with pytest.raises(ProtocolError, match=r"holds what is not a run record[^$]*`started` is no time"):
            read_it()


def test_a_database_that_another_process_writes_to_is_busy(sqlite: str, tmp_path: Path) -> None:
    with SqlStore.open(sqlite, create=True) as store:
        store.push(run_of_values(0, 1))
    path = sqlite.partition(":///")[2]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with (
            pytest.raises(BusyError, match=r"another process writes to sqlite:///[^$]*nothing is lost"),
            SqlStore.open(f"{sqlite}?timeout=0.01", create=True) as store,
        ):
            store.push(run_of_values(1, 1))


@pytest.mark.slow
def test_a_server_that_dies_in_the_middle_keeps_only_whole_runs() -> None:
    reason = postgresql.why_not()
    if reason:
        pytest.skip(reason)

    def push_while_it_dies(server: Server) -> None:
        with SqlStore.open(server.url(), create=True) as store:
            store.push(run_of_values(0, 1))
            event.listen(store._connection, "before_cursor_execute", stop_at_measurements)
            store.push(run_of_values(1, 1))

    def stop_at_measurements(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO measurements"):
            server.stop()

    with postgresql.running() as server:
        with pytest.raises(TransportError, match="nothing is lost"):
            push_while_it_dies(server)
        server.start()
        assert [(run.run.id, len(run.measurements)) for run in runs(server.url())] == [(run_of_day(0).id, 1)]
