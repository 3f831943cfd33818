"""Runs and values read from a database as from files, and what is said of those that are not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.readings import Selection, of_run
from harness.sources import open_run, runs, values
from harness.sql_store import SqlStore
from harness.sql_url import hidden
from reds.errors import ConfigError, MissingError
from tests.harness.examples import a_measurement
from tests.harness.storing import file_of, run_of_day, run_of_values, write_run

NOWHERE = Path("nowhere")


def test_runs_are_read_from_a_url_as_from_a_folder(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    with SqlStore.open(url, create=True) as store:
        for day in (2, 0, 1):
            run = run_of_values(day, day, 10 * day)
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
            store.push(run_of_values(day, day))

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


def test_the_latest_run_is_one_of_the_suites(sqlite: str) -> None:
    table = file_of(run_of_day(2, matrix="paper"), [a_measurement()])
    with SqlStore.open(sqlite, create=True) as store:
        store.push(table)
        with pytest.raises(MissingError, match="there is no run 'latest'"):
            open_run(f"{sqlite}#latest", NOWHERE)
        store.push(run_of_values(1, 5))

    assert open_run(f"{sqlite}#latest", NOWHERE).run == run_of_day(1)
    assert open_run(f"{sqlite}#{table.run.id}", NOWHERE).run == table.run


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


def test_quantities_that_come_later_are_told_apart(url: str) -> None:
    with SqlStore.open(url, create=True) as store:
        for day in range(4):
            store.push(run_of_values(day, *range(day + 1)))

        found = [[(quantity.key.subnet, value) for quantity, value, _ in one.readings] for one in store.values(Selection())]

    assert found == [[(str(number), number) for number in range(day + 1)] for day in range(4)]


def test_values_of_several_metrics_are_read_at_once(url: str) -> None:
    run = file_of(run_of_day(0), [a_measurement(metric=metric) for metric in ("latency", "switch", "accuracy")])
    with SqlStore.open(url, create=True) as store:
        store.push(run)
        (found,) = store.values(Selection(metrics=("accuracy", "latency")))

    assert [quantity.key.metric for quantity, *_ in found.readings] == ["latency", "accuracy"]
