"""Downloads from a real server on this computer, and archives unpacked."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from file_server import Served, serving

from reds.cache import CACHE_VARIABLE
from reds.datasets.download import PART, download
from reds.datasets.layout import DATA_VARIABLE, FOUND_ON_DISK, Bounds, Layout, Remote, find
from reds.datasets.obtain import obtain
from reds.datasets.registry import DATASETS
from reds.datasets.unpack import unpack
from reds.errors import MissingError, ProtocolError, TransportError
from reds.progress import no_amounts

CONTENT = np.random.default_rng(0).bytes(700_000)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def server() -> Iterator[Served]:
    with serving(CONTENT) as served:
        yield served


def remote(url: str, content: bytes, algorithm: str = "sha256") -> Remote:
    return Remote(url, len(content), algorithm, hashlib.new(algorithm, content).hexdigest())


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_file_is_downloaded_once_and_its_progress_told(algorithm: str, server: Served, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    wanted = remote(server.url, CONTENT, algorithm)
    paths = [download(wanted, tmp_path, lambda *amounts: seen.append(amounts)) for _ in range(2)]
    assert paths == [tmp_path / "file.bin"] * 2
    assert paths[0].read_bytes() == CONTENT
    assert server.asked == [None]
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["file.bin"]
    loaded = [done for doing, done, total in seen if doing == "downloading file.bin" and total == len(CONTENT)]
    assert loaded == sorted(loaded)
    assert loaded[-1] == len(CONTENT)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_broke_off_goes_on(ranges: bool, server: Served, tmp_path: Path) -> None:
    server.breaks_after, server.ranges = 300_000, ranges
    wanted = remote(server.url, CONTENT)
    with pytest.raises(TransportError, match=r"broke off\n.*300,000 of 700,000 bytes\n.*goes on"):
        download(wanted, tmp_path, no_amounts)
    assert (tmp_path / f"file.bin{PART}").stat().st_size == 300_000
    assert download(wanted, tmp_path, no_amounts).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-"]


def test_a_file_that_was_loaded_whole_and_not_checked_is_not_loaded_again(server: Served, tmp_path: Path) -> None:
    (tmp_path / f"file.bin{PART}").write_bytes(CONTENT)
    assert download(remote(server.url, CONTENT), tmp_path, no_amounts).read_bytes() == CONTENT
    assert server.asked == []


@pytest.mark.parametrize("content", [b"x" + CONTENT[1:], CONTENT + b"x" * 600_000])
def test_another_file_is_refused_and_nothing_is_kept(content: bytes, server: Served, tmp_path: Path) -> None:
    server.content = content
    with pytest.raises(ProtocolError, match=r"checksum is wrong|larger than the published"):
        download(remote(server.url, CONTENT), tmp_path, no_amounts)
    assert not list(tmp_path.glob("file.bin*"))
    server.content = CONTENT
    assert download(remote(server.url, CONTENT), tmp_path, no_amounts).read_bytes() == CONTENT


def test_a_file_that_became_smaller_is_refused(server: Served, tmp_path: Path) -> None:
    (tmp_path / f"file.bin{PART}").write_bytes(CONTENT[:400_000])
    server.content = CONTENT[:300_000]
    with pytest.raises(ProtocolError, match="smaller"):
        download(remote(server.url, CONTENT), tmp_path, no_amounts)
    assert not list(tmp_path.glob("file.bin*"))


def test_what_the_server_does_not_give_is_missing(server: Served, tmp_path: Path) -> None:
    wanted = remote(server.url, CONTENT)
    for status in (404, 403, 503):
        server.status = status
        with pytest.raises(MissingError, match=f"HTTP {status}"):
            download(wanted, tmp_path, no_amounts)


def test_no_server_is_missing(tmp_path: Path) -> None:
    with serving(CONTENT) as served:
        url = served.url
    with pytest.raises(MissingError, match="refused"):
        download(remote(url, CONTENT), tmp_path, no_amounts)


def archive(members: dict[str, bytes], **special: tarfile.TarInfo) -> bytes:
    """A `.tar.gz` of these files and special members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in special.values():
            tar.addfile(member)
    return buffer.getvalue()


FILES = {"./yes/a.wav": b"yes", "./no/b.wav": b"no" * 1000}


