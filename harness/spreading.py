"""Equal boards share the images of a matrix instead of each measuring all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import product

from harness.combinations import Placement, models
from harness.matrix import Matrix
from targets.inventory import Device


def left_out(matrix: Matrix, devices: Mapping[str, Device], usable: Collection[str]) -> frozenset[Placement]:
    """The placements that another, equal device measures.

    Which one does is decided by the order of the matrix alone. A board gets whole images, so that it loads each once.

    Args:
        matrix: what is measured.
        devices: the devices of the matrix by id, in its order.
        usable: ids of those that can be had, or have to be; the others of a group get nothing unless none of it can be had.
    """
    images = list(product(models(matrix), matrix.precisions))
    return frozenset(
        Placement(*image, device_id)
        for members in _groups(devices)
        if len(members) > 1
        for number, image in enumerate(images)
        for device_id in members
        if device_id != _chosen(members, usable, number)
    )


def _groups(devices: Mapping[str, Device]) -> Iterator[list[str]]:
    """Ids of devices that are equal: of one kind, with one firmware."""
    equal: dict[tuple[str, str], list[str]] = {}
    for device_id, device in devices.items():
        equal.setdefault((device.kind, device.environment), []).append(device_id)
    yield from equal.values()


def _chosen(members: list[str], usable: Collection[str], number: int) -> str:
    candidates = [device_id for device_id in members if device_id in usable] or members
    return candidates[number % len(candidates)]
