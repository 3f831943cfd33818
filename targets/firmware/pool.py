"""How much RAM the firmware of an environment has for an image, its arena and its inputs, before anything is built."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

from reds.errors import ConfigError, unknown_name
from targets.firmware_identity import PROJECT_FOLDER, SETTINGS_FILE

_POOL = re.compile(r"-DREDS_POOL_BYTES=(\d+)")
_REFERENCE = re.compile(r"\$\{([\w-]+)\.build_flags\}")


def pool_bytes(environment: str, project_folder: Path = PROJECT_FOLDER) -> int:
    """Bytes of the pool, as platformio.ini states them.

    Raises:
        ConfigError: platformio.ini has no such environment, or states no pool for it.
    """
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(" ;",))
    parser.read(project_folder / SETTINGS_FILE)
    section: str | None = f"env:{environment}"
    if section not in parser:
        known = [name.removeprefix("env:") for name in parser.sections() if name.startswith("env:")]
        raise unknown_name("PlatformIO environment", environment, known)
    passed: set[str] = set()
    while section in parser and section not in passed:
        passed.add(section)
        flags = parser[section].get("build_flags", "")
        if stated := _POOL.search(flags):
            return int(stated[1])
        referred = _REFERENCE.search(flags)
        section = referred[1] if referred else None
    raise ConfigError(f"{SETTINGS_FILE} states no pool for {environment}", do="build_flags = ${board.build_flags}")
