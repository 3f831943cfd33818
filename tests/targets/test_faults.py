"""What goes wrong on the way to a device: what passes is mended, what stays is an error in time, no wrong answer is taken."""

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

from reds.errors import DeviceError, ProtocolError, ResetError, TimedOutError, TransportError
from targets.connect import connect
from targets.connection import over_pipes
from targets.emulators import qemu, rp2040js
from targets.firmware import Firmware, build
from targets.inventory import Device
from targets.target import InferenceTime, LayerTime, SwitchTime, Target
from targets.wire.conversation import FIRST_PAUSE_S, RETRANSMISSIONS, Conversation
from targets.wire.link import Link
from targets.wire.messages import Verb
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
    """Harm that begins when it is switched on, and may pass."""

    def __init__(self, harm: Harm) -> None:
        self.harm, self.on = harm, False
        self.left: float = float("inf")  # pieces that it happens to

    def __call__(self, data: bytes) -> bytes:
        if not self.on or self.left <= 0:
            return data
        self.left -= 1
        return self.harm(data)


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

    def switch_on(self, answer_timeout_s: float = SHORT_S, pieces: float = float("inf")) -> None:
        """Let the harm begin, and nobody wait long from now on."""
        self.conversation.answer_timeout_s = answer_timeout_s
        for switch in self.switches:
            switch.on, switch.left = True, pieces


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
    "corrupted request": (corrupt, unharmed, ProtocolError, "sent 7 times.*arrived damaged at the device"),
    "corrupted answer": (unharmed, corrupt, ProtocolError, "sent 7 times.*damaged answer"),
    "request without an end": (lose, unharmed, TimedOutError, "no answer within"),
    "answer without an end": (unharmed, lose, TimedOutError, "unfinished answer"),
    "lost request": (swallow, unharmed, TimedOutError, "no answer within"),
    "lost answer": (unharmed, swallow, TimedOutError, "no answer within"),
    "cut before the request": (cut, unharmed, TransportError, "link"),
    "cut before the answer": (unharmed, cut, TransportError, "link"),
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


PASSING = {name: harms for name, (*harms, kind, _) in FAULTS.items() if kind is not TransportError}
PASSING |= {
    "doubled request": [lambda data: data + data, unharmed],
    "doubled answer": [unharmed, lambda data: data + data],
    "garbage before the answer": [unharmed, lambda data: b"\x05garbage\0" * 20 + data],
}


@pytest.mark.parametrize("pieces", [1, 3])
@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_mended_and_counted(
    harmed: Callable[[Harm, Harm], Harmed], network: Example, fault: str, pieces: int
) -> None:
    bridged = harmed(*PASSING[fault])
    bridged.switch_on(LONG_S, pieces)
    for level in (1, 0):
        bridged.target.select(level)
        network.assert_right("int8", level, bridged.target.infer(network.inputs["int8"]))
    harmless = "doubled" in fault or "garbage" in fault
    assert (0 if harmless else 1) <= bridged.target.retransmissions <= pieces * RETRANSMISSIONS
    assert not any(switch.left for switch in bridged.switches)


@dataclass(frozen=True)
class Twice:
    """A link that sends everything twice."""

    link: Link

    def write(self, data: bytes, timeout_s: float) -> None:
        self.link.write(data + data, timeout_s)

    def read(self, timeout_s: float) -> bytes:
        return self.link.read(timeout_s)

    def close(self) -> None:
        self.link.close()


def findings(target: Target, network: Example) -> list[object]:
    """What a device says, computes and counts, as far as it is always the same."""
    found: list[object] = [target.identify()]
    for precision, inputs in network.inputs.items():
        found.append(target.load(network.images[precision]))
        for level in (2, 0):
            target.select(level)
            found.append(target.infer(inputs).tobytes())
            timings = [target.time(InferenceTime(level, inputs[0], 5)), target.time(LayerTime(level, inputs[0]))]
            found += [timing.samples if timing.clock.deterministic else len(timing.samples) for timing in timings]
    return found


COMMANDS: dict[str, Callable[[Firmware], list[str]]] = {
    "host": lambda firmware: [str(firmware.elf)],
    "nano33ble-emu": qemu.command,
    "pico-emu": rp2040js.command,
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_request_may_be_sent_twice(name: str, device: Callable[[str], Device], logs: Path, network: Example) -> None:
    command = COMMANDS[name](build(device(name).environment))
    found = []
    for sent in (lambda link: link, Twice):
        with over_pipes(command, logs / "log") as connection:
            target = WireTarget(Conversation(name, sent(connection.link), LONG_S, connection.evidence))
            found.append(findings(target, network))
            assert target.retransmissions == 0
    assert found[0] == found[1]


def test_the_built_in_image_may_be_asked_for_twice(device: Callable[[str], Device], logs: Path, network: Example) -> None:
    firmware = build(device("host").environment, image=network.images["int8"])
    with over_pipes([str(firmware.elf)], logs / "log") as connection:
        conversation = Conversation("host", connection.link, LONG_S, connection.evidence)
        conversation.greet()
        assert conversation.ask(Verb.LOAD_BUILT_IN) == conversation.ask(Verb.LOAD_BUILT_IN)
        with pytest.raises(DeviceError, match="not complete"):
            conversation.ask(Verb.LOAD_END)


def test_a_device_that_was_not_greeted_does_nothing(device: Callable[[str], Device], logs: Path) -> None:
    command = [str(build(device("host").environment).elf)]
    for verb in Verb:
        with over_pipes(command, logs / "log") as connection:
            conversation = Conversation("host", connection.link, LONG_S, connection.evidence)
            if verb == Verb.HELLO:
                conversation.greet()
                assert conversation.ask(Verb.PING) == b""
            else:
                with pytest.raises(ResetError, match=r"(?s)started anew in mid-conversation.*was not greeted since"):
                    conversation.ask(verb, bytes(6))


def test_long_work_is_told_from_a_lost_request(device: Callable[[str], Device], logs: Path, network: Example) -> None:
    """The exact counts of an emulated board do not see the PINGs that arrive while it works."""
    device("pico-emu")
    with over_pipes(rp2040js.command(build("pico-emu")), logs / "log") as connection:
        target = WireTarget(Conversation("pico-emu", connection.link, LONG_S, connection.evidence))
        target.load(network.images["float32"])
        alone = target.time(InferenceTime(0, network.inputs["float32"][0], 1)).samples
        started = time.monotonic()
        many = target.time(InferenceTime(0, network.inputs["float32"][0], 60)).samples
        assert time.monotonic() - started > FIRST_PAUSE_S
        assert set(many) == set(alone)
        assert target.retransmissions == 0


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
