"""Baselines under version control: the runs that revisions of this repository hold in results/baselines."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from harness.run_file import RunFile, parse
from reds.errors import BenchError, ConfigError, MissingError, ProtocolError, unknown_name

FOLDER = "results/baselines"
SUFFIX = ".jsonl"
TIMEOUT_S = 60
ELSEWHERE = "name a folder of runs or the URL of a database: --in results/runs"
NO_SUCH_REVISION = 1  # exit status of `git rev-parse --verify --quiet`


class NoGitError(MissingError):
    """Git is not installed, finds no repository, or refuses to read it; `seen` has its own words."""


def open_baseline(root: Path, revision: str, name: str | None) -> RunFile:
    """The baseline that a revision holds.

    Args:
        root: of the working tree.
        revision: anything that git understands: a branch, a tag, a commit, HEAD~3.
        name: without folder and suffix; None if the revision has only one.

    Raises:
        ConfigError: the revision has no baseline of this name, or several and none was named.
        MissingError: no such revision, or it has no baselines.
    """
    commit = resolve(root, revision)
    if commit is None:
        raise MissingError(f"there is no revision {revision!r} in {root}", do="see git log; a shallow clone lacks older ones")
    blobs = _baselines(root, commit)
    if not blobs:
        raise MissingError(f"revision {revision} has no baselines in {FOLDER}", do="name a later one, or a file")
    if name is None and len(blobs) > 1:
        do = f"name one: {', '.join(f'{revision}:{known}' for known in blobs)}"
        raise ConfigError(f"revision {revision} has {len(blobs)} baselines", do=do)
    name = next(iter(blobs)) if name is None else name
    if name not in blobs:
        raise unknown_name(f"baseline of revision {revision}", name, blobs)
    return _read(root, commit, name, blobs[name])


def resolve(root: Path, revision: str) -> str | None:
    """The commit that a revision stands for, None if there is none.

    Raises:
        NoGitError: no git, no repository, or git refuses to read it.
    """
    arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    done = _run(root, *arguments)
    if done.returncode == NO_SUCH_REVISION:
        return None
    return _output(root, arguments, done).decode().strip()


def committed(root: Path, unreadable: Callable[[BenchError], None]) -> Iterator[RunFile]:
    """Every version of every baseline that led to the current commit, in the order in which they were committed.

    Args:
        root: of the working tree.
        unreadable: told of each that cannot be read; the others follow unless it raises.

    Raises:
        MissingError: no git, no repository, no commits in it, or no baseline was ever committed.
    """
    try:
        head = resolve(root, "HEAD")
    except NoGitError as error:
        do = f"{error.do}; or {ELSEWHERE}" if error.do else ELSEWHERE
        raise MissingError("the history of baselines is in git", seen=error.seen or error.what, do=do) from error
    if head is None:
        raise MissingError(f"{root} has no commits", do=ELSEWHERE)
    log = _git(root, "log", "--reverse", "--format=%H", "HEAD", "--", FOLDER)
    seen: set[str] = set()
    for commit in log.decode().split():
        for name, blob in _baselines(root, commit).items():
            if blob not in seen:
                seen.add(blob)
                try:
                    run = _read(root, commit, name, blob)
                except ProtocolError as error:
                    unreadable(error)
                else:
                    yield run
    if not seen:
        do = f"commit one (python -m harness baseline RUN), or {ELSEWHERE}"
        raise MissingError(f"no baseline was ever committed to {FOLDER}", do=do)


def _baselines(root: Path, commit: str) -> dict[str, str]:
    """Name -> id of its content, of every baseline in a commit."""
    listing = _git(root, "ls-tree", "-z", commit, f"{FOLDER}/").decode()
    entries = (entry.split("\t") for entry in listing.split("\0") if entry)
    paths = ((PurePosixPath(path), facts.split()[2]) for facts, path in entries)
    return {path.stem: blob for path, blob in paths if path.suffix == SUFFIX}


def _read(root: Path, commit: str, name: str, blob: str) -> RunFile:
    return parse(_git(root, "cat-file", "blob", blob), f"{commit[:12]}:{FOLDER}/{name}{SUFFIX}")


def _git(root: Path, *arguments: str) -> bytes:
    return _output(root, arguments, _run(root, *arguments))


def _output(root: Path, arguments: Sequence[str], done: subprocess.CompletedProcess[bytes]) -> bytes:
    """What git printed; NoGitError with its own words if it failed."""
    if done.returncode:
        words = " ".join(done.stderr.decode(errors="replace").split()) or f"exit status {done.returncode}"
        raise NoGitError(f"git {arguments[0]} failed in {root}", seen=words)
    return done.stdout


def _run(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, check=False, timeout=TIMEOUT_S)
    except FileNotFoundError as error:
        raise NoGitError("git is missing", do="apt-get install git") from error
    except subprocess.TimeoutExpired as error:
        raise NoGitError(f"git {arguments[0]} did not end within {TIMEOUT_S} s") from error
