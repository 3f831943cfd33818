"""Payloads: what is refused, and that the firmware's header says the same as Python."""

from __future__ import annotations

import re
import struct

import numpy as np
import pytest

from reds.errors import ProtocolError
from targets.firmware_identity import PROJECT_FOLDER
from targets.target import FirstInferenceTime, InferenceTime, LayerTime, RealInferenceTime, SwitchTime
from targets.wire import messages
from targets.wire.messages import Status, Verb

STRINGS = b"a-board\0" + b"0" * 64 + b"\0cycles\0gcc 12\x001.0\0"
HELLO = bytes.fromhex("0300 0008 00000400 0090d003 03000000") + STRINGS
HEADER = (PROJECT_FOLDER / "targets" / "firmware" / "src" / "device.h").read_text()


def network(*numbers: int, arenas: tuple[int, ...] = (16, 12, 8, 4)) -> bytes:
    """The answer to LOAD_END: the numbers of its head, then what each level needs of the arena."""
    return struct.pack("<IIIIBBB", *numbers) + struct.pack(f"<{len(arenas)}I", *arenas)


def with_frames_of(count: int) -> bytes:
    return HELLO[:2] + struct.pack("<H", count) + HELLO[4:]


def test_hello_is_decoded() -> None:
    hello = messages.decode_hello(HELLO)
    assert hello.frame_bytes == 2048
    identity = hello.identity
    assert (identity.board, identity.firmware_sha256, identity.pool_bytes) == ("a-board", "0" * 64, 262144)
    assert (identity.clock.kind, identity.clock.hz) == ("cycles", 64_000_000)
    assert (identity.compiler, identity.runtime_version) == ("gcc 12", "1.0")
    assert identity.precisions == {"float32", "int8"}


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"\1\0" + HELLO[2:], "version 1"),
        (b"\2\0" + HELLO[2:], "version 2"),
        (b"", "version 0"),
        (HELLO[:10], "too short"),
        (HELLO[:-1], "five strings"),
        (HELLO + b"one more\0", "five strings"),
        (with_frames_of(1023), "less than 1024"),
        (with_frames_of(12), "less than 1024"),
        (with_frames_of(0), "less than 1024"),
        (HELLO.replace(b"cycles", b"bananas"), "unknown kind of clock"),
        (HELLO.replace(b"cycles", b"model cycles"), "without being one"),
        (HELLO[:8] + bytes(4) + HELLO[12:], "without a rate"),
    ],
)
def test_hello_that_is_none_is_refused(payload: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolError, match=complaint):
        messages.decode_hello(payload)


def test_what_would_control_a_terminal_is_dropped() -> None:
    hello = messages.decode_hello(HELLO.replace(b"gcc 12", b"gc\x1b[31mc\r\n\x07 12\xff\x7f"))
    assert hello.identity.compiler == r"gc[31mc 12\xff"


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (bytes(18), "too short"),
        (b"", "too short"),
        (network(16, 4, 2, 4096, 0, 4, 3, arenas=(16, 12, 8)), "wrong length"),
        (network(16, 4, 2, 4096, 0, 4, 3, arenas=(16, 12, 8, 4, 2)), "wrong length"),
        (network(16, 4, 2, 4096, 0, 4, 3) + b"!", "wrong length"),
        (network(16, 4, 2, 4096, 7, 4, 3), "precision"),
        (network(16, 0, 2, 4096, 0, 4, 3), "no network"),
        (network(16, 4, 0, 4096, 0, 4, 3), "no network"),
        (network(16, 4, 2, 4096, 0, 0, 3, arenas=()), "no network"),
        (network(16, 4, 2, 4096, 0, 4, 0), "no network"),
        (network(16, 4, 2, 0, 0, 4, 3), "no room for an input"),
        (network(16, 4, 2, 15, 0, 4, 3), "no room for an input"),
        (network(16, 4, 511, 4096, 0, 4, 3), "does not fit in a frame"),
        (network(3, 4, 2, 4096, 0, 4, 3), "(?s)without room for any.*3 bytes for levels of 16, 12, 8, 4"),
    ],
)
def test_a_network_that_is_none_is_refused(payload: bytes, complaint: str) -> None:
    with pytest.raises(ProtocolError, match=complaint):
        messages.decode_network(payload, 2040)


def test_the_least_network_is_accepted() -> None:
    assert messages.decode_network(network(0, 4, 510, 16, 0, 1, 1, arenas=(0,)), 2040).staging_bytes == 16


@pytest.mark.parametrize("payload", [b"", b"\0\0\0", bytes(4), bytes(20), bytes(28)])
def test_another_number_of_samples_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError, match="not 24"):
        messages.decode_ticks(payload, 5)


def test_samples_come_with_the_overhead() -> None:
    assert messages.decode_ticks(struct.pack("<IIII", 3, 10, 2, 4), 3) == messages.Ticks(3, (10, 2, 4))


def test_a_device_may_hold_some_of_the_levels_only() -> None:
    some = messages.decode_network(network(8, 4, 2, 4096, 0, 4, 3), 2040)
    assert (some.arena_bytes, some.level_arena_bytes) == (8, (16, 12, 8, 4))


def test_outputs_of_a_wrong_length_are_refused() -> None:
    known = messages.decode_network(bytes.fromhex("10000000 04000000 02000000 00100000 000103 10000000"), 2040)
    assert messages.decode_outputs(np.array([1, 2, 3, 4], np.float32).tobytes(), 2, known).tolist() == [[1, 2], [3, 4]]
    with pytest.raises(ProtocolError, match="12 bytes, not 16"):
        messages.decode_outputs(bytes(12), 2, known)


def test_a_real_inference_starts_from_floats_whatever_the_precision() -> None:
    int8 = messages.decode_network(network(16, 4, 2, 4096, 1, 4, 3), 2040)
    real = messages.time_work(RealInferenceTime(0, np.zeros(4, np.float32), 1))
    quantised = messages.time_work(InferenceTime(0, np.zeros(4, np.int8), 1))
    assert (real.element(int8), quantised.element(int8)) == (np.dtype(np.float32), np.dtype(np.int8))


@pytest.mark.parametrize(
    ("request_", "payload"),
    [
        (InferenceTime(2, np.zeros(3), 300), "00 02 02 00 2c01"),
        (SwitchTime(1, 2, 300), "01 01 02 00 2c01"),
        (FirstInferenceTime(1, 2, np.zeros(3), 300), "02 01 02 00 2c01"),
        (LayerTime(2, np.zeros(3)), "03 02 02 00 2c01"),
        (RealInferenceTime(2, np.zeros(3), 300), "04 02 02 00 2c01"),
    ],
)
def test_requests_to_time_are_put_as_the_protocol_says(request_: object, payload: str) -> None:
    assert messages.time_work(request_).payload(300) == bytes.fromhex(payload)


@pytest.mark.parametrize(("prefix", "python"), [("VERB_", Verb), ("STATUS_", Status)])
def test_the_firmware_numbers_verbs_and_statuses_alike(prefix: str, python: type[Verb] | type[Status]) -> None:
    found = re.findall(rf"\b{prefix}(\w+) = (\w+)", HEADER)
    assert {name: int(value, 0) for name, value in found} == {member.name: member.value for member in python}


def test_the_firmware_speaks_the_same_version() -> None:
    assert f"#define PROTOCOL_VERSION {messages.PROTOCOL_VERSION}u" in HEADER
