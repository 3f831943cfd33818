"""Which tools a bundle was made with."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("reds-bench", "numpy", "tensorflow", "tensorflow-cpu", "keras", "scikit-learn")


def tool_versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that decide results."""
    return {"python": platform.python_version(), "machine": platform.machine(), **package_versions(PACKAGES)}


def package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of those packages that are installed, from their metadata; nothing is imported for it."""
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
