"""Where runs come from: files, baselines, revisions of this repository, databases."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from harness import git_baselines, readings
from harness.git_baselines import NoGitError
from harness.matrix import PAPER, SUITES
from harness.readings import RunReadings, Selection
from harness.records import Run
from harness.run_file import RunFile, read, read_header
from harness.sql_url import hidden
from harness.wording import counted
from reds.errors import BenchError, ConfigError, MissingError, unknown_name

T = TypeVar("T")

ROOT = SUITES.parent
LATEST = "latest"
BASELINE = "baseline "
FORMS = (
    "the path of a file, latest, the id of a run or its beginning, the name of a baseline, REVISION or REVISION:BASELINE of this "
    "repository, or DATABASE-URL#RUN"
)


def is_url(name: str) -> bool:
    """Whether this names a database rather than a file."""
    return re.match(r"[A-Za-z][A-Za-z0-9+._-]*://", name) is not None


def open_run(name: str, folder: Path, root: Path = ROOT) -> RunFile:
    """The run that a user named.

    Args:
        name: in this order: a database's URL and "#" and the id of a run, its beginning, or "latest"; the path of a file;
            "latest", which is the last run of suites; "baseline NAME" or the plain NAME of a file in results/baselines; the id
            of a run in `folder` or its beginning; "REVISION:NAME", or "REVISION" if that revision of the repository has one
            baseline only.
        folder: where runs lie.
        root: of the repository.

    Raises:
        ConfigError: the name fits several runs, or a baseline of this name is not among those there are.
        MissingError: no such run, or the database has none.
        TransportError: the database cannot be reached.
        ProtocolError: it cannot be read.
    """
    if is_url(name):
        return _open_stored(name)
    baselines = {path.stem: path for path in (root / git_baselines.FOLDER).glob("*.jsonl")}
    stored = {path.stem: path for path in folder.glob("*.jsonl")}
    path = _file(name, stored, baselines)
    if path is not None:
        return read(path)
    revision, colon, baseline = name.partition(":")
    commit, no_git = None, None
    try:
        commit = git_baselines.resolve(root, revision)
    except NoGitError as error:
        no_git = f"revisions cannot be looked up: {error.seen or error.what}"
    if commit is not None:
        return git_baselines.open_baseline(root, revision, baseline if colon else None)
    known = [*stored, *baselines]
    hint = (unknown_name("run", name, known).do or "").partition("valid:")[0] if known else ""
    do = f"{hint}give {FORMS}; pytest suites makes one"
    raise MissingError(f"there is no run {name!r} in {folder}", seen=no_git, do=do)


def _file(name: str, stored: Mapping[str, Path], baselines: Mapping[str, Path]) -> Path | None:
    """The file of this name, None if it names none."""
    if Path(name).is_file():
        return Path(name)
    if name == LATEST and (latest := _latest(stored.values())):
        return latest
    if name.startswith(BASELINE):
        baseline = name.removeprefix(BASELINE).strip()
        if baseline not in baselines:
            raise unknown_name("baseline", baseline, baselines)
        return baselines[baseline]
    if name in baselines:
        return baselines[name]
    found = begins(name, stored)
    return None if found is None else stored[found]


def _latest(paths: Collection[Path]) -> Path | None:
    """Of the files of runs of the suites the one that started last, None if there is none. One that does not say counts by its
    name: it is no run, unless it is the last of all, and then reading it says what is wrong.
    """
    runs = {path: _header(path) for path in paths}
    of_suites = {path: run for path, run in runs.items() if run is None or is_of_suites(run)}
    last_name = max(of_suites, key=lambda path: path.name, default=None)
    started = [(run.order, path) for path, run in of_suites.items() if run is not None]
    return max(started)[1] if started and last_name and of_suites[last_name] else last_name


def is_of_suites(run: Run) -> bool:
    """Whether a run measured a matrix; the others rebuilt a published table."""
    return run.matrix != PAPER


def _header(path: Path) -> Run | None:
    try:
        return read_header(path)
    except (BenchError, OSError):  # what reads the file as a whole says so
        return None


def begins(name: str, ids: Iterable[str]) -> str | None:
    """The id that begins with `name`, None if none does; ConfigError if several do and none is equal."""
    fitting = sorted(known for known in ids if name and known.startswith(name))
    if name in fitting:
        return name
    if len(fitting) > 1:
        raise ConfigError(f"{name!r} fits {len(fitting)} runs", seen=", ".join(fitting[:5]))
    return fitting[0] if fitting else None


def _open_stored(name: str) -> RunFile:
    url, sign, run_id = name.rpartition("#")
    from harness.sql_store import SqlStore  # noqa: PLC0415  (imports SQLAlchemy)

    if not sign or not run_id:
        raise ConfigError(f"{hidden(url or name)} names a database but no run", do="add #latest, or # and the id of a run")
    with SqlStore.open(url) as store:
        headers = store.headers()
        ids = [run.id for run in headers if run_id != LATEST or is_of_suites(run)]
        found = (ids[-1] if ids else None) if run_id == LATEST else begins(run_id, ids)
        if found is None:
            seen = f"{len(ids)} runs, the last {ids[-1]}" if ids else "no runs"
            do = "python -m harness push puts runs there"
            raise MissingError(f"there is no run {run_id!r} in {store.name}", seen=seen, do=do)
        return store.read(found)


Unreadable = Callable[[BenchError], None]


def refuse(error: BenchError) -> None:
    """What to do about a run that cannot be read, if nothing else is asked for."""
    raise error


def runs(where: str | Path | None, root: Path = ROOT, unreadable: Unreadable = refuse) -> Iterator[RunFile]:
    """Every run of a folder, a database (its URL) or, for None, of the baselines committed to the repository; oldest first.

    Args:
        where: as said.
        root: of the repository.
        unreadable: told of each file that cannot be read; the others follow unless it raises.

    Raises:
        MissingError: no such folder, or nothing in it that can be read.
        TransportError: the database cannot be reached.
        ProtocolError: a file cannot be read; it is named.
    """
    if where is None:
        committed = {run.run.id: run for run in git_baselines.committed(root, unreadable)}  # the last of those committed again
        yield from sorted(committed.values(), key=lambda run: run.run.order)
    elif is_url(str(where)):
        from harness.sql_store import SqlStore  # noqa: PLC0415

        with SqlStore.open(str(where)) as store:
            for run in store.headers():
                yield store.read(run.id)
    else:
        yield from _of_files(Path(where), read, unreadable)


def values(
    where: str | Path | None, selection: Selection, root: Path = ROOT, unreadable: Unreadable = refuse
) -> Iterator[RunReadings]:
    """As `runs`, but only the values of these keys, which takes a fraction of the time."""
    if where is None:
        yield from (readings.of_run(run, selection) for run in runs(None, root, unreadable))
    elif is_url(str(where)):
        from harness.sql_store import SqlStore  # noqa: PLC0415

        with SqlStore.open(str(where)) as store:
            yield from store.values(selection)
    else:
        yield from _of_files(Path(where), readings.FileReader(selection).read, unreadable)


def _of_files(folder: Path, read_one: Callable[[Path], T], unreadable: Unreadable) -> Iterator[T]:
    """What is read of each file of a folder, by the time when their runs started."""
    if not folder.is_dir():
        what = f"{folder} is a file, not a folder" if folder.exists() else f"there is no folder {folder}"
        raise MissingError(what, do="name a folder of .jsonl files, or the URL of a database")
    paths = list(folder.glob("*.jsonl"))
    if not paths:
        raise MissingError(f"there are no runs in {folder}", do="make one: pytest suites")
    headers = _readable(paths, lambda path: (read_header(path).order, path), unreadable)
    count = 0
    for one in _readable([path for _, path in sorted(headers)], read_one, unreadable):
        count += 1
        yield one
    if not count:
        do = "give a folder with .jsonl files of results/runs"
        raise MissingError(f"no run can be read in {folder}", seen=f"{counted(len(paths), 'file')}, none of them whole", do=do)


def _readable(paths: Iterable[Path], read_one: Callable[[Path], T], unreadable: Unreadable) -> Iterator[T]:
    for path in paths:
        try:
            yield read_one(path)
        except BenchError as error:
            unreadable(error)
        except OSError as error:
            unreadable(MissingError(f"{path} cannot be read", seen=error.strerror))
