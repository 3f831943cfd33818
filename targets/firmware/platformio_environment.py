"""PlatformIO without a registry: a private core folder, no telemetry or update checks, and SCons from the Python environment.

PlatformIO builds with SCons, which it takes from its own package `tool-scons` and would download. That package only has to be
installed under the right name and version and to hold a `scons.py`; ours runs the SCons that pip installed. PlatformIO asks for
one exact SCons version, which is why pyproject.toml pins the two together.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata, util
from pathlib import Path

from reds.errors import MissingError

INSTALL = "pip install 'reds-bench[devices]'"
PACKAGE = "tool-scons"
OWNER = "platformio"
RUN_SCONS = "import SCons.Script\n\nSCons.Script.main()\n"


def platformio_command() -> list[str]:
    """How to run PlatformIO of this Python environment.

    Raises:
        MissingError: it is not installed.
    """
    if util.find_spec("platformio") is None or util.find_spec("SCons") is None:
        raise MissingError("PlatformIO and SCons are not installed in this Python environment", do=INSTALL)
    return [sys.executable, "-m", "platformio"]


def prepare(core_folder: Path) -> dict[str, str]:
    """Make the core folder ready and return the process environment to run PlatformIO in.

    Raises:
        MissingError: the installed SCons is not the one that PlatformIO asks for.
    """
    provide_scons(core_folder / "packages")
    return {
        **os.environ,
        "PLATFORMIO_CORE_DIR": str(core_folder),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
        "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
        "PLATFORMIO_NO_ANSI": "true",
    }


def provide_scons(packages_folder: Path) -> Path:
    """The folder of the package `tool-scons`; written if there is none, never changed if there is one."""
    folder = packages_folder / PACKAGE
    if (folder / ".piopm").exists():
        return folder
    version = _package_version(metadata.version("scons"))
    _check_fits(version)
    specification = {"owner": OWNER, "id": None, "name": PACKAGE, "requirements": None, "uri": None}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scons.py").write_text(RUN_SCONS)
    (folder / "package.json").write_text(json.dumps({"name": PACKAGE, "version": version}))
    (folder / ".piokeep").write_text("")  # PlatformIO's prune leaves it
    installed = {"type": "tool", "name": PACKAGE, "version": version, "spec": specification}
    (folder / ".piopm").write_text(json.dumps(installed))  # last: this file makes it a package
    return folder


def _package_version(scons_version: str) -> str:
    """The version of `tool-scons` that holds an SCons version: 4.11.1 -> 4.41101.0."""
    major, minor, patch = ([*scons_version.split("."), "0", "0"])[:3]
    return f"{major}.{major}{int(minor):02d}{int(patch):02d}.0"


def _check_fits(version: str) -> None:
    from platformio.dependencies import get_core_dependencies  # noqa: PLC0415 - slow to import, and only a first build needs it
    from semantic_version import SimpleSpec, Version  # noqa: PLC0415 - comes with PlatformIO

    wanted = get_core_dependencies()[PACKAGE]
    if Version(version) not in SimpleSpec(wanted):
        raise MissingError(
            "the installed SCons is not the one that the installed PlatformIO asks for",
            seen=f"PlatformIO {metadata.version('platformio')} wants {PACKAGE} {wanted},"
            f" SCons {metadata.version('scons')} is {PACKAGE} {version}",
            do=INSTALL,
        )
