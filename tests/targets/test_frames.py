"""The frame codec in Python, and against the firmware's in C."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targets.firmware_identity import PROJECT_FOLDER
from targets.wire.frames import Damaged, Frame, FrameReader, cobs_decode, cobs_encode, encode
from targets.wire.link import DescriptorLink

FIRMWARE = PROJECT_FOLDER / "targets" / "firmware" / "src"
HERE = Path(__file__).parent

# Runs of zeros and long runs without one, where COBS has its corners.
payloads = st.one_of(
    st.binary(max_size=600),
    st.lists(st.one_of(st.binary(max_size=3), st.integers(250, 256).map(lambda n: b"\x01" * n)), max_size=8).map(b"\0".join),
    st.lists(st.sampled_from([b"\0", b"\xff" * 254, b"\x01" * 253]), max_size=6).map(b"".join),
)
framed = st.builds(Frame, st.integers(0, 255), st.integers(0, 255), st.integers(0, 65535), payloads)


@given(payloads)
def test_cobs_is_free_of_zeros_and_comes_back(data: bytes) -> None:
    encoded = cobs_encode(data)
    assert 0 not in encoded
    assert cobs_decode(encoded) == data
    assert len(encoded) <= len(data) + len(data) // 254 + 1


@pytest.mark.parametrize(
    ("data", "encoded"),
    [(b"", "01"), (b"\0", "0101"), (b"\0\0", "010101"), (b"\x11\x22\0\x33", "0311220233"), (b"\x11\0\0\0", "0211010101")],
)
def test_cobs_of_the_published_examples(data: bytes, encoded: str) -> None:
    assert cobs_encode(data).hex() == encoded


@given(st.lists(framed, max_size=4), st.integers(1, 700))
def test_frames_come_back_however_the_stream_is_cut(sent: list[Frame], chunk_bytes: int) -> None:
    stream = b"".join(encode(frame) for frame in sent)
    reader = FrameReader()
    received = []
    for at in range(0, len(stream), chunk_bytes):
        received += reader.feed(stream[at : at + chunk_bytes])
    assert received == sent
    assert reader.pending_bytes == 0


@given(st.binary(max_size=300), framed)
def test_a_frame_after_garbage_is_read(garbage: bytes, frame: Frame) -> None:
    *before, last = FrameReader().feed(garbage + b"\0" + encode(frame))
    assert last == frame
    assert all(isinstance(found, Damaged) for found in before)


@given(framed, st.data())
def test_no_flipped_bit_goes_unnoticed(frame: Frame, data: st.DataObject) -> None:
    stream = bytearray(encode(frame))
    at = data.draw(st.integers(0, len(stream) - 2))
    stream[at] ^= 1 << data.draw(st.integers(0, 7))
    assert not any(isinstance(found, Frame) for found in FrameReader().feed(bytes(stream) + b"\0"))


def test_endless_garbage_is_cut() -> None:
    reader = FrameReader()
    found = list(reader.feed(b"\x01" * 200_000))
    assert [type(item) for item in found] == [Damaged]
    assert reader.pending_bytes == 0


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DescriptorLink]:
    """The firmware's codec in a process that sends every frame back."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    program = tmp_path_factory.mktemp("echo") / "echo"
    sources = [HERE / "frame_echo.c", *(FIRMWARE / name for name in ("frame.c", "crc32.c", "hal_host.c"))]
    checks = ["-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsanitize=address,undefined"]
    subprocess.run(["gcc", "-std=gnu99", "-O1", *checks, "-o", program, *sources], check=True)
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield DescriptorLink(process.stdout.fileno(), process.stdin.fileno())
    assert process.returncode == 0


def echoed(echo: DescriptorLink, stream: bytes, count: int) -> list[Frame | Damaged]:
    echo.write(stream, timeout_s=10)
    reader = FrameReader()
    received: list[Frame | Damaged] = []
    while len(received) < count:
        received += reader.feed(echo.read(timeout_s=10))
    assert reader.pending_bytes == 0
    return received


@pytest.mark.toolchain
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(sent=st.lists(framed, min_size=1, max_size=4))
def test_the_firmware_reads_and_writes_the_same_frames(echo: DescriptorLink, sent: list[Frame]) -> None:
    assert echoed(echo, b"\0" + b"".join(encode(frame) for frame in sent), len(sent)) == sent


@pytest.mark.toolchain
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(frame=framed, garbage=st.binary(min_size=1, max_size=5000).filter(lambda data: 0 not in data))
def test_the_firmware_notices_garbage_and_reads_on(echo: DescriptorLink, frame: Frame, garbage: bytes) -> None:
    damaged, good = echoed(echo, garbage + b"\0" + encode(frame), 2)
    assert damaged == Frame(0x7F, 0, 0, b"damaged")
    assert good == frame


@pytest.mark.toolchain
def test_the_firmware_refuses_a_frame_that_is_too_long(echo: DescriptorLink) -> None:
    longest = Frame(1, 2, 3, b"\xab" * (4096 - 4))
    longer = Frame(1, 2, 3, b"\xab" * (4096 - 3))
    assert echoed(echo, encode(longest) + encode(longer) + encode(longest), 3) == [
        longest,
        Frame(0x7F, 0, 0, b"damaged"),
        longest,
    ]
