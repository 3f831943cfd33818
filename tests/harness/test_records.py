"""Run files: what is written is read again, whatever happened to the writer."""

import json
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import records
from harness.records import Measurement, Run
from reds.errors import ConfigError, MissingError, ProtocolError
from tests.harness.examples import a_measurement, a_run

names = st.text(min_size=1, max_size=20)
numbers = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))

runs = st.builds(
    Run,
    id=names,
    started=names,
    matrix=names,
    git_sha=st.none() | names,
    git_dirty=st.booleans(),
    host=st.dictionaries(names, names),
    versions=st.dictionaries(names, names),
    command=st.lists(names).map(tuple),
)
measurements = st.builds(
    Measurement,
    metric=names,
    unit=names,
    better=st.sampled_from(records.BETTER),
    value=numbers,
    samples=st.lists(numbers, max_size=5).map(tuple),
    deterministic=st.booleans(),
    architecture=names,
    dataset=names,
    precision=st.none() | names,
    device=st.none() | names,
    subnet=st.none() | names,
    macs=st.none() | st.integers(0),
    seed=st.integers(0),
    bundle=names,
    test=names,
    from_subnet=st.none() | names,
    attempts=st.integers(1, 9),
    clock=st.none() | names,
    firmware=st.none() | names,
    image=st.none() | names,
    sample_count=st.none() | st.integers(1),
    sample_indices=st.none() | st.lists(st.integers(0)).map(tuple),
)


@given(run=runs, measured=st.lists(measurements, max_size=4))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, run: Run, measured: list[Measurement]) -> None:
    path = tmp_path_factory.mktemp("runs") / "run.jsonl"
    records.create(path, run)
    for measurement in measured:
        records.append(path, measurement)

    found = records.read(path)

    assert found.run == run
    assert list(found.measurements) == measured
    assert found.damaged_lines == ()


def test_a_line_that_was_cut_off_is_left_out_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    records.create(path, a_run())
    for value in (1, 2, 3):
        records.append(path, a_measurement(value=value))
    whole = path.read_bytes()

    last = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(last + 1, len(whole)):
        path.write_bytes(whole[:cut])
        found = records.read(path)
        assert [m.value for m in found.measurements] == [1, 2]
        assert found.damaged_lines == (4,)


def test_what_follows_a_damaged_line_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    records.create(path, a_run())
    path.write_bytes(path.read_bytes() + b'{"kind": "measurement", "metr\n')
    records.append(path, a_measurement(value=7))

    found = records.read(path)

    assert [m.value for m in found.measurements] == [7]
    assert found.damaged_lines == (2,)


def test_what_is_appended_after_a_cut_off_line_is_not_lost_with_it(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    records.create(path, a_run())
    records.append(path, a_measurement(value=1))
    path.write_bytes(path.read_bytes() + records.to_line(a_measurement(value=2))[:50])
    records.append(path, a_measurement(value=3))

    found = records.read(path)

    assert [m.value for m in found.measurements] == [1, 3]
    assert found.damaged_lines == (3,)


def test_another_schema_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    records.create(path, a_run())
    header = json.loads(path.read_text())
    path.write_text(json.dumps({**header, "schema_version": 99}) + "\n")

    with pytest.raises(ProtocolError, match=r"schema version 99[^$]*reads version 1"):
        records.read(path)


@pytest.mark.parametrize("content", ["", "\n", "[]\n", "hello\n", '{"kind": "measurement"}\n'])
def test_what_is_not_the_file_of_a_run_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(content)

    with pytest.raises(ProtocolError, match="is not the file of a run"):
        records.read(path)


def test_a_whole_line_that_is_not_a_measurement_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    records.create(path, a_run())
    path.write_text(path.read_text() + '{"kind": "measurement", "metric": "latency"}\n')

    with pytest.raises(ProtocolError, match="line 2 is not a measurement record"):
        records.read(path)


def test_a_run_is_never_overwritten(tmp_path: Path) -> None:
    records.create(tmp_path / "run.jsonl", a_run())
    with pytest.raises(FileExistsError):
        records.create(tmp_path / "run.jsonl", a_run())


def test_a_file_without_a_run_is_not_appended_to(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"(?s)could not be stored in .*run\.jsonl.*No such file"):
        records.append(tmp_path / "run.jsonl", a_measurement())


def test_a_full_disk_is_an_error_that_says_so() -> None:
    with pytest.raises(MissingError, match=r"(?s)could not be stored in /dev/full.*No space left.*--results"):
        records.append(Path("/dev/full"), a_measurement())


@pytest.mark.parametrize("wrong", [{"value": float("nan")}, {"samples": (1.0, float("inf"))}, {"better": "sideways"}])
def test_a_measurement_is_a_finite_number_with_a_direction(wrong: dict) -> None:
    with pytest.raises(ConfigError):
        a_measurement(**wrong)


def _append_many(path: Path, device: str, count: int) -> None:
    for value in range(count):
        records.append(path, a_measurement(device=device, value=value, samples=tuple(range(500))))


def test_several_processes_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    records.create(path, a_run())
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_append_many, args=(path, device, 50)) for device in ("one", "two", "three")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0

    found = records.read(path)

    assert found.damaged_lines == ()
    for device in ("one", "two", "three"):
        assert [m.value for m in found.measurements if m.device == device] == list(range(50))


def test_runs_are_found_by_path_id_beginning_and_latest(tmp_path: Path) -> None:
    for run_id in ("20260101T000000Z-aaaaaa", "20260102T000000Z-bbbbbb"):
        records.create(tmp_path / f"{run_id}.jsonl", a_run(run_id))
    first, second = sorted(tmp_path.iterdir())

    assert records.find(str(first), Path("nowhere")) == first
    assert records.find("20260101", tmp_path) == first
    assert records.find("latest", tmp_path) == second
    with pytest.raises(ConfigError, match="fits 2 runs"):
        records.find("2026", tmp_path)
    with pytest.raises(MissingError, match="no run 'x'"):
        records.find("x", tmp_path)
    with pytest.raises(MissingError, match="no run 'latest'"):
        records.find("latest", tmp_path / "empty")
