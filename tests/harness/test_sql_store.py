"""Runs in SQLite and in a real PostgreSQL: what is read back is what was pushed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import sql_tables as tables
from harness.lines import to_line
from harness.readings import Selection, of_run
from harness.run_file import RunFile
from harness.sources import runs
from harness.sql_store import Pushed, SqlStore
from reds.errors import BusyError
from tests.harness import test_records as strategies
from tests.harness.examples import a_measurement, some_device_facts
from tests.harness.storing import run_of_day, run_of_values

GREATEST_INTEGER = 2**63 - 1


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


def test_a_run_is_pushed_once_and_replaced_if_it_grew(url: str) -> None:
    with SqlStore.open(url, create=True) as store:
        assert [store.push(run) for run in (run_of_values(0, 1), run_of_values(0, 1), run_of_values(0, 1, 2))] == [
            "added",
            "already there",
            "replaced",
        ]
        assert [m.value for m in store.read(run_of_day(0).id).measurements] == [1, 2]
        assert [run.id for run in store.headers()] == [run_of_day(0).id]


def test_the_tables_have_a_column_for_every_field() -> None:
    for table, record in ((tables.MEASUREMENTS, a_measurement()), (tables.DEVICES, some_device_facts())):
        more = {"run_id", "position", "quantity", *(tables.integer_of(field.name) for field in fields(record))}
        assert {field.name for field in fields(record)} == set(table.columns.keys()) - more


def test_several_pushes_at_once_leave_every_run_once(url: str) -> None:
    def push(_: int) -> None:
        for day in range(5):
            try:
                with SqlStore.open(url) as store:
                    store.push(run_of_values(day, day))
            except BusyError:  # the other was first
                continue

    with SqlStore.open(url, create=True):
        pass
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(push, range(3)))

    assert [(run.run.id, len(run.measurements)) for run in runs(url)] == [(run_of_day(day).id, 1) for day in range(5)]
