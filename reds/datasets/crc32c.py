"""CRC-32C (Castagnoli), many bytes at once: the message is cut into lanes that advance together and are joined in pairs."""

from __future__ import annotations

from functools import cache

import numpy as np

POLYNOMIAL = 0x82F63B78  # reflected
LANE_BYTES = 128
MASK_DELTA = 0xA282EAD8


def crc32c(data: bytes) -> int:
    """The checksum of any bytes."""
    # Starting from all ones is the same as inverting the first four bytes; zeros before those change nothing then.
    head = bytes(byte ^ 0xFF for byte in data[:4])
    lanes = 1 << max(-(-len(data) // LANE_BYTES) - 1, 0).bit_length()
    padded = np.zeros(lanes * LANE_BYTES, np.uint8)
    padded[len(padded) - len(data) :] = np.frombuffer(head + data[4:], np.uint8)
    columns, table = padded.reshape(lanes, LANE_BYTES).T.astype(np.uint32), _table()
    state = np.zeros(lanes, np.uint32)
    for column in columns:
        state = table[(state ^ column) & 0xFF] ^ (state >> 8)
    length_bytes = LANE_BYTES
    while len(state) > 1:
        state = _applied(_zeros(length_bytes), state[0::2]) ^ state[1::2]
        length_bytes *= 2
    # Fewer than four bytes do not take all of the ones.
    rest = 0xFFFFFFFF >> (8 * len(data)) if len(data) < 4 else 0
    return int(state[0]) ^ rest ^ 0xFFFFFFFF


def masked(checksum: int) -> int:
    """The checksum as record files store it, so that it can be part of data that is checked itself."""
    return ((checksum >> 15 | checksum << 17) + MASK_DELTA) & 0xFFFFFFFF


@cache
def _table() -> np.ndarray:
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1, values >> 1 ^ np.uint32(POLYNOMIAL), values >> 1)
    return values


@cache
def _zeros(length_bytes: int) -> np.ndarray:
    """What so many zero bytes, a power of two, make of each single bit of the state, uint32 (32,)."""
    if length_bytes == 1:
        bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
        return _table()[bits & 0xFF] ^ (bits >> 8)
    half = _zeros(length_bytes // 2)
    return _applied(half, half)


def _applied(operator: np.ndarray, states: np.ndarray) -> np.ndarray:
    result = np.zeros_like(states)
    for bit in range(32):
        result ^= operator[bit] * (states >> np.uint32(bit) & np.uint32(1))
    return result
