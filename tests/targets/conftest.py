"""Fixtures of the device tests: a cache of their own, the example network, built firmware, and devices by id."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from device_examples import Example, example

from reds.cache import CACHE_VARIABLE
from targets.availability import check
from targets.firmware import Firmware, build
from targets.firmware_identity import PROJECT_FOLDER
from targets.inventory import Device, Inventory

TIMEOUT_S = 30.0


@pytest.fixture(scope="session")
def cache_of_this_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the device tests' own: their locks and firmware never meet those of a running measurement."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", autouse=True)
def _own_cache(cache_of_this_session: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:  # for each module: a worker may go on with a module of another room
        patch.setenv(CACHE_VARIABLE, os.fspath(cache_of_this_session))
        yield


@pytest.fixture(scope="session")
def network() -> Example:
    return example()


@pytest.fixture
def device() -> Callable[[str], Device]:
    """A device by id, with one time-out for all; the test is skipped where it is not available."""

    def available(device_id: str) -> Device:
        found = Inventory.load().device(device_id)
        availability = check(found)
        if not availability.available:
            pytest.skip(f"{device_id}: {availability.reason} ({availability.remedy})")
        return replace(found, answer_timeout_s=TIMEOUT_S)

    return available


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the firmware is built from."""
    copy = tmp_path / "project"
    left_out = shutil.ignore_patterns("node_modules", "__pycache__")
    for folder in ("targets", "reds"):
        shutil.copytree(PROJECT_FOLDER / folder, copy / folder, ignore=left_out)
    shutil.copy(PROJECT_FOLDER / "platformio.ini", copy)
    return copy


@pytest.fixture
def host_firmware(device: Callable[[str], Device]) -> Firmware:
    """The firmware as a program of this computer."""
    return build(device("host").environment)
