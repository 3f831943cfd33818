"""Whether this user can open a port of this computer, and what to do if not."""

from __future__ import annotations

import getpass
import grp
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

_OTHER_FILES = ((stat.S_ISREG, "a regular file"), (stat.S_ISDIR, "a folder"))


@dataclass(frozen=True)
class Obstacle:
    """Why a port cannot be opened: what is missing, and what to do."""

    what: str
    remedy: str


def obstacle(port: Path) -> Obstacle | None:
    """What keeps this user from opening the port at a path; None if nothing does, as far as can be told without opening it."""
    try:
        facts = port.stat()
    except OSError:
        return Obstacle(f"a board at {port}", "plug it in")
    if not stat.S_ISCHR(facts.st_mode):
        found = next((name for is_kind, name in _OTHER_FILES if is_kind(facts.st_mode)), "something else")
        return Obstacle(f"a serial port at {port} (there is {found})", "correct the port in devices.toml")
    if os.access(port, os.R_OK | os.W_OK):
        return None
    owner, group = _user(facts.st_uid), _group(facts.st_gid)
    what = f"the permission to open {port} (of user {owner} and group {group}, {stat.filemode(facts.st_mode)})"
    readable = facts.st_mode & stat.S_IRGRP and facts.st_mode & stat.S_IWGRP
    if not readable or facts.st_gid == 0:  # nobody should join root's group for a board
        return Obstacle(what, "have the administrator add a udev rule that gives it to a group of yours")
    return Obstacle(what, f"sudo usermod -aG {group} {getpass.getuser()}, then log in again")


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
