"""Runs in SQLite and in a real PostgreSQL: what is read back is what was pushed."""

from __future__ import annotations

import socket
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from harness import sql_tables as tables
from harness.__main__ import main
from harness.lines import to_line
from harness.readings import Selection, of_run
from harness.records import SCHEMA_VERSION
from harness.run_file import RunFile
from harness.sources import open_run, runs, values
from harness.sql_store import Pushed, SqlStore
from harness.sql_url import hidden
from reds.errors import BusyError, ConfigError, MissingError, ProtocolError, TransportError
from tests.harness import postgresql
from tests.harness import test_records as strategies
from tests.harness.examples import a_measurement, an_outcome, some_device_facts
from tests.harness.postgresql import PASSWORD, Server
from tests.harness.storing import file_of, run_of_day, write_run

GREATEST_INTEGER = 2**63 - 1
NOWHERE = Path("nowhere")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    reason = postgresql.why_not()
    if reason:
        pytest.skip(reason)
    with postgresql.running() as server:
        yield server


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/runs.db"


@pytest.fixture(params=["sqlite", pytest.param("server", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite")
    server = request.getfixturevalue("server")
    name = f"runs_{uuid.uuid4().hex}"
    engine = sql.create_engine(server.url().replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sql.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.url(name)


def in_range(record: Any) -> Any:
    """The record as a database can hold it.

    Integers have 64 bits, SQLite keeps no sign of zero, and PostgreSQL's text has no character 0.
    """
    changes = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, int) and not isinstance(value, bool):
            changes[field.name] = min(value, GREATEST_INTEGER)
        elif isinstance(value, float):
            changes[field.name] = value + 0.0
        elif isinstance(value, str):
            changes[field.name] = value.replace("\0", "0")
    return replace(record, **changes)


run_files = st.builds(
    RunFile,
    source=st.just(""),
    run=strategies.runs.map(in_range),
    measurements=st.lists(strategies.measured().map(in_range), max_size=4).map(tuple),
    devices=st.lists(strategies.devices.map(in_range), max_size=2).map(tuple),
    outcomes=st.lists(strategies.outcomes.map(in_range), max_size=2).map(tuple),
    damaged_lines=st.lists(st.integers(2, 99), max_size=2).map(tuple),
)


def lines_of(run: RunFile) -> list[bytes]:
    return [to_line(record) for record in (run.run, *run.measurements, *run.devices, *run.outcomes)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(run=run_files)
def test_what_is_pushed_is_read_back(url: str, run: RunFile) -> None:
    with SqlStore.open(url, create=True) as store:
        store.push(run)
        found = store.read(run.run.id)
        assert store.push(found) is Pushed.UNCHANGED
        (found_values,) = (one for one in store.values(Selection()) if one.run.id == run.run.id)

    assert replace(found, source="") == run
    assert lines_of(found) == lines_of(run)  # to the last digit: 1 is not 1.0
    assert found_values == replace(of_run(run), source="", damaged_lines=())
    assert [str(value) for _, value, _ in found_values.readings] == [str(m.value) for m in run.measurements]


def example(day: int, *values: float) -> RunFile:
    measured = [a_measurement(value=value, subnet=str(number)) for number, value in enumerate(values)]
    return replace(file_of(run_of_day(day), measured, [some_device_facts()]), outcomes=(an_outcome(),))


def test_a_run_is_pushed_once_and_replaced_if_it_grew(url: str) -> None:
    with SqlStore.open(url, create=True) as store:
        assert [store.push(run) for run in (example(0, 1), example(0, 1), example(0, 1, 2))] == [
            "added",
            "already there",
            "replaced",
        ]
        assert [m.value for m in store.read(run_of_day(0).id).measurements] == [1, 2]
        assert store.run_ids() == [run_of_day(0).id]


def test_a_run_is_written_as_a_whole_or_not_at_all(url: str) -> None:
    good, longer = example(0, 1), example(0, 1, 2)
    bad = replace(longer, measurements=(*longer.measurements, a_measurement(seed=2**70)))
    with SqlStore.open(url, create=True) as store:
        store.push(good)
    for broken in (bad, replace(bad, run=run_of_day(1))):
        with pytest.raises(ProtocolError, match="refused a request"), SqlStore.open(url) as store:
            store.push(broken)

    with SqlStore.open(url) as store:
        assert store.run_ids() == [good.run.id]
        assert store.read(good.run.id).measurements == good.measurements


def test_runs_are_read_from_a_url_as_from_a_folder(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    with SqlStore.open(url, create=True) as store:
        for day in (2, 0, 1):
            run = example(day, day, 10 * day)
            write_run(folder, run.run, *run.devices, *run.measurements, *run.outcomes)
            store.push(run)

    assert [replace(run, source="") for run in runs(url)] == [replace(run, source="") for run in runs(folder)]
    for words in ([], ["latency"], ["latency", "subnet=1"], ["nothing"]):
        selection = Selection.parse(words)
        of_url, of_folder = (list(values(where, selection)) for where in (url, folder))
        assert of_folder == [of_run(run, selection) for run in runs(folder)]
        assert of_url == [replace(one, source="") for one in of_folder]


def test_a_run_in_a_database_is_named_by_url_and_id(url: str) -> None:
    with SqlStore.open(url, create=True) as store:
        for day in (0, 1):
            store.push(example(day, day))

    for name, day in (("latest", 1), (run_of_day(0).id, 0), ("20260102", 1)):
        found = open_run(f"{url}#{name}", NOWHERE)
        assert found.run == run_of_day(day)
        assert found.source == f"{hidden(url)}#{run_of_day(day).id}"
    with pytest.raises(ConfigError, match="'2026' fits 2 runs"):
        open_run(f"{url}#2026", NOWHERE)
    with pytest.raises(MissingError, match="there is no run '1999'"):
        open_run(f"{url}#1999", NOWHERE)
    with pytest.raises(ConfigError, match="names a database but no run"):
        open_run(url, NOWHERE)


def test_the_tables_have_a_column_for_every_field() -> None:
    for table, record in ((tables.MEASUREMENTS, a_measurement()), (tables.DEVICES, some_device_facts())):
        more = {"run_id", "position", "quantity", *(tables.integer_of(field.name) for field in fields(record))}
        assert {field.name for field in fields(record)} == set(table.columns.keys()) - more


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


def test_several_pushes_at_once_leave_every_run_once(url: str) -> None:
    def push(_: int) -> None:
        for day in range(5):
            try:
                with SqlStore.open(url) as store:
                    store.push(example(day, day))
            except BusyError:  # the other was first
                continue

    with SqlStore.open(url, create=True):
        pass
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(push, range(3)))

    assert [(run.run.id, len(run.measurements)) for run in runs(url)] == [(run_of_day(day).id, 1) for day in range(5)]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("mysql://me:secret@host/db", ConfigError, "of kind 'mysql' are not supported"),
        ("nothing://me:secret@host/db", ConfigError, "of kind 'nothing' are not supported"),
        ("postgresql://me:secret@host:port/db", ConfigError, r"postgresql://me:\*\*\*@host:port/db is not the URL of a database"),
        ("sqlite://", ConfigError, "names no file"),
        ("sqlite:///nowhere.db", MissingError, "there is no database nowhere.db"),
    ],
)
def test_urls_that_lead_nowhere(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        open_run(f"{name}#latest", NOWHERE)
    assert "secret" not in str(caught.value)
    assert not Path("nowhere.db").exists()


def test_a_database_without_runs_says_so(url: str, tmp_path: Path) -> None:
    (tmp_path / "runs.db").touch()
    with pytest.raises(MissingError, match="holds no runs"):
        open_run(f"{url}#latest", NOWHERE)
    with SqlStore.open(url, create=True):
        pass
    with pytest.raises(MissingError, match="no run 'latest'"):
        open_run(f"{url}#latest", NOWHERE)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_text("something else, and long enough not to be taken for an empty file" * 20)
    with pytest.raises(ProtocolError, match="file is not a database"):
        open_run(f"sqlite:///{tmp_path}/runs.db#latest", NOWHERE)


@pytest.fixture
def push(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Pushes two runs by the command; its exit code and output."""
    folder = tmp_path / "results"
    for day in (0, 1):
        write_run(folder, run_of_day(day), some_device_facts(), a_measurement(value=1000 + day), an_outcome())

    def call(url: str, *names: str) -> tuple[int, str, str]:
        code = main(["push", *names, "--to", url, "--results", str(folder)])
        captured = capsys.readouterr()
        assert b"".join(to_line(record) for record in (run_of_day(0),)) in (folder / f"{run_of_day(0).id}.jsonl").read_bytes()
        return code, captured.out, captured.err

    return call


def test_the_commands_work_on_a_url(push, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = push(url, "latest")
    assert (code, out.splitlines()[-1]) == (0, f"1 run in {hidden(url)}: 1 added")
    code, out, _ = push(url)
    assert out.splitlines()[-1] == f"2 runs in {hidden(url)}: 1 added, 1 already there"
    assert PASSWORD not in out

    assert main(["history", "latency", "--in", url]) == 0
    assert "worse: 1,000 -> 1,001 (+0.10 %)" in capsys.readouterr().out
    assert main(["compare", f"{url}#20260101", f"{url}#latest", "--fail-on", "worse"]) == 1


def test_commands_print_the_same_from_files_and_from_a_database(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "results"
    numbers = (1000, 1000.0, 2**53 + 1, 0.1, 1e300, -3)
    for day in range(2):
        measured = [a_measurement(value=value, overhead=value, subnet=str(index)) for index, value in enumerate(numbers)]
        write_run(folder, run_of_day(day), some_device_facts(), *measured, an_outcome(seconds=2))
    assert main(["push", "--to", url, "--results", str(folder)]) == 0
    capsys.readouterr()

    def printed(*arguments: str) -> str:
        assert main([*arguments]) == 0
        return capsys.readouterr().out

    assert printed("history", "--json", "--in", url) == printed("history", "--json", "--in", str(folder))
    csv_of = [printed("report", name, "--csv", "--results", str(folder)) for name in (f"{url}#latest", "latest")]
    assert csv_of[0] == csv_of[1]
    assert "1000.0" in csv_of[0]
    assert str(2**53 + 1) in printed("history", "--json", "--in", url)


def test_a_file_that_cannot_be_read_keeps_no_other_from_being_pushed(
    sqlite: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "results"
    good = write_run(folder, run_of_day(1), a_measurement())
    bad = folder / "0.jsonl"
    bad.write_text("hello\n")

    assert main(["push", "--to", sqlite, "--results", str(folder)]) == 1
    out, error = capsys.readouterr()
    assert out.splitlines()[-1].endswith(": 1 added, 1 left out")
    assert error.startswith(f"warning: left out: {bad} is not the file of a run")

    assert main(["push", str(good), str(bad), "--to", sqlite]) == 1
    assert capsys.readouterr().err.startswith(f"error: {bad} is not the file of a run")


def test_a_record_that_somebody_spoilt_in_the_database_is_refused(url: str) -> None:
    with SqlStore.open(url, create=True) as store:
        store.push(example(0, 1))
        store._connection.execute(tables.RUNS.update().values(started="yesterday"))
        store._connection.commit()

    for read_it in (lambda: list(runs(url)), lambda: list(values(url, Selection())), lambda: open_run(f"{url}#latest", NOWHERE)):
        with pytest.raises(ProtocolError, match=r"holds what is not a run record[^$]*`started` is no time"):
            read_it()


def test_quantities_that_come_later_are_told_apart(url: str) -> None:
    with SqlStore.open(url, create=True) as store:
        for day in range(4):
            store.push(example(day, *range(day + 1)))

        found = [[(quantity.key.subnet, value) for quantity, value, _ in one.readings] for one in store.values(Selection())]

    assert found == [[(str(number), number) for number in range(day + 1)] for day in range(4)]


def test_values_of_several_metrics_are_read_at_once(url: str) -> None:
    run = file_of(run_of_day(0), [a_measurement(metric=metric) for metric in ("latency", "switch", "accuracy")])
    with SqlStore.open(url, create=True) as store:
        store.push(run)
        (found,) = store.values(Selection(metrics=("accuracy", "latency")))

    assert [quantity.key.metric for quantity, *_ in found.readings] == ["latency", "accuracy"]


def test_a_database_that_another_process_writes_to_is_busy(sqlite: str, tmp_path: Path) -> None:
    with SqlStore.open(sqlite, create=True) as store:
        store.push(example(0, 1))
    path = sqlite.partition(":///")[2]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with (
            pytest.raises(BusyError, match=r"another process writes to sqlite:///[^$]*nothing is lost"),
            SqlStore.open(f"{sqlite}?timeout=0.01", create=True) as store,
        ):
            store.push(example(1, 1))


def test_an_unreachable_database_loses_nothing(push) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        code, out, error = push(f"postgresql://bench:{PASSWORD}@127.0.0.1:{port}/runs?application_name=x&sslpassword={PASSWORD}")

    assert (code, out) == (1, "")
    assert f"the database postgresql://bench:***@127.0.0.1:{port}/runs cannot be used" in error
    assert "nothing is lost: the files of the runs are where they were" in error
    assert PASSWORD not in error


@pytest.mark.slow
def test_a_wrong_password_is_not_shown(push, server: Server) -> None:
    code, _, error = push(server.url(password="guessed-secret"))

    assert code == 1
    assert "password authentication failed" in error
    assert "guessed-secret" not in error


@pytest.mark.slow
def test_a_server_that_dies_in_the_middle_keeps_only_whole_runs() -> None:
    reason = postgresql.why_not()
    if reason:
        pytest.skip(reason)

    def push_while_it_dies(server: Server) -> None:
        with SqlStore.open(server.url(), create=True) as store:
            store.push(example(0, 1))
            event.listen(store._connection, "before_cursor_execute", stop_at_measurements)
            store.push(example(1, 1))

    def stop_at_measurements(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO measurements"):
            server.stop()

    with postgresql.running() as server:
        with pytest.raises(TransportError, match="nothing is lost"):
            push_while_it_dies(server)
        server.start()
        assert [(run.run.id, len(run.measurements)) for run in runs(server.url())] == [(run_of_day(0).id, 1)]


@pytest.mark.parametrize("where", ["results", "results/runs.db", "runs.db"])
def test_push_takes_urls_only(push, where: str) -> None:
    code, _, error = push(where)
    assert code == 2
    assert "sqlite:///PATH" in error
