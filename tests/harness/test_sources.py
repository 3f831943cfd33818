"""Where runs come from: what a user may name, and what is said of what is not there."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.lines import to_line
from harness.readings import LINE, FileReader, RunReadings, Selection, of_run
from harness.records import Measurement
from harness.run_file import read
from harness.sources import open_run, runs, values
from reds.errors import BenchError, ConfigError, MissingError, ProtocolError
from tests.harness import test_records as strategies
from tests.harness.examples import a_measurement, some_device_facts
from tests.harness.storing import git, run_of_day, write_run

VERSION_1 = Path(__file__).with_name("data") / "version-1.jsonl"
EMPTY = Selection()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three runs."""
    folder = tmp_path / "runs"
    for day in (0, 1, 9):
        write_run(folder, run_of_day(day), a_measurement(value=day))
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose first commit has one baseline, the second another version of it, the third two baselines."""
    root = tmp_path / "repository"
    baselines = root / "results" / "baselines"
    baselines.mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    for tag, name, day in (("one", "digits", 0), ("two", "digits", 1), ("three", "poster", 2)):
        path = write_run(baselines, run_of_day(day), a_measurement(value=day))
        path.replace(baselines / f"{name}.jsonl")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", tag)
        git(root, "tag", tag)
    return root


def values_of(name: str, folder: Path, root: Path) -> list[float]:
    return [m.value for m in open_run(name, folder, root).measurements]


def test_runs_are_named_by_path_latest_id_and_beginning(folder: Path, repository: Path) -> None:
    last = folder / f"{run_of_day(9).id}.jsonl"

    for name, value in ((str(last), 9), ("latest", 9), (run_of_day(1).id, 1), ("20260110", 9)):
        assert values_of(name, folder, repository) == [value]


def test_the_latest_run_is_the_one_that_started_last_whatever_its_name(folder: Path, repository: Path) -> None:
    write_run(folder, run_of_day(10, id="0-first-by-name"), a_measurement(value=10))
    write_run(folder, run_of_day(2, id="9-last-by-name"), a_measurement(value=2))
    (folder / "1-no-run.jsonl").write_text("hello")

    assert values_of("latest", folder, repository) == [10]

    (folder / "99-just-begun.jsonl").touch()
    with pytest.raises(ProtocolError, match=r"99-just-begun.jsonl is not the file of a run"):
        open_run("latest", folder, repository)


def test_the_latest_run_is_one_of_the_suites(folder: Path, repository: Path) -> None:
    write_run(folder, run_of_day(10, matrix="paper"), a_measurement(value=10))

    assert values_of("latest", folder, repository) == [9]
    for path in folder.glob("*.jsonl"):
        if read(path).run.matrix != "paper":
            path.unlink()
    with pytest.raises(MissingError, match=r"there is no run 'latest'[^$]*pytest suites makes one"):
        open_run("latest", folder, repository)
    assert values_of(run_of_day(10).id, folder, repository) == [10]


def test_baselines_are_named_plainly_or_as_such(folder: Path, repository: Path) -> None:
    assert values_of("digits", folder, repository) == [1]
    assert values_of("baseline poster", folder, repository) == [2]
    with pytest.raises(ConfigError, match=r"unknown baseline 'digit'\n.*did you mean digits"):
        open_run("baseline digit", folder, repository)


def test_revisions_hold_baselines(folder: Path, repository: Path) -> None:
    for name, value in (("one", 0), ("two", 1), ("three~2", 0), ("main:poster", 2), ("main:digits", 1), ("one:digits", 0)):
        assert values_of(name, folder, repository) == [value]
    sha = git(repository, "rev-parse", "two")
    assert values_of(sha[:10], folder, repository) == [1]
    assert open_run("two", folder, repository).source == f"{sha[:12]}:results/baselines/digits.jsonl"


def test_a_revision_with_several_baselines_asks_for_a_name(folder: Path, repository: Path) -> None:
    with pytest.raises(ConfigError, match=r"revision main has 2 baselines\n.*main:digits, main:poster"):
        open_run("main", folder, repository)
    with pytest.raises(ConfigError, match="unknown baseline of revision one 'poster'"):
        open_run("one:poster", folder, repository)


def test_a_revision_without_baselines_says_so(folder: Path, repository: Path) -> None:
    git(repository, "rm", "--quiet", "-r", "results")
    git(repository, "commit", "--quiet", "--message", "none")

    with pytest.raises(MissingError, match="revision HEAD has no baselines in results/baselines"):
        open_run("HEAD", folder, repository)


@pytest.mark.parametrize("name", ["--help", "-n", "--output=stolen", "nowhere", "nowhere:digits", "", ":digits"])
def test_what_is_no_name_of_a_run_is_no_option_of_git_either(folder: Path, repository: Path, name: str) -> None:
    with pytest.raises(MissingError, match="there is no run"):
        open_run(name, folder, repository)
    assert not list(repository.rglob("stolen*"))


def test_values_of_several_metrics_are_read_at_once(folder: Path) -> None:
    write_run(folder, run_of_day(11), *(a_measurement(metric=metric) for metric in ("latency", "switch", "accuracy")))

    *_, last = values(folder, Selection(metrics=("accuracy", "latency")))

    assert [quantity.key.metric for quantity, *_ in last.readings] == ["latency", "accuracy"]


def test_the_nearest_names_are_given(folder: Path, repository: Path) -> None:
    with pytest.raises(MissingError, match="did you mean poster"):
        open_run("postre", folder, repository)
    with pytest.raises(ConfigError, match="'2026' fits 3 runs"):
        open_run("2026", folder, repository)


def test_outside_a_repository_there_are_no_revisions(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))

    with pytest.raises(MissingError, match="there is no run 'HEAD'"):
        open_run("HEAD", folder, tmp_path)
    with pytest.raises(MissingError, match=r"history of baselines is in git\n.*not a git repository[^$]*--in results/runs"):
        list(runs(None, tmp_path))
    git(tmp_path, "init", "--quiet")
    with pytest.raises(MissingError, match="has no commits"):
        list(runs(None, tmp_path))


def test_runs_come_oldest_first_whatever_their_files_are_called(folder: Path) -> None:
    (folder / f"{run_of_day(9).id}.jsonl").rename(folder / "0.jsonl")

    assert [m.value for run in runs(folder) for m in run.measurements] == [0, 1, 9]
    assert [value for run in values(folder, EMPTY) for _, value, _ in run.readings] == [0, 1, 9]


def test_committed_baselines_are_a_history(repository: Path) -> None:
    digits = repository / "results" / "baselines" / "digits.jsonl"
    digits.write_bytes(digits.read_bytes() + b"\n")  # not committed, so not looked at

    assert [m.value for run in runs(None, repository) for m in run.measurements] == [0, 1, 2]
    found = values(None, Selection.parse(["latency"]), repository)
    assert [value for run in found for _, value, _ in run.readings] == [0, 1, 2]


def test_a_run_that_was_committed_twice_counts_once(repository: Path) -> None:
    baselines = repository / "results" / "baselines"
    (baselines / "copy.jsonl").write_bytes((baselines / "poster.jsonl").read_bytes() + b'{"kind": "mea')
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "copy")

    assert [run.run.id for run in runs(None, repository)] == [run_of_day(day).id for day in range(3)]


SPOILERS = {
    "empty": b"",
    "text": b"hello\n",
    "cut": b'{"kind": "run", "id": "x"',
    "version": b'{"kind": "run", "schema_version": 99}\n',
    "started": to_line(run_of_day(3)).replace(b"2026-01-04T00:00:00+00:00", b"yesterday"),
    "field": to_line(run_of_day(4)) + to_line(a_measurement()).replace(b'"subnet": "100"', b'"subnet": 100'),
}


def test_a_file_that_cannot_be_read_is_named_and_the_others_follow(folder: Path) -> None:
    for name, content in SPOILERS.items():
        (folder / f"{name}.jsonl").write_bytes(content)
    (folder / "folder.jsonl").mkdir()

    for read_all in (lambda told: list(runs(folder, unreadable=told)), lambda told: list(values(folder, EMPTY, unreadable=told))):
        errors: list[BenchError] = []
        assert [run.run.id for run in read_all(errors.append)] == [run_of_day(day).id for day in (0, 1, 9)]
        named = {name for name in (*SPOILERS, "folder") if any(f"{name}.jsonl" in error.what for error in errors)}
        assert named == {*SPOILERS, "folder"}
        assert len(errors) == len(named)


@pytest.mark.parametrize("name", SPOILERS)
def test_unless_it_is_to_be_left_out_a_file_that_cannot_be_read_is_an_error(folder: Path, name: str) -> None:
    (folder / f"{name}.jsonl").write_bytes(SPOILERS[name])

    for read_all in (lambda: list(runs(folder)), lambda: list(values(folder, EMPTY))):
        with pytest.raises(ProtocolError, match=rf"{name}\.jsonl"):
            read_all()


def test_a_folder_of_which_nothing_can_be_read_says_so(tmp_path: Path) -> None:
    for name, content in SPOILERS.items():
        (tmp_path / f"{name}.jsonl").write_bytes(content)

    with pytest.raises(MissingError, match=rf"no run can be read in [^$]*{len(SPOILERS)} files"):
        list(values(tmp_path, EMPTY, unreadable=lambda _: None))


def test_a_committed_baseline_that_cannot_be_read_is_named_and_the_others_follow(repository: Path) -> None:
    (repository / "results" / "baselines" / "bad.jsonl").write_bytes(SPOILERS["version"])
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "bad")
    errors: list[BenchError] = []

    assert len(list(runs(None, repository, errors.append))) == 3
    assert "results/baselines/bad.jsonl has schema version 99" in str(*errors)
    with pytest.raises(ProtocolError, match="schema version 99"):
        list(runs(None, repository))


def test_without_git_the_missing_run_is_named_first(folder: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))

    assert values_of("latest", folder, repository) == [9]
    with pytest.raises(MissingError, match=r"^there is no run 'nowhere' in [^$]*revisions cannot be looked up: git is missing"):
        open_run("nowhere", folder, repository)
    with pytest.raises(MissingError, match=r"^the history of baselines is in git\n  seen: git is missing[^$]*--in results/runs"):
        list(runs(None, repository))


def test_a_damaged_repository_is_described_in_the_words_of_git(folder: Path, repository: Path) -> None:
    tree = git(repository, "rev-parse", "HEAD~1^{tree}")
    path = repository / ".git" / "objects" / tree[:2] / tree[2:]
    path.chmod(0o600)
    path.write_bytes(b"spoiled")

    for read_it in (lambda: list(runs(None, repository)), lambda: open_run("two", folder, repository)):
        with pytest.raises(MissingError, match=rf"git (log|ls-tree) failed in [^$]*seen: [^$]*{tree}"):
            read_it()


def test_a_folder_that_holds_no_runs_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="there are no runs in"):
        list(runs(tmp_path))
    with pytest.raises(MissingError, match="there is no folder"):
        list(runs(tmp_path / "nowhere"))
    (tmp_path / "x.jsonl").write_text("hello\n")
    with pytest.raises(ProtocolError, match=r"x\.jsonl is not the file of a run"):
        list(runs(tmp_path))


def of_file(path: Path, selection: Selection) -> RunReadings:
    return FileReader(selection).read(path)


SELECTIONS = [[], ["latency"], ["latency", "device=pico-emu"], ["subnet=50"], ["accuracy", "sample_count=60"], ["nothing"]]
RECORDS = (
    some_device_facts(),
    a_measurement(value=1),
    a_measurement(value=2, device="pico-emu"),
    a_measurement(value=3, subnet="50", test='a test of "latency"'),
    a_measurement(value=0.5, metric="accuracy", sample_count=60, better="higher"),
    a_measurement(value=4, metric="switch", from_subnet="latency"),
)


@pytest.mark.parametrize("words", SELECTIONS, ids=" ".join)
def test_reading_only_what_is_asked_for_finds_what_reading_all_finds(tmp_path: Path, words: list[str]) -> None:
    path = write_run(tmp_path, run_of_day(0), *RECORDS)
    selection = Selection.parse(words)

    assert of_file(path, selection) == of_run(read(path), selection)


@settings(deadline=None)
@given(measured=st.lists(strategies.measured(), min_size=1, max_size=6), asked=st.integers(0, 5))
def test_reading_only_one_metric_finds_its_values_whatever_they_are(
    tmp_path_factory: pytest.TempPathFactory, measured: list[Measurement], asked: int
) -> None:
    path = write_run(tmp_path_factory.mktemp("runs"), run_of_day(0), *measured)

    for selection in (EMPTY, Selection({"metric": measured[asked % len(measured)].metric})):
        found, expected = of_file(path, selection), of_run(read(path), selection)
        assert found == expected
        assert [type(value) for _, value, _ in found.readings] == [type(value) for _, value, _ in expected.readings]
        assert expected.readings


@settings(deadline=None)
@given(
    files=st.lists(st.lists(strategies.measured(), max_size=3), min_size=2, max_size=4),
    shared=st.lists(strategies.measured(), min_size=1, max_size=2),
    others=st.lists(st.fixed_dictionaries(dict.fromkeys(("bundle", "firmware", "image", "test"), strategies.names)), min_size=4),
)
def test_a_reader_of_many_files_mistakes_no_line_for_one_of_another_file(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[Measurement]], shared: list[Measurement], others: list[dict]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    for day, (own, changes) in enumerate(zip(files, others, strict=False)):
        write_run(folder, run_of_day(day), *own, *(replace(m, value=day, **changes) for m in shared))

    for selection in (EMPTY, Selection({"metric": shared[0].metric})):
        reader = FileReader(selection)
        for path in sorted(folder.iterdir()):
            assert reader.read(path) == of_run(read(path), selection)


@settings(deadline=None)
@given(record=strategies.measured())
def test_the_pattern_of_a_line_fits_what_is_written_and_picks_out_its_fields(record: Measurement) -> None:
    line = to_line(record)

    found = LINE.fullmatch(line)

    if found is None:  # it does without texts that hold quotes: such a file is read as a whole
        assert rb"\"" in line
    else:
        assert json.loads(found["value"]) == record.value
        assert json.loads(found["bundle"]) == record.bundle
    for cut in range(1, len(line), 5):
        assert not LINE.fullmatch(line[:cut])
        assert not LINE.fullmatch(line[:cut] + line)


def test_a_line_that_somebody_else_laid_out_is_read_too(tmp_path: Path) -> None:
    path = write_run(tmp_path, run_of_day(0), *RECORDS)
    expected = of_run(read(path), EMPTY)
    lines = [
        json.dumps(dict(reversed(json.loads(line).items())), indent=None, separators=(",", ":"))
        for line in path.read_text().splitlines()
    ]
    path.write_text("\n".join(lines) + "\n")

    assert of_file(path, EMPTY) == expected


def test_reading_only_what_is_asked_for_survives_a_crash_at_every_byte(tmp_path: Path) -> None:
    whole = write_run(tmp_path, run_of_day(0), *RECORDS).read_bytes()
    after = whole[whole.rindex(b"\n", 0, -1) + 1 :]
    selection = Selection.parse(["latency"])
    path = tmp_path / "cut.jsonl"

    for cut in range(whole.index(b"\n") + 1, len(whole), 7):
        for content in (whole[:cut], whole[:cut] + after):
            path.write_bytes(content)
            assert of_file(path, selection) == of_run(read(path), selection)


def test_a_file_of_version_1_is_migrated(tmp_path: Path) -> None:
    selection = Selection.parse(["latency"])

    assert of_file(VERSION_1, selection) == of_run(read(VERSION_1), selection)
    assert of_file(VERSION_1, selection).readings


def test_values_of_version_2_are_read_as_fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_run(tmp_path, run_of_day(0), some_device_facts(), a_measurement())
    path.write_bytes(path.read_bytes().replace(b'"schema_version": 3', b'"schema_version": 2'))
    expected = of_run(read(path), EMPTY)
    monkeypatch.delattr("harness.readings.parse")  # which reads whole files

    assert of_file(path, EMPTY) == expected
    assert expected.run == run_of_day(0)


def test_a_wrong_value_is_named_with_its_line(tmp_path: Path) -> None:
    path = write_run(tmp_path, run_of_day(0), a_measurement())
    path.write_bytes(path.read_bytes().replace(b'"value": 1000', b'"value": "much"'))

    with pytest.raises(ProtocolError, match="line 2: field 'value'"):
        of_file(path, Selection.parse(["latency"]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["latency", "accuracy"], "metric is given twice"),
        (["devize=host"], "unknown field 'devize'\n.*did you mean device"),
        (["sample_count=many"], "sample_count is a number"),
    ],
)
def test_a_filter_that_is_none_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Selection.parse(words)
