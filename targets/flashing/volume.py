"""The volume that the boot ROM of an RP2040 shows: found by where the board is plugged in, as two of them have the same name."""

from __future__ import annotations

import re
from pathlib import Path

from targets.usb.system_bus import SYSFS

MOUNTS = Path("/proc/self/mounts")
INFO = "INFO_UF2.TXT"
_ESCAPED = re.compile(r"\\([0-7]{3})")  # spaces and the like, proc(5)


def volume_at(usb_path: str, sysfs: Path = SYSFS, mounts: Path = MOUNTS) -> Path | None:
    """Where the volume of the board at a USB path is mounted; None if it is not, or this is no Linux."""
    disks = {path.name for path in (sysfs / usb_path).glob(f"{usb_path}:*/host*/target*/*/block/*")}
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    for line in lines:
        source, place, *_ = [*line.split(), "", ""]
        disk = source.removeprefix("/dev/")
        if any(disk == name or (disk.startswith(name) and disk[len(name) :].isdecimal()) for name in disks):
            folder = Path(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), place))
            if (folder / INFO).is_file():
                return folder
    return None