def layout(url: str, content: bytes, name: str = "set") -> Layout:
    return Layout("trial", name, ("*/*.wav",), "WORD/*.wav", (remote(url, content),), Bounds(10_000, 10))


@pytest.mark.parametrize("top", ["", "set/"])
def test_an_archive_is_downloaded_unpacked_and_found_again(top: str, server: Served, cache: Path) -> None:
    server.content = archive({f"{top}{name.removeprefix('./')}": content for name, content in FILES.items()})
    wanted = layout(server.url, server.content)
    assert find(wanted, None) is None
    files = obtain(wanted, None, no_amounts)
    assert files == find(wanted, None) == obtain(wanted, None, no_amounts)
    assert (files.folder / "no" / "b.wav").read_bytes() == b"no" * 1000
    assert files.origin == "the published file.bin, checksum verified"
    assert len(server.asked) == 1
    assert sorted(path.name for path in (cache / "data").iterdir()) == ["downloads", "set", "set.lock"]
    assert not list((cache / "data" / "downloads").iterdir())


def test_files_that_are_no_archive_are_downloaded_into_their_folder(server: Served) -> None:
    wanted = Layout("trial", "set", ("*",), "file.bin", (remote(server.url, CONTENT),))
    files = obtain(wanted, None, no_amounts)
    assert (files.folder / "file.bin").read_bytes() == CONTENT
    assert files.origin == "the published file.bin, checksum verified"


def test_an_archive_in_the_folder_of_the_user_is_checked_and_unpacked_into_the_cache(tmp_path: Path, cache: Path) -> None:
    content, folder = archive(FILES), tmp_path / "mine"
    wanted = layout("http://127.0.0.1:1/file.bin", content)
    folder.mkdir()
    with pytest.raises(
        MissingError,
        match=r"no folder .*mine/set\n.*DIR being a folder that holds\s+set/ with WORD/\*\.wav, or the archive file\.bin",
    ):
        obtain(wanted, folder, no_amounts)
    for damaged, message in ((content[:-40], "truncated"), (content[:-1] + b"?", "checksum is wrong")):
        (folder / "file.bin").write_bytes(damaged)
        with pytest.raises(ProtocolError, match=message):
            obtain(wanted, folder, no_amounts)
        assert (folder / "file.bin").read_bytes() == damaged
        assert find(wanted, folder) is None
    (folder / "file.bin").write_bytes(content)
    files = obtain(wanted, folder, no_amounts)
    assert files.folder == cache / "data" / "set"
    assert find(wanted, folder) == files
    assert [path.name for path in folder.iterdir()] == ["file.bin"]


def test_a_folder_of_the_user_comes_first_and_its_identity_follows_its_files(tmp_path: Path, monkeypatch) -> None:
    wanted = layout("http://127.0.0.1:1/file.bin", b"")
    (tmp_path / "set" / "yes").mkdir(parents=True)
    (tmp_path / "set" / "yes" / "a.wav").write_bytes(b"1")
    files = obtain(wanted, tmp_path, no_amounts)
    assert (files.folder, files.origin) == (tmp_path / "set", "files found on disk, their checksums not known")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    assert obtain(wanted, None, no_amounts) == files
    (tmp_path / "set" / "notes.txt").write_text("decides nothing")
    assert find(wanted, tmp_path) == files
    (tmp_path / "set" / "yes" / "b.wav").write_bytes(b"2")
    changed = find(wanted, tmp_path)
    assert changed is not None
    assert changed.identity != files.identity


def test_files_are_called_verified_only_where_they_were_verified_and_as_they_were(server: Served, tmp_path: Path) -> None:
    server.content = WHOLE
    wanted = layout(server.url, WHOLE)
    files = obtain(wanted, None, no_amounts)
    shutil.copytree(files.folder, tmp_path / "set")
    copied = find(wanted, tmp_path)
    assert copied is not None
    assert (copied.origin, copied.identity != files.identity) == (FOUND_ON_DISK, True)
    (files.folder / "yes" / "a.wav").write_bytes(b"changed")
    changed = find(wanted, None)
    assert changed is not None
    assert (changed.origin, changed.identity not in {files.identity, copied.identity}) == (FOUND_ON_DISK, True)


