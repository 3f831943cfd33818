"""Baselines under version control: the runs that revisions of this repository hold in results/baselines."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from harness.run_file import RunFile, parse
from reds.errors import ConfigError, MissingError, unknown_name

FOLDER = "results/baselines"
SUFFIX = ".jsonl"
TIMEOUT_S = 60


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
    """The commit that a revision stands for, None if there is none."""
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    except subprocess.CalledProcessError:
        return None


def committed(root: Path) -> Iterator[RunFile]:
    """Every version of every baseline that led to the current commit, in the order in which they were committed.

    Raises:
        MissingError: no repository, no git, or no baseline was ever committed.
    """
    if resolve(root, "HEAD") is None:
        raise MissingError(f"{root} has no commits", do="name a folder of runs or the URL of a database")
    log = _git(root, "log", "--reverse", "--format=%H", "HEAD", "--", FOLDER)
    seen: set[str] = set()
    for commit in log.decode().split():
        for name, blob in _baselines(root, commit).items():
            if blob not in seen:
                seen.add(blob)
                yield _read(root, commit, name, blob)
    if not seen:
        do = "commit one (python -m harness baseline RUN), or name a folder of runs or the URL of a database"
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
    try:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, check=True, timeout=TIMEOUT_S).stdout
    except FileNotFoundError as error:
        raise MissingError("git is missing", do="apt-get install git") from error
    except subprocess.TimeoutExpired as error:
        raise MissingError(f"git {arguments[0]} did not end within {TIMEOUT_S} s") from error
