"""Published files over HTTP: taken up again where an earlier download broke off, and checked."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from reds.datasets.layout import Remote
from reds.errors import MissingError, ProtocolError, TransportError
from reds.progress import Amounts

TIMEOUT_S = 30.0
PART = ".part"
_CHUNK_BYTES = 1 << 18


def download(remote: Remote, folder: Path, amounts: Amounts) -> Path:
    """The file, downloaded into a folder unless it lies there already.

    What was loaded lies beside it under another name until it is whole and checked.

    Raises:
        MissingError: the server cannot be reached or does not give the file.
        TransportError: the connection broke off; what came is kept, and the next call goes on from there.
        ProtocolError: the file is not the published one; nothing is kept.
    """
    path = folder / remote.name
    if path.is_file():
        return path
    part = path.with_name(path.name + PART)
    try:
        with part.open("ab") as file:
            if file.tell() < remote.size_bytes:
                _load(remote, file, amounts)
        check(part, remote, amounts)
    except ProtocolError:
        part.unlink()
        raise
    return part.rename(path)


def check(path: Path, remote: Remote, amounts: Amounts) -> None:
    """Raise ProtocolError unless the file has the published size and checksum."""
    size, again = path.stat().st_size, f"get {remote.name} again"
    if size != remote.size_bytes:
        raise ProtocolError(f"{path} is truncated or something else", seen=f"{size:,} bytes, not {remote.size_bytes:,}", do=again)
    digest, done = hashlib.new(remote.algorithm, usedforsecurity=False), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            amounts(f"checking {remote.name}", done, size)
    if digest.hexdigest() != remote.checksum:
        seen = f"{remote.algorithm} {digest.hexdigest()}, not {remote.checksum}"
        raise ProtocolError(f"{path} is not the published file: its checksum is wrong", seen=seen, do=again)


def _load(remote: Remote, file: BinaryIO, amounts: Amounts) -> None:
    """Append what is missing to a file that holds the beginning."""
    with _answer(remote, file.tell()) as answer:
        if answer.status != HTTPStatus.PARTIAL_CONTENT:
            file.truncate(0)  # the server sends the whole file
            file.seek(0)
        for chunk in _chunks(remote, answer):
            file.write(chunk)
            amounts(f"downloading {remote.name}", file.tell(), remote.size_bytes)
            if file.tell() > remote.size_bytes:
                raise ProtocolError(f"{remote.url} is larger than the published file", seen=f"over {remote.size_bytes:,} bytes")
    if file.tell() < remote.size_bytes:
        raise _broken_off(remote, f"{file.tell():,} of {remote.size_bytes:,} bytes")


def _answer(remote: Remote, begun_bytes: int) -> http.client.HTTPResponse:
    headers = {"Range": f"bytes={begun_bytes}-"} if begun_bytes else {}
    try:
        request = urllib.request.Request(remote.url, headers=headers)  # noqa: S310 - the URLs of `Remote` are the project's
        return urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise ProtocolError(f"{remote.url} is smaller than the published file", seen=f"{begun_bytes:,} bytes") from error
        raise MissingError(
            f"{remote.url} cannot be downloaded", seen=f"{remote.url}: HTTP {error.code} {error.reason}"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise MissingError(f"{remote.url} cannot be downloaded", seen=f"{remote.url}: {reason}") from error


def _chunks(remote: Remote, answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """What the server sends; errors of writing it are another matter."""
    while True:
        try:
            chunk = answer.read(_CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _broken_off(remote, str(error) or type(error).__name__) from error
        if not chunk:
            return
        yield chunk


def _broken_off(remote: Remote, seen: str) -> TransportError:
    return TransportError(f"the download of {remote.url} broke off", seen=seen, do="run it again: it goes on from there")
