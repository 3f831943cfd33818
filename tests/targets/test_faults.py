"""What goes wrong on the way to a device: every fault is an error in time, and no later answer is believed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from bridge import Harm, on_tcp, unharmed
from device_examples import Example

from reds.errors import DeviceError, ProtocolError, TimedOutError, TransportError
from targets.connect import connect
from targets.connection import over_pipes
from targets.firmware import build
from targets.inventory import Device
from targets.target import InferenceTime, SwitchTime
from targets.wire.conversation import Conversation
from targets.wire.port import open_port
from targets.wire_target import WireTarget

pytestmark = pytest.mark.toolchain

LONG_S = 30.0  # for what has to succeed
SHORT_S = 0.5  # for what cannot


@dataclass(frozen=True)
class NoEvidence:
    """Nothing is known of what lies behind the port."""

    log: Path | None = None

    def seen(self) -> str:
        return "behind a bridge"


class Switch:
    """Harm that begins when it is switched on."""

    def __init__(self, harm: Harm) -> None:
        self.harm, self.on = harm, False

    def __call__(self, data: bytes) -> bytes:
        return self.harm(data) if self.on else data


def corrupt(data: bytes) -> bytes:
    """Change one byte within the frame."""
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 0x10 or 0x20]) + data[at + 1 :]


def lose(data: bytes) -> bytes:
    """Drop the second half, the frame's end included."""
    return data[: len(data) // 2]


def swallow(data: bytes) -> bytes:
    """Let nothing pass."""
    return b""


def cut(data: bytes) -> bytes:
    """Close the line."""
    raise OSError("cut")


@dataclass(frozen=True)
class Harmed:
    """A target behind a bridge with one switch for each direction."""

    target: WireTarget
    conversation: Conversation
    switches: tuple[Switch, Switch]

    def switch_on(self, answer_timeout_s: float = SHORT_S) -> None:
        """Let the harm begin, and nobody wait long from now on."""
        self.conversation.answer_timeout_s = answer_timeout_s
        for switch in self.switches:
            switch.on = True


@pytest.fixture
def harmed(device: Callable[[str], Device], network: Example) -> Iterator[Callable[[Harm, Harm], Harmed]]:
    """Makes a target with a loaded image behind a bridge."""
    firmware = build(device("host").environment)
    with ExitStack() as stack:

        def start(to_device: Harm, to_host: Harm) -> Harmed:
            switches = Switch(to_device), Switch(to_host)
            url = stack.enter_context(on_tcp([str(firmware.elf)], *switches))
            conversation = Conversation("bridged", open_port(url, 115200, LONG_S), LONG_S, NoEvidence())
            target = stack.enter_context(closing(WireTarget(conversation)))
            target.load(network.images["int8"])
            return Harmed(target, conversation, switches)

        yield start


FAULTS = {
    "corrupted request": (corrupt, unharmed, ProtocolError, "arrived damaged at the device"),
    "corrupted answer": (unharmed, corrupt, ProtocolError, "damaged answer"),
    "request without an end": (lose, unharmed, TimedOutError, "no answer within"),
    "answer without an end": (unharmed, lose, TimedOutError, "unfinished answer"),
    "lost request": (swallow, unharmed, TimedOutError, "no answer within"),
    "lost answer": (unharmed, swallow, TimedOutError, "no answer within"),
    "cut before the request": (cut, unharmed, TransportError, "link"),
    "cut before the answer": (unharmed, cut, TransportError, "link"),
    "doubled answer": (unharmed, lambda data: data + data, ProtocolError, "another request's answer"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_an_error_and_the_link_is_given_up(
    harmed: Callable[[Harm, Harm], Harmed], network: Example, fault: str
) -> None:
    to_device, to_host, kind, complaint = FAULTS[fault]
    bridged = harmed(to_device, to_host)
    target, inputs = bridged.target, network.inputs["int8"]
    network.assert_right("int8", 0, target.infer(inputs))
    bridged.switch_on()
    with pytest.raises(kind, match=f"(?s)to bridged.*{complaint}.*behind a bridge") as first:
        target.infer(inputs)
    for call in (lambda: target.select(0), lambda: target.infer(inputs), lambda: target.time(SwitchTime(0, 1, 1))):
        with pytest.raises(TransportError, match=r"(?s)not in use any more.*to bridged") as later:
            call()
        assert later.value.__cause__ is first.value


def test_an_interrupted_request_ends_the_conversation(harmed: Callable[[Harm, Harm], Harmed]) -> None:
    bridged = harmed(unharmed, swallow)
    bridged.switch_on(LONG_S)
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            bridged.target.select(1)
    finally:
        signal.signal(signal.SIGALRM, previous)
    with pytest.raises(TransportError, match="was interrupted"):
        bridged.target.select(1)


def test_garbage_before_the_first_answer_is_skipped(device: Callable[[str], Device], network: Example) -> None:
    firmware = build(device("host").environment)
    boot_messages = Switch(lambda data: b"booting...\r\n\0\x05junk\0" + data)
    boot_messages.on = True
    with on_tcp([str(firmware.elf)], to_host=boot_messages) as url:
        link = open_port(url, 115200, LONG_S)
        link.write(b"left over from before", LONG_S)
        with closing(WireTarget(Conversation("bridged", link, LONG_S, NoEvidence()))) as target:
            assert target.identify().firmware_sha256 == firmware.sha256
            boot_messages.on = False
            target.load(network.images["int8"])
            network.assert_right("int8", 0, target.infer(network.inputs["int8"]))


@pytest.fixture
def started() -> Callable[[], list[psutil.Process]]:
    """The processes that the test has started and that still run; other tests may have left helpers of Python's own."""
    before = set(psutil.Process().children(recursive=True))
    return lambda: [child for child in psutil.Process().children(recursive=True) if child not in before]


@pytest.mark.parametrize("name", ["host", "nano33ble-emu", "pico-emu"])
def test_a_device_that_is_killed_is_reported(
    name: str, device: Callable[[str], Device], logs: Path, network: Example, started: Callable[[], list[psutil.Process]]
) -> None:
    found = device(name)
    build(found.environment)
    with connect(found, logs) as target:
        target.load(network.images["int8"])
        (child,) = started()
        child.kill()
        with pytest.raises(TransportError, match=rf"(?s)to {name}.*ended with status -9.*log: {logs}/{name}.log"):
            target.infer(network.inputs["int8"])
        with pytest.raises(TransportError, match="not in use any more"):
            target.select(0)


def test_a_device_that_stands_still_is_reported(
    device: Callable[[str], Device], logs: Path, started: Callable[[], list[psutil.Process]]
) -> None:
    with over_pipes([str(build(device("host").environment).elf)], logs / "log") as connection:
        conversation = Conversation("host", connection.link, LONG_S, connection.evidence)
        target = WireTarget(conversation)
        target.identify()
        (child,) = started()
        child.suspend()
        conversation.answer_timeout_s = SHORT_S
        with pytest.raises(TimedOutError, match=r"(?s)no answer within 0.5 s.*the process runs"):
            target.load(bytes(1_000_000))


@pytest.mark.parametrize("name", ["nano33ble-emu", "pico-emu"])
def test_an_emulator_that_is_killed_at_work_is_reported(
    name: str, device: Callable[[str], Device], logs: Path, network: Example, started: Callable[[], list[psutil.Process]]
) -> None:
    with connect(device(name), logs) as target:
        target.load(network.images["float32"])
        (child,) = started()
        killing = threading.Timer(0.5, child.kill)
        killing.start()
        with pytest.raises(TransportError, match=rf"(?s)to {name}.*ended with status -9"):
            target.time(InferenceTime(0, network.inputs["float32"][0], 10_000_000))
        killing.join()


@pytest.mark.parametrize("error", [DeviceError("mine"), KeyboardInterrupt()])
def test_nothing_is_left_running(
    error: BaseException, device: Callable[[str], Device], logs: Path, started: Callable[[], list[psutil.Process]]
) -> None:
    with pytest.raises(type(error)), connect(device("host"), logs):
        raise error
    assert not started()
    with connect(device("host"), logs):
        pass  # the lock is free again


HOLD = """
import sys, time
from pathlib import Path
from targets.connect import connect
from targets.inventory import Inventory
with connect(Inventory.load().device(sys.argv[1]), Path(sys.argv[2])) as target:
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("name", ["host", "nano33ble-emu", "pico-emu"])
def test_a_device_process_dies_with_whoever_started_it(name: str, device: Callable[[str], Device], logs: Path) -> None:
    build(device(name).environment)
    with subprocess.Popen([sys.executable, "-c", HOLD, name, os.fspath(logs)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        (child,) = psutil.Process(holder.pid).children(recursive=True)
        holder.kill()
    child.wait(timeout=20)
    with connect(device(name), logs) as target:  # and the lock is free
        target.identify()
    deadline = time.monotonic() + 20
    while child.is_running() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not child.is_running()
