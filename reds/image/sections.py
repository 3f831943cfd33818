"""The sections of an image: checksums over them, and images cut off behind one."""

from __future__ import annotations

import zlib

import numpy as np

from reds.image import format as image_format
from reds.image.reader import read_image


def seal(data: bytes) -> bytes:
    """The same image with checksums that fit its bytes, as far as its tables say where they lie."""
    sealed = bytearray(data)
    if len(sealed) < image_format.HEADER.itemsize:
        return data
    header = np.frombuffer(sealed, image_format.HEADER, 1)
    levels_offset = image_format.HEADER.itemsize + int(header["layer_count"][0]) * image_format.LAYER.itemsize
    there = max(len(sealed) - levels_offset, 0) // image_format.LEVEL.itemsize
    levels = np.frombuffer(sealed, image_format.LEVEL, min(int(header["level_count"][0]), there), min(levels_offset, len(sealed)))
    start = tables_bytes = int(header["tables_bytes"][0])
    for i in reversed(range(len(levels))):
        end = int(levels["end_offset"][i])
        levels["crc32"][i] = zlib.crc32(data[start:end])
        start = end
    header["crc32"] = zlib.crc32(sealed[image_format.CRC_START : tables_bytes])
    return bytes(sealed)


def truncate(data: bytes, level_name: str) -> bytes:
    """The image's prefix that holds the level of this name and the smaller ones.

    Raises:
        ProtocolError: the bytes are no valid image.
        ConfigError: the image has no such level.
    """
    image = read_image(data)
    number = image.level(level_name)
    header = np.frombuffer(data, image_format.HEADER, 1)[0]
    tables_bytes, level_count = int(header["tables_bytes"]), int(header["level_count"])
    levels = np.frombuffer(data, image_format.LEVEL, level_count, tables_bytes - level_count * image_format.LEVEL.itemsize)
    return data[: levels["end_offset"][level_count - len(image.levels) + number]]
