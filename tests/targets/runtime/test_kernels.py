"""Every kernel against its definition, on random layers: on this computer under the sanitizers, and on the emulated cores."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.targets.runtime import kernel_check, programs

HOSTS = [name for name, core in programs.CORES.items() if not core.emulated]
EMULATED = [name for name, core in programs.CORES.items() if core.emulated]
PRECISIONS = ("float32", "int8")
# What of a layer decides which kernel runs it.
KERNELS = [
    *((kind, layout) for kind in ("dense", "convolution") for layout in ("rows", "transposed", "panels", "shells")),
    ("depthwise",),
    ("average_pool",),
    ("max_pool",),
]


@dataclass(frozen=True)
class Checker:
    """The program of kernel_check.c for a core."""

    core: programs.Core
    program: Path

    def check(self, seed: int, count: int, *words: str) -> None:
        """As many random layers as `count`, of the precision, kind and layout that the words name, agree."""
        try:
            command = programs.command_of(self.program, self.core, [str(seed), str(count), *words])
        except programs.MissingToolError as missing:
            pytest.skip(str(missing))
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout == f"{count} layers agree\n"


def built(core: programs.Core, factory: pytest.TempPathFactory) -> Checker:
    try:
        return Checker(core, kernel_check.build(factory.mktemp(core.name), core))
    except programs.MissingToolError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session", params=HOSTS)
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checker:
    if request.param == "host-avx2" and not programs.processor_has_avx2():
        pytest.skip("needs a processor with AVX2")
    return built(programs.CORES[request.param], tmp_path_factory)


@pytest.fixture(scope="session", params=EMULATED)
def emulated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checker:
    return built(programs.CORES[request.param], tmp_path_factory)


@pytest.mark.parametrize("kernel", KERNELS, ids="-".join)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_on_this_computer(host: Checker, precision: str, kernel: tuple[str, ...]) -> None:
    host.check(1, 150, precision, *kernel)


@pytest.mark.slow
def test_many_on_this_computer(host: Checker) -> None:
    host.check(2, 30_000)


@pytest.mark.toolchain
@pytest.mark.parametrize("precision", PRECISIONS)
def test_on_an_emulated_core(emulated: Checker, precision: str) -> None:
    emulated.check(3, 250, precision)


@pytest.mark.slow
@pytest.mark.toolchain
@pytest.mark.parametrize("kernel", KERNELS, ids="-".join)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_many_on_an_emulated_core(emulated: Checker, precision: str, kernel: tuple[str, ...]) -> None:
    emulated.check(4, 150, precision, *kernel)
