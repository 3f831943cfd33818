"""Run files whose writers are killed, or whose disk is full: what was written whole is read, what was not is reported."""

import json
import sys
from pathlib import Path

import pytest

from harness import run_file
from tests.harness.examples import a_measurement, a_run
from tests.harness.running import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and limits the size of files")

ROUNDS = 200


def test_a_writer_that_is_killed_costs_at_most_the_line_under_way(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    run_file.create(path, a_run())

    done = run("tests.harness.crashing", path, str(ROUNDS), "7")
    assert done.returncode == 0, done.stderr
    on_disk = json.loads(done.stdout)
    found = run_file.read(path)

    assert len(on_disk) == ROUNDS
    by_writer: dict[str | None, list[float]] = {}
    for m in found.measurements:
        by_writer.setdefault(m.device, []).append(m.value)
    for writer, count in enumerate(on_disk):
        values = by_writer[str(writer)]
        assert values == list(range(len(values)))
        assert len(values) in (count, count + 1)  # the last may have been written whole before it was told
    assert len(found.damaged_lines) <= ROUNDS


@pytest.mark.parametrize("bytes_left", [0, 1, 100])
def test_a_disk_that_fills_up_is_an_error_and_what_was_written_before_survives(tmp_path: Path, bytes_left: int) -> None:
    path = tmp_path / "run.jsonl"
    run_file.create(path, a_run())
    run_file.append(path, a_measurement(value=1))

    done = run("tests.harness.filling", path, str(bytes_left))
    run_file.append(path, a_measurement(value=3))
    found = run_file.read(path)

    assert done.stdout.startswith(f"a record could not be written to {path}\n  seen: "), done.stderr
    assert "do: make room" in done.stdout
    assert [m.value for m in found.measurements] == [1, 3]
    assert found.damaged_lines == ((3,) if bytes_left else ())
