"""Which bytes of a file which subnetworks use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reds.litert.reading import Signature


@dataclass(frozen=True)
class Part:
    """Bytes from `start` up to `stop`, and the names of the subnetworks whose constants they are part of."""

    start: int
    stop: int
    users: tuple[str, ...]


def parts(signatures: Sequence[Signature]) -> list[Part]:
    """The constants of a file in the order in which they lie, split where their users change."""
    ends = {end for each in signatures for span in each.spans() for end in (span.start, span.start + span.size)}
    users: dict[int, set[str]] = {end: set() for end in ends}
    order = sorted(ends)
    number = {end: index for index, end in enumerate(order)}
    for each in signatures:
        changes = [0] * len(order)
        for span in each.spans():
            changes[number[span.start]] += 1
            changes[number[span.start + span.size]] -= 1
        depth = 0
        for end, change in zip(order, changes, strict=True):
            depth += change
            if depth:
                users[end].add(each.name)
    found: list[Part] = []
    for start, stop in pairwise(order):
        names = tuple(each.name for each in signatures if each.name in users[start])
        if found and found[-1].users == names and found[-1].stop == start:
            found[-1] = Part(found[-1].start, stop, names)
        elif names:
            found.append(Part(start, stop, names))
    return found


def bytes_by_users(found: Sequence[Part]) -> dict[tuple[str, ...], int]:
    """How many bytes which subnetworks share, those of most first."""
    totals: dict[tuple[str, ...], int] = {}
    for part in found:
        totals[part.users] = totals.get(part.users, 0) + part.stop - part.start
    return dict(sorted(totals.items(), key=lambda item: -len(item[0])))
