"""Archives from outside, unpacked within bounds."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path

from reds.datasets.layout import Bounds
from reds.errors import ProtocolError
from reds.progress import Amounts


def unpack(archive: Path, folder: Path, bounds: Bounds, amounts: Amounts) -> None:
    """Unpack a `.tar.gz` of files and folders into an empty folder.

    Raises:
        ProtocolError: it is damaged, holds more than it may, something that is no file, or a path that leads elsewhere.
    """
    files = size_bytes = 0
    total = archive.stat().st_size
    try:
        with archive.open("rb") as raw, tarfile.open(fileobj=raw, mode="r|gz") as tar:
            for member in tar:
                files, size_bytes = files + 1, size_bytes + member.size
                if files > bounds.files or size_bytes > bounds.size_bytes:
                    raise ProtocolError(
                        f"{archive} holds more than it may",
                        seen=f"over {bounds.files:,} files or {bounds.size_bytes:,} bytes",
                    )
                if not (member.isfile() or member.isdir()):
                    raise ProtocolError(f"{archive} holds something that is no file", seen=member.name)
                tar.extract(member, folder, filter="data")
                amounts(f"unpacking {archive.name}", raw.tell(), total)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ProtocolError(f"{archive} cannot be unpacked", seen=str(error), do=f"get {archive.name} again") from error
