"""A model of the cycles that an inference takes on a real Cortex-M4F: instructions by class, each with its documented cost.

QEMU counts every instruction as one. A plugin (opcode_counts/) counts them by class; here each class gets the cycles that Arm's
Technical Reference Manual states (DDI 0439B, sections 3.3.1, 3.3.2 and 7.2.3). What the manual leaves open is stated below. It
remains a model: no flash wait states, no cache, no stalls between dependent instructions, zero-wait memory.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from reds.cache import cache_folder
from reds.errors import FlashError, MissingError, ProtocolError
from targets.connection import over_pipes
from targets.emulators import qemu
from targets.firmware import Firmware
from targets.wire.conversation import Conversation
from targets.wire_target import WireTarget

SOURCE = Path(__file__).with_name("opcode_counts") / "opcode_counts.c"
COMPILER = "gcc"
ANSWER_TIMEOUT_S = 120.0

CYCLES: Mapping[str, float] = {
    "alu": 1,
    "multiply": 1,  # also SMLAD, SMULL and SMMULR
    "divide": 7,  # 2 to 12, by the operands
    "load": 2,
    "load_after_load": 1,  # pipelined with the one before
    "store": 1,  # STR Rx, [Ry, #imm] is always one cycle
    "store_indexed": 2,
    "multiple": 1,  # and one for each register
    "multiple_registers": 1,
    "branch": 1,
    "taken_branches": 2,  # the refill of the pipeline: 1 to 3
    "float_add_multiply": 1,
    "float_fused": 3,
    "float_divide": 14,
    "float_move": 1,
}
_FEW_TIMES, _MORE_TIMES = 2, 10
NOT_INSTRUCTIONS = ("multiple_registers", "taken_branches")


@dataclass(frozen=True)
class OpcodeCounts:
    """Executed instructions by class (see CYCLES); `multiple_registers` and `taken_branches` are no instructions themselves."""

    classes: Mapping[str, int]

    @property
    def instructions(self) -> int:
        """All of them."""
        return sum(count for name, count in self.classes.items() if name not in NOT_INSTRUCTIONS)

    @property
    def modelled_cycles(self) -> float:
        """What they would take by the manual's timings."""
        return sum(CYCLES[name] * count for name, count in self.classes.items())

    def each_beyond(self, other: OpcodeCounts, times: int) -> OpcodeCounts:
        """What one of so many times took that this run did more than another."""
        return OpcodeCounts({name: round((count - other.classes[name]) / times) for name, count in self.classes.items()})


Work = Callable[[WireTarget, int], None]
"""Load an image and do some work as many times as the number says; everything else is the same for every number."""


def count(firmware: Firmware, work: Work, log: Path) -> OpcodeCounts:
    """What the device executes when it does the work once, from the difference of two whole sessions in QEMU.

    Both do the work twice at least, as the first repeat of a timing is a request of its own. One does it many times more: bytes
    may arrive in other parts in each session, and what that takes is shared by all of them.

    Raises:
        MissingError: no compiler for the plugin.
        FlashError: the plugin does not compile.
        ProtocolError: the plugin wrote something else than counts.
    """
    few = _session(firmware, work, _FEW_TIMES, log)
    many = _session(firmware, work, _FEW_TIMES + _MORE_TIMES, log)
    return many.each_beyond(few, _MORE_TIMES)


def _session(firmware: Firmware, work: Work, times: int, log: Path) -> OpcodeCounts:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "counts"
        command = [*qemu.command(firmware), "-plugin", f"{_plugin()},out={output}"]
        with over_pipes(command, log) as connection:
            conversation = Conversation("opcode counts", connection.link, ANSWER_TIMEOUT_S, connection.evidence)
            with closing(WireTarget(conversation)) as target:
                target.identify()
                work(target, times)
        return _read(output, log)


def _read(path: Path, log: Path) -> OpcodeCounts:
    try:
        pairs = [line.split() for line in path.read_text().splitlines()]
        counts = {name: int(number) for name, number in pairs}
    except (OSError, ValueError) as error:
        raise ProtocolError("QEMU's plugin has written no counts", seen=str(error), log=log) from error
    if counts.keys() != CYCLES.keys():
        raise ProtocolError("QEMU's plugin counts other classes", seen=", ".join(counts), log=log)
    return OpcodeCounts(counts)


def _plugin() -> Path:
    """The compiled plugin; compiled when its sources have no library yet."""
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sorted(SOURCE.parent.iterdir())))
    library = cache_folder("emulators") / f"opcode_counts-{digest.hexdigest()[:16]}.so"
    if library.exists():
        return library
    if shutil.which(COMPILER) is None:
        raise MissingError(f"the compiler {COMPILER} is not installed", do="apt-get install gcc libc6-dev")
    unfinished = library.with_suffix(f".{os.getpid()}.tmp")
    command = [COMPILER, "-shared", "-fPIC", "-O2", "-Wall", "-fvisibility=hidden", "-o", str(unfinished), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FlashError("QEMU's plugin does not compile", seen=done.stderr.strip())
    unfinished.rename(library)
    return library
