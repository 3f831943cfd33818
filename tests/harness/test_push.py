"""The command that writes runs to a database, and the commands that read them from there."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.__main__ import main
from harness.lines import to_line
from harness.sql_url import hidden
from tests.harness.examples import a_measurement, an_outcome, some_device_facts
from tests.harness.postgresql import PASSWORD, Server
from tests.harness.storing import run_of_day, write_run


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


@pytest.mark.parametrize("where", ["results", "results/runs.db", "runs.db"])
def test_push_takes_urls_only(push, where: str) -> None:
    code, _, error = push(where)
    assert code == 2
    assert "sqlite:///PATH" in error
