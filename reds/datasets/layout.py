"""Where the published files of a data set lie, and how they are known to be the same as before."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reds.cache import cache_folder
from reds.errors import MissingError

DATA_VARIABLE = "REDS_DATA_DIR"
ORIGIN = ".origin.json"
LONGEST_LINE = 96  # of an error
FOUND_ON_DISK = "files found on disk, their checksums not known"


@dataclass(frozen=True)
class Remote:
    """A file that is published.

    Attributes:
        url: where; https.
        size_bytes: how large it is.
        algorithm: of the checksum that is published for it ("md5", "sha256").
        checksum: hexadecimal.
    """

    url: str
    size_bytes: int
    algorithm: str
    checksum: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Bounds:
    """The most that an archive may hold.

    Attributes:
        size_bytes: of all its files together.
        files: how many.
    """

    size_bytes: int
    files: int


@dataclass(frozen=True)
class Layout:
    """The files of a data set as they are published.

    Attributes:
        dataset: its name, for messages.
        folder: their folder within the folder of all data sets.
        patterns: of the files in it that decide anything, as `fnmatch` takes them.
        expected: what the folder holds, in words.
        remotes: what is downloaded; none where the set cannot be had ready-made.
        bounds: of the archive that the only remote is; None where the remotes are the files themselves.
        instead: how the files come about where nothing can be downloaded.
    """

    dataset: str
    folder: str
    patterns: tuple[str, ...]
    expected: str
    remotes: tuple[Remote, ...] = ()
    bounds: Bounds | None = None
    instead: str = ""

    def missing(self, seen: str) -> MissingError:
        """The error that says how to get the set."""
        archive = f", or the archive {self.remotes[0].name}" if self.bounds else ""
        ways = [
            f"--data-dir DIR or {DATA_VARIABLE}=DIR, DIR being a folder that holds",
            f"{self.folder}/ with {self.expected}{archive}",
        ]
        if self.remotes:
            megabytes = sum(remote.size_bytes for remote in self.remotes) / 1e6
            ways.append(f"or neither flag nor variable: {megabytes:,.0f} MB are downloaded from {self._source}")
        ways += [self.instead] if self.instead else []
        return MissingError(f"there is no data set {self.dataset!r}", seen=seen, do=_LINE.join(map(_wrapped, ways)))

    @property
    def _source(self) -> str:
        """Where it is downloaded from: the file, or the folder of several."""
        first = self.remotes[0].url
        return first if len(self.remotes) == 1 else first.removesuffix(self.remotes[0].name)


_LINE = "\n    "


def _wrapped(text: str) -> str:
    return _LINE.join(textwrap.wrap(text, LONGEST_LINE, break_long_words=False, break_on_hyphens=False))


@dataclass(frozen=True)
class Files:
    """The files of a data set on this computer.

    Attributes:
        folder: that holds them.
        identity: changes when they do.
        origin: where they come from, in words.
    """

    folder: Path
    identity: str
    origin: str


def chosen_folder(data_dir: Path | None) -> Path | None:
    """The folder of data sets that the user named, by argument or `REDS_DATA_DIR`."""
    if data_dir is not None:
        return data_dir.expanduser()
    named = os.environ.get(DATA_VARIABLE)
    return Path(named).expanduser() if named else None


def own_folder() -> Path:
    """Where downloaded and unpacked sets are kept."""
    return cache_folder("data")


def find(layout: Layout, data_dir: Path | None) -> Files | None:
    """The files of a set if they are there, unpacked; nothing is downloaded, unpacked or read."""
    chosen = chosen_folder(data_dir)
    if chosen is None:
        return _got_here(layout)
    if (chosen / layout.folder).is_dir():
        return _on_disk(chosen / layout.folder, layout)
    if layout.bounds and archive_in(chosen, layout):
        return _got_here(layout)
    return None


def archive_in(folder: Path, layout: Layout) -> Path | None:
    """The archive of a set in a folder."""
    path = folder / layout.remotes[0].name if layout.bounds else None
    return path if path and path.is_file() else None


def mark_origin(folder: Path, layout: Layout) -> None:
    """Note beside files whose checksums agreed that they did, and which files they are."""
    (folder / ORIGIN).write_bytes(_mark(layout, _listing_digest(folder, layout)))


def _mark(layout: Layout, listing: str) -> bytes:
    remotes = [[remote.url, remote.algorithm, remote.checksum] for remote in layout.remotes]
    return json.dumps({"remotes": remotes, "listing": listing}, indent=1).encode() + b"\n"


def _got_here(layout: Layout) -> Files | None:
    """What was downloaded or unpacked into the folder of this project; verified as long as it is what was marked."""
    found = _on_disk(own_folder() / layout.folder, layout)
    if found is None:
        return None
    marked, mark = found.folder / ORIGIN, _mark(layout, found.identity)
    if not marked.is_file() or marked.read_bytes() != mark:
        return found
    names = ", ".join(remote.name for remote in layout.remotes)
    return Files(found.folder, hashlib.sha256(mark).hexdigest(), f"the published {names}, checksum verified")


def _on_disk(folder: Path, layout: Layout) -> Files | None:
    return Files(folder, _listing_digest(folder, layout), FOUND_ON_DISK) if folder.is_dir() else None


def _listing_digest(folder: Path, layout: Layout) -> str:
    digest = hashlib.sha256()
    for line in sorted(_listing(folder, layout.patterns)):
        digest.update(line.encode())
    return digest.hexdigest()


def _listing(folder: Path, patterns: tuple[str, ...]) -> Iterator[str]:
    """Path, size and time of change of each file in the folder and the folders in it; quick, for there may be 100,000."""
    matches = re.compile("|".join(map(fnmatch.translate, patterns))).match
    for within in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        prefix = "" if within == folder else f"{within.name}/"
        with os.scandir(within) as entries:
            for entry in entries:
                if entry.name != ORIGIN and matches(name := f"{prefix}{entry.name}"):
                    facts = entry.stat()
                    yield f"{name}\0{facts.st_size}\0{facts.st_mtime_ns}\n"
