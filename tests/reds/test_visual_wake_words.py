"""Visual Wake Words from record files."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reds.cache import CACHE_VARIABLE
from reds.datasets.crc32c import crc32c, masked
from reds.datasets.request import Request
from reds.datasets.split import Split, open_split
from reds.datasets.tfrecord import LARGEST_RECORD_BYTES, parse_example, records
from reds.errors import ConfigError, MissingError, ProtocolError
from reds.prepared import prepared_data


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


def checksum(data: bytes) -> int:
    """CRC-32C, bit by bit."""
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


def test_the_checksum_of_the_standard() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43


@given(st.binary(max_size=700))
def test_checksums_agree_with_the_definition(data: bytes) -> None:
    assert crc32c(data) == checksum(data)


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def example(**features: bytes | int | float) -> bytes:
    """A `tf.train.Example`; two underscores stand for a slash."""
    entries = []
    for name, value in features.items():
        if isinstance(value, bytes):
            feature = field(1, field(1, value))
        elif isinstance(value, int):
            feature = field(3, field(1, varint(value)))
        else:
            feature = field(2, field(1, struct.pack("<f", value)))
        entries.append(field(1, field(1, name.replace("__", "/").encode()) + field(2, feature)))
    return field(1, b"".join(entries))


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked(checksum(length))) + data + struct.pack("<I", masked(crc32c(data)))


def jpeg(shade: int, size: tuple[int, int] = (120, 90), mode: str = "RGB") -> bytes:
    image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")
    buffer = io.BytesIO()
    image.new(mode, size, (shade, 255 - shade, 60) if mode == "RGB" else shade).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def person(label: int, shade: int, **options) -> bytes:
    return record(
        example(
            image__encoded=jpeg(shade, **options), image__format=b"jpeg", image__class__label=label, image__height=90, area=0.25
        )
    )


def write_set(data_dir: Path) -> Path:
    """Twenty pictures for training in two files, four for testing; the shade says which is which."""
    folder = data_dir / "visual_wake_words"
    folder.mkdir()
    for shard in range(2):
        content = b"".join(person(number % 2, 10 * number) for number in range(shard, 20, 2))
        (folder / f"train.record-{shard:05}-of-00002").write_bytes(content)
    test = person(1, 0, mode="L") + person(0, 255, size=(30, 200)) + person(1, 100) + person(0, 200)
    (folder / "val.record-00000-of-00001").write_bytes(test)
    return folder


def prepared(data_dir: Path, side: int = 96) -> Split:
    return open_split(prepared_data("visual_wake_words", Request(0, (side, side, 3), data_dir)))


@pytest.mark.parametrize("side", [96, 224])
def test_pictures_of_any_size_become_squares(side: int, tmp_path: Path) -> None:
    write_set(tmp_path)
    split = prepared(tmp_path, side)
    assert split.classes == ("background", "person")
    assert split.counts() == {"train": (9, 9), "validation": (1, 1), "test": (2, 2)}
    assert split.augmentation is None
    images = np.asarray(split.x_test).reshape(4, side, side, 3)
    expected = np.array([[0, 0, 0], [255, 0, 60], [100, 155, 60], [200, 55, 60]]) / 127.5 - 1
    assert images == pytest.approx(np.broadcast_to(expected[:, None, None], images.shape), abs=0.04)
    assert list(split.y_test) == [1, 0, 1, 0]
    shades = np.round((np.asarray(split.x_train)[:, 0] + 1) * 12.75)
    assert list(shades % 2) == list(split.y_train)


def test_other_sides_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path)
    with pytest.raises(ConfigError, match="100x100x3"):
        prepared(tmp_path, 100)


def test_a_set_that_is_not_there_says_how_it_comes_about(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"cannot be downloaded ready-made: run .*\n.*visualwakewords"):
        prepared(tmp_path)
    (write_set(tmp_path) / "val.record-00000-of-00001").unlink()
    with pytest.raises(MissingError, match=r"no file val\.record"):
        prepared(tmp_path)


WHOLE = record(example(image__encoded=b"x", image__class__label=0))


def changed(position: int) -> bytes:
    content = bytearray(WHOLE)
    content[position] ^= 1
    return bytes(content)


BAD_RECORDS = {
    "a wrong length": (changed(0), "checksum of the length"),
    "a wrong checksum of the length": (changed(8), "checksum of the length"),
    "other data": (changed(20), "checksum of the data"),
    "a wrong checksum of the data": (changed(-1), "checksum of the data"),
    "a header that ends": (WHOLE[:7], "ends within"),
    "data that end": (WHOLE[:-10], "ends within"),
    "a huge length": (record(b"")[:0] + struct.pack("<Q", LARGEST_RECORD_BYTES + 1), "ends within"),
    "no label": (record(example(image__encoded=b"x")), "no label of 0 or 1"),
    "a label out of range": (record(example(image__class__label=2)), "no label of 0 or 1"),
    "a negative label": (record(example(image__class__label=-1)), r"no label of 0 or 1\n.*-1"),
    "no example": (record(b"\xff\xff\xff"), "no tf.train.Example"),
    "a field longer than the message": (record(b"\x0a\x05ab"), "no tf.train.Example"),
    "a field of no kind": (record(b"\x0b"), "no tf.train.Example"),
    "an integer without an end": (record(b"\x80" * 11), "no tf.train.Example"),
    "no picture": (record(example(image__encoded=b"GIF89a", image__class__label=0)), "no JPEG picture"),
    "no bytes of a picture": (record(example(image__class__label=0)), "no JPEG picture"),
}


@pytest.mark.parametrize("what", BAD_RECORDS)
def test_damaged_records_are_refused(what: str, tmp_path: Path) -> None:
    folder = write_set(tmp_path)
    content, message = BAD_RECORDS[what]
    path = folder / "val.record-00000-of-00001"
    path.write_bytes(person(1, 3) + content)
    with pytest.raises(ProtocolError, match=message):
        prepared(tmp_path)


def test_a_truncated_picture_and_a_huge_length_with_a_right_checksum_are_refused(tmp_path: Path) -> None:
    path = write_set(tmp_path) / "train.record-00000-of-00002"
    path.write_bytes(record(example(image__encoded=jpeg(5)[:-400], image__class__label=0)) * 20)
    with pytest.raises(ProtocolError, match=r"holds no JPEG picture"):
        prepared(tmp_path)
    length = struct.pack("<Q", LARGEST_RECORD_BYTES + 1)
    path.write_bytes(length + struct.pack("<I", masked(checksum(length))))
    with pytest.raises(ProtocolError, match="too long"):
        list(records(path))


@given(st.binary(max_size=60))
def test_any_bytes_are_an_example_or_refused(data: bytes) -> None:
    try:
        parse_example(data)
    except ProtocolError as error:
        assert "no tf.train.Example" in str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.slow
def test_files_that_tensorflow_wrote_are_read(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow", reason="the comparison needs TensorFlow")
    generator, written = np.random.default_rng(0), []
    with tf.io.TFRecordWriter(str(tmp_path / "a.record")) as writer:
        for length in (0, 1, 127, 128, 5000):
            content, numbers = generator.bytes(length), generator.integers(-(2**63), 2**63 - 1, 3).tolist()
            features = {
                "bytes": tf.train.Feature(bytes_list=tf.train.BytesList(value=[content, b"second"])),
                "integers": tf.train.Feature(int64_list=tf.train.Int64List(value=numbers)),
                "floats": tf.train.Feature(float_list=tf.train.FloatList(value=[1.5, 2.5])),
            }
            message = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
            writer.write(message)
            written.append((message, content, numbers))
    found = list(records(tmp_path / "a.record"))
    assert [data for _, data in found] == [message for message, _, _ in written]
    for (place, data), (message, content, numbers) in zip(found, written, strict=True):
        assert place.read() == message
        read = parse_example(data)
        assert read.texts["bytes"] == [content, b"second"]
        assert read.integers["integers"] == numbers
