"""Part of the plugin: lets pytest-benchmark compare with what it stored, here and on another computer."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

# What a processor does at the moment says nothing about which computer it is.
VOLATILE = ("hz_actual", "hz_actual_friendly")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Another computer is worth a warning, also where warnings are errors: pytest-benchmark warns where no test can catch it."""
    if config.pluginmanager.hasplugin("benchmark"):
        from pytest_benchmark.logger import PytestBenchmarkWarning  # noqa: PLC0415 - it may not be installed

        warnings.filterwarnings("default", category=PytestBenchmarkWarning)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Keep of the computer what stays the same from run to run."""
    for name in VOLATILE:
        machine_info.get("cpu", {}).pop(name, None)
