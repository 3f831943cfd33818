"""From what the user has, or from where it is published, to the unpacked files of a data set."""

from __future__ import annotations

import shutil
from pathlib import Path

from filelock import FileLock

from reds.datasets.download import check, download
from reds.datasets.layout import Files, Layout, archive_in, chosen_folder, find, mark_origin, own_folder
from reds.datasets.room import room_for
from reds.datasets.unpack import unpack
from reds.errors import MissingError
from reds.progress import Amounts

DOWNLOADS = "downloads"


def obtain(layout: Layout, data_dir: Path | None, amounts: Amounts) -> Files:
    """The files of a set: in the user's folder, unpacked from an archive there, or downloaded where no folder is named.

    Raises:
        MissingError: they are not there and cannot be had; the message says how to get them.
        ProtocolError: the archive or the download is damaged or not the published one.
        TransportError: the download broke off; the next call goes on from there.
    """
    if (found := find(layout, data_dir)) is not None:
        return found
    chosen = chosen_folder(data_dir)
    archive = archive_in(chosen, layout) if chosen else None
    if chosen and not archive:
        raise layout.missing(f"no folder {chosen / layout.folder}")
    if not layout.remotes:
        raise layout.missing("no folder of data sets was named")
    own = own_folder()
    with FileLock(own / f"{layout.folder}.lock"), room_for(f"the files of the data set {layout.dataset!r}", own):
        found = find(layout, data_dir)
        return found or _made(layout, archive, own, amounts)


def _made(layout: Layout, archive: Path | None, own: Path, amounts: Amounts) -> Files:
    """The files in their final place, complete or not at all; the caller holds the lock."""
    staging, loaded = own / f"{layout.folder}.tmp", []
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        if archive is not None:
            check(archive, layout.remotes[0], amounts)
        else:
            loaded = _downloaded(layout, own / DOWNLOADS, amounts)
        if layout.bounds is not None:
            unpack(archive or loaded[0], staging, layout.bounds, amounts)
        else:
            for path in loaded:
                shutil.copyfile(path, staging / path.name)
        # Some archives hold the folder itself, others what is in it.
        root = staging / layout.folder if (staging / layout.folder).is_dir() else staging
        mark_origin(root, layout)
        root.rename(own / layout.folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    for path in loaded:
        path.unlink()
    found = find(layout, None if archive is None else archive.parent)
    assert found is not None
    return found


def _downloaded(layout: Layout, folder: Path, amounts: Amounts) -> list[Path]:
    folder.mkdir(exist_ok=True)
    try:
        return [download(remote, folder, amounts) for remote in layout.remotes]
    except MissingError as error:
        raise layout.missing(error.seen or error.what) from error
