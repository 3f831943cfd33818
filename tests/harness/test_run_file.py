"""Run files: what is written is read again, whatever happened to the writer."""

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from harness import run_file
from harness.records import SCHEMA_VERSION
from reds.errors import MissingError, ProtocolError
from tests.harness.examples import a_measurement, a_run, an_outcome, some_device_facts

VERSION_1 = Path(__file__).with_name("data") / "version-1.jsonl"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a run that has just begun."""
    path = tmp_path / "run.jsonl"
    run_file.create(path, a_run())
    return path


def test_records_are_read_by_kind_in_the_order_of_writing(path: Path) -> None:
    first, second = a_measurement(value=1), a_measurement(value=2, correct="0110", sample_count=4)
    run_file.append(path, first, some_device_facts())
    run_file.append(path, an_outcome())
    run_file.append(path, second)

    found = run_file.read(path)

    assert found == run_file.RunFile(str(path), a_run(), (first, second), (some_device_facts(),), (an_outcome(),))
    assert found.damaged_lines == ()


def test_a_run_that_measured_nothing_is_read(path: Path) -> None:
    assert run_file.read(path) == run_file.RunFile(str(path), a_run(), ())


def test_a_line_that_was_cut_off_is_left_out_and_reported(path: Path) -> None:
    for value in (1, 2, 3):
        run_file.append(path, a_measurement(value=value))
    whole = path.read_bytes()

    last = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(last + 1, len(whole)):
        found = run_file.parse(whole[:cut], "run")
        assert [m.value for m in found.measurements] == [1, 2]
        assert found.damaged_lines == (4,)


def test_what_another_writer_appends_to_a_line_that_was_cut_off_is_still_read(path: Path) -> None:
    run_file.append(path, a_measurement(value=1, test='a test of {"kind": "measurement"}'))
    whole = path.read_bytes()
    run_file.append(path, a_measurement(value=2))
    after = path.read_bytes()[len(whole) :]

    first = whole.index(b"\n") + 1
    for cut in range(first + 1, len(whole)):
        found = run_file.parse(whole[:cut] + after, "run")
        assert [m.value for m in found.measurements] == [2]
        assert found.damaged_lines == (2,)


def test_what_follows_a_damaged_line_is_still_read(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b'{"kind": "measurement", "metr\n')
    run_file.append(path, a_measurement(value=7))

    found = run_file.read(path)

    assert [m.value for m in found.measurements] == [7]
    assert found.damaged_lines == (2,)


def test_a_run_of_version_1_is_migrated_and_left_as_it_is() -> None:
    before = VERSION_1.read_bytes()

    found = run_file.read(VERSION_1)

    assert json.loads(before.splitlines()[0])["schema_version"] == 1
    assert found.run.schema_version == SCHEMA_VERSION
    assert len(found.measurements) == len(before.splitlines()) - 1 == 12
    assert {(m.layer, m.correct) for m in found.measurements} == {(None, None)}
    assert (found.devices, found.outcomes, found.damaged_lines) == ((), (), ())
    assert VERSION_1.read_bytes() == before


def test_a_run_of_version_2_does_not_say_what_it_was_asked_for(path: Path) -> None:
    run_file.append(path, a_measurement(), some_device_facts(), an_outcome())
    path.write_bytes(path.read_bytes().replace(b'"schema_version": 4', b'"schema_version": 2'))

    found = run_file.read(path)

    assert found == run_file.RunFile(str(path), a_run(), (a_measurement(),), (some_device_facts(),), (an_outcome(),))
    assert (found.run.asked, found.run.whole, found.run.tests) == (None, None, None)


def test_of_a_skipped_test_of_version_3_the_reason_tells_whether_its_device_was_absent(path: Path) -> None:
    reasons = ("nano33ble-emu is not available: no qemu", "it is not available: by choice", None)
    run_file.append(path, *(an_outcome(test=str(i), outcome="skipped", reason=reason) for i, reason in enumerate(reasons)))
    path.write_bytes(path.read_bytes().replace(b'"schema_version": 4', b'"schema_version": 3'))

    found = run_file.read(path)

    assert [outcome.cause for outcome in found.outcomes] == ["absent", None, None]
    assert found.run.narrowed is None


def test_what_a_file_says_of_its_run_can_be_corrected(path: Path) -> None:
    run_file.append(path, a_measurement(), an_outcome())
    before = run_file.read(path)

    run_file.restate(path, replace(before.run, whole=()))

    assert run_file.read(path) == replace(before, run=replace(before.run, whole=()))
    assert [found.name for found in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("version", "message"),
    [(99, "use a newer one"), (0, "versions 1 to 4"), (None, "does not say its schema version"), ([1], "versions 1 to 4")],
)
def test_another_schema_version_is_refused(path: Path, version: object, message: str) -> None:
    header = json.loads(path.read_text())
    path.write_text(json.dumps({**header, "schema_version": version}) + "\n")

    with pytest.raises(ProtocolError, match=rf"schema version[^$]*reads versions 1 to {SCHEMA_VERSION}") as caught:
        run_file.read(path)
    assert message in str(caught.value)


@pytest.mark.parametrize("content", ["", "\n", "[]\n", "hello\n", '{"kind": "measurement"}\n'])
def test_what_is_not_the_file_of_a_run_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(content)

    with pytest.raises(ProtocolError, match="is not the file of a run"):
        run_file.read(path)


def test_two_runs_in_one_file_are_refused(path: Path) -> None:
    path.write_bytes(2 * path.read_bytes())

    with pytest.raises(ProtocolError, match="holds 2 runs instead of one"):
        run_file.read(path)


def test_a_hand_edited_record_is_refused_by_line_and_field(path: Path) -> None:
    run_file.append(path, a_measurement(), a_measurement())
    *lines, last = path.read_text().splitlines()
    path.write_text("\n".join([*lines, last.replace('"unit": "instructions", ', "")]) + "\n")

    with pytest.raises(ProtocolError, match=r"run\.jsonl, line 3: the measurement record has no field 'unit'"):
        run_file.read(path)


def test_a_run_is_never_overwritten(path: Path) -> None:
    with pytest.raises(FileExistsError):
        run_file.create(path, a_run())


def test_a_file_without_a_run_is_not_appended_to(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run_file.append(tmp_path / "run.jsonl", a_measurement())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_an_error_that_says_so() -> None:
    with pytest.raises(MissingError, match=r"could not be written to /dev/full[^$]*No space left[^$]*make room"):
        run_file.append(Path("/dev/full"), a_measurement())


LONG = tuple(range(500))


def _append_many(path: Path, device: str, count: int) -> None:
    for value in range(count):
        run_file.append(path, a_measurement(device=device, value=value, samples=LONG))


def test_several_processes_share_a_file(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_append_many, args=(path, device, 50)) for device in ("one", "two", "three")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0

    found = run_file.read(path)

    assert found.damaged_lines == ()
    for device in ("one", "two", "three"):
        assert [m.value for m in found.measurements if m.device == device] == list(range(50))
