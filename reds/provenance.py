"""Which tools a bundle was made with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("reds-bench", "numpy", "tensorflow", "tensorflow-cpu", "keras", "scikit-learn")


def tool_versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that decide results; nothing is imported for it."""
    versions = {"python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
