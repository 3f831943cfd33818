"""Times two host firmwares in turns on the same images, so that what else this computer does befalls both alike."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from harness.git_baselines import resolve
from harness.networks import Deployment
from harness.records import Key
from reds.errors import FlashError, MissingError
from targets.connect import talk
from targets.firmware import Firmware
from targets.inventory import Device
from targets.target import InferenceTime, Timing

LONGEST_ARCHIVE_S = 300
# Run in a revision's own tree, whose build may know other inputs than this one's.
BUILD = """
import json, sys
from targets.firmware import build
facts = vars(build(sys.argv[1]))
print(json.dumps({name: str(value) if name in ("elf", "bin") else value for name, value in facts.items()}))
"""


@dataclass(frozen=True)
class Rounds:
    """What one firmware took for one subnetwork: a value for each round, in the unit of the device's clock."""

    values: tuple[float, ...]
    unit: str


@dataclass(frozen=True)
class Place:
    """An image to time: of a network in one precision."""

    architecture: str
    dataset: str
    precision: str
    deployment: Deployment


@dataclass(frozen=True)
class Interleaving:
    """Measures every subnetwork of every image with each firmware, in turns: A B, B A, A B, ...

    Each turn is a process of its own: where the system happens to place it in memory is then part of the noise, not of the
    result.

    Attributes:
        device: this computer; the caller holds its lock.
        firmwares: what is compared.
        places: what is timed.
        repeats: inferences of a turn, whose median is the round's value.
        log_folder: where the processes' messages go.
    """

    device: Device
    firmwares: Sequence[Firmware]
    places: Sequence[Place]
    repeats: int
    log_folder: Path

    def measure(self, rounds: int, progress: Callable[[int], None]) -> dict[Key, list[Rounds]]:
        """For each latency the rounds of each firmware, in the order of `firmwares`; `progress` is told how many are over."""
        values: dict[Key, list[list[float]]] = defaultdict(lambda: [[] for _ in self.firmwares])
        units: dict[Key, str] = {}
        order = range(len(self.firmwares))
        for number in range(rounds):
            for place in self.places:
                for index in order if number % 2 == 0 else reversed(order):
                    for key, timing in self._turn(place, index):
                        values[key][index].append(statistics.median(timing.samples))
                        units[key] = timing.clock.kind
            progress(number + 1)
        return {key: [Rounds(tuple(taken), units[key]) for taken in both] for key, both in values.items()}

    def _turn(self, place: Place, index: int) -> Iterator[tuple[Key, Timing]]:
        """One process: the latency of each subnetwork."""
        deployment = place.deployment
        inputs = deployment.test_inputs([0])[0]
        with talk(self.device, self.firmwares[index], self.log_folder / f"{self.device.id}-{index}.log") as target:
            target.load(deployment.content)
            for subnet in deployment.network.bundle.subnets:
                timing = target.time(InferenceTime(deployment.level(subnet.name), inputs, self.repeats))
                network = (place.architecture, place.dataset, place.precision)
                yield Key("latency", *network, self.device.id, subnet.name, None, None), timing


def build_revision(root: Path, revision: str, environment: str) -> Firmware:
    """The firmware of a git revision, built from its own tree in a temporary folder and kept in the cache.

    Raises:
        MissingError: there is no such revision.
        FlashError: it cannot be built.
    """
    commit = resolve(root, revision)
    if commit is None:
        raise MissingError(f"there is no revision {revision!r} in {root}", do="see git log; a shallow clone lacks older ones")
    with tempfile.TemporaryDirectory(prefix="reds-revision-") as name:
        folder, archive = Path(name) / "tree", Path(name) / "tree.tar"
        _run(["git", "-C", str(root), "archive", f"--output={archive}", commit], f"git archive {revision} failed", root)
        with tarfile.open(archive) as tree:
            tree.extractall(folder, filter="data")
        answer = _run([sys.executable, "-c", BUILD, environment], f"building the firmware of {revision} failed", folder)
    try:
        facts = json.loads(answer.splitlines()[-1])
        known: dict[str, Any] = {field.name: facts[field.name] for field in fields(Firmware)}
        return Firmware(**{**known, "elf": Path(known["elf"]), "bin": Path(known["bin"])})
    except (IndexError, KeyError, ValueError) as error:
        raise FlashError(
            f"the build of {revision} does not say what it built", seen=f"{type(error).__name__}: {error}"
        ) from error


def _run(command: list[str], failure: str, folder: Path) -> str:
    """Output of a command; FlashError with the end of its messages if it fails."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_ARCHIVE_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise FlashError(failure, seen=f"no end after {LONGEST_ARCHIVE_S} s") from error
    if done.returncode:
        raise FlashError(failure, seen="\n    ".join(done.stderr.strip().splitlines()[-6:]) or f"exit status {done.returncode}")
    return done.stdout