def test_what_cannot_be_downloaded_says_how_to_get_it(server: Served, cache: Path) -> None:
    server.status = 404
    wanted = layout(server.url, CONTENT)
    with pytest.raises(
        MissingError, match=r"(?s)HTTP 404.*\n.*--data-dir DIR or REDS_DATA_DIR=DIR, .*downloaded from http://127"
    ):
        obtain(wanted, None, no_amounts)
    assert not (cache / "data" / "set").exists()
    nowhere = Layout("trial", "set", ("*",), "files", instead="run its scripts")
    with pytest.raises(MissingError, match="run its scripts"):
        obtain(nowhere, None, no_amounts)


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def link(kind: bytes, target: str) -> bytes:
    return archive({}, one=special("yes/link", kind, target))


WHOLE = archive(FILES)
HOSTILE = {
    "a path that leads out": archive({"../outside": b"x"}),
    "an absolute path's drive": archive({"a/../../outside": b"x"}),
    "a symbolic link": link(tarfile.SYMTYPE, "/etc/passwd"),
    "a hard link": link(tarfile.LNKTYPE, "../../outside"),
    "a device": archive({}, one=special("null", tarfile.CHRTYPE)),
    "too many bytes": archive({"a": bytes(10_001)}),
    "too many files": archive({f"{number}": b"" for number in range(11)}),
    "no archive": b"<html>not found</html>",
    "nothing": b"",
    "a truncated archive": WHOLE[: len(WHOLE) // 2],
    "another archive within": gzip.compress(b"x" * 2000),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_and_damaged_archives_are_refused(what: str, tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(HOSTILE[what])
    (tmp_path / "inside" / "folder").mkdir(parents=True)
    with pytest.raises(ProtocolError):
        unpack(tmp_path / "a.tar.gz", tmp_path / "inside" / "folder", Bounds(10_000, 10), no_amounts)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "inside"]
    assert [path.name for path in (tmp_path / "inside").iterdir()] == ["folder"]


def test_a_set_that_cannot_be_unpacked_leaves_nothing_and_is_got_again(server: Served, cache: Path) -> None:
    bad, good = HOSTILE["a path that leads out"], WHOLE
    server.content = bad
    with pytest.raises(ProtocolError, match="cannot be unpacked"):
        obtain(layout(server.url, bad), None, no_amounts)
    assert sorted(path.name for path in (cache / "data").iterdir()) == ["downloads", "set.lock"]
    for path in (cache / "data" / "downloads").iterdir():
        path.unlink()
    server.content = good
    assert obtain(layout(server.url, good), None, no_amounts).folder.is_dir()


def test_only_official_places_are_downloaded_from() -> None:
    remotes = [remote for dataset in DATASETS.values() if dataset.layout for remote in dataset.layout.remotes]
    assert len(remotes) == 8
    for each in remotes:
        assert each.url.startswith("https://")
        assert len(each.checksum) == {"md5": 32, "sha256": 64}[each.algorithm]


FILLING = """
import resource, sys; from pathlib import Path
from reds.datasets.layout import Bounds, Layout, Remote
from reds.datasets.obtain import obtain
from reds.errors import MissingError
url, size, checksum, files = sys.argv[1:]
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
bounds = Bounds(10**6, 10) if files == "packed" else None
try:
    obtain(Layout("trial", "set", ("*",), "files", (Remote(url, int(size), "sha256", checksum),), bounds), None, lambda *_: None)
except MissingError as error:
    print(error)
finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, before)  # what measures coverage writes a file at the end
"""


@pytest.mark.parametrize("files", ["packed", "loose"])
def test_a_disk_that_fills_up_is_an_error_and_the_set_is_got_when_there_is_room(files: str, server: Served, cache: Path) -> None:
    server.content = archive({"yes/a.wav": bytes(100_000)}) if files == "packed" else CONTENT
    wanted = remote(server.url, server.content)
    command = [sys.executable, "-c", FILLING, wanted.url, str(wanted.size_bytes), wanted.checksum, files]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "there is no room for the files of the data set 'trial'" in done.stdout
    assert not (cache / "data" / "set").exists()
    bounds = Bounds(10**6, 10) if files == "packed" else None
    assert obtain(Layout("trial", "set", ("*",), "files", (wanted,), bounds), None, no_amounts).folder.is_dir()
