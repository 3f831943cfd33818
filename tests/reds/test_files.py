"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from reds.errors import MissingError
from reds.files import write_whole


def test_a_file_is_written_with_its_folders_and_replaced(tmp_path: Path) -> None:
    for content in (b"older", b"newer"):
        write_whole(tmp_path / "a" / "b.reds", content)
        assert (tmp_path / "a" / "b.reds").read_bytes() == content
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.reds"]


def test_a_disk_that_fills_up_leaves_the_older_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "b.reds", b"older")
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        write(path, content[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(MissingError, match=r"(?s)b\.reds cannot be written.*No space.*make room"):
        write_whole(tmp_path / "b.reds", b"newer")
    assert [path.name for path in tmp_path.iterdir()] == ["b.reds"]
    assert (tmp_path / "b.reds").read_bytes() == b"older"


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(MissingError, match=r"(?s)x\.reds cannot be written.*name a place that you may write to"):
        write_whole(tmp_path / "file" / "x.reds", b"")
