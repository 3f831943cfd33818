"""What a pytest run covers: the matrix, its devices, and which of them can be had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.combinations import Subject
from harness.matrix import Matrix, load_matrix
from reds.errors import unknown_name
from targets.availability import Availability, check
from targets.inventory import Device, Inventory

ALL = "all"


@dataclass(frozen=True)
class Plan:
    """A matrix together with the devices it names.

    Attributes:
        devices: the devices of the matrix by id.
        availability: whether each of them can be had.
        required: ids of those whose absence is an error rather than a skip.
    """

    matrix: Matrix
    devices: Mapping[str, Device]
    availability: Mapping[str, Availability]
    required: frozenset[str]

    def absence(self, subject: Subject) -> str | None:
        """Why the device of a subject cannot be had and what to do; None if it can, or if no device is needed."""
        device_id = subject.facts["device"]
        if device_id is None or self.availability[device_id].available:
            return None
        availability = self.availability[device_id]
        remedy = f"; {availability.remedy}" if availability.remedy else ""
        return f"{device_id} is not available: {availability.reason}{remedy}"

    def skip_reason(self, subject: Subject) -> str | None:
        """Why the tests of a subject are skipped; None if they run, be it only to fail because a required device is absent."""
        return None if subject.facts["device"] in self.required else self.absence(subject)


def make_plan(matrix_name: str, devices_file: Path | None, chosen: Sequence[str], required: Sequence[str]) -> Plan:
    """Read matrix and inventory.

    Args:
        matrix_name: name or path of the matrix.
        devices_file: the inventory, None for the default.
        chosen: ids of the devices to measure; none chosen means those of the matrix.
        required: ids of devices that must be there, or "all".

    Raises:
        MissingError: there is no such inventory file.
        ConfigError: an unknown matrix, device or key; the nearest valid ones are named.
    """
    inventory = Inventory.load(devices_file).devices
    matrix = load_matrix(matrix_name, inventory)
    for device_id in chosen:
        if device_id not in inventory:
            raise unknown_name("device", device_id, inventory)
    if chosen:
        matrix = matrix.on(tuple(dict.fromkeys(chosen)))
    for device_id in required:
        if device_id != ALL and device_id not in matrix.devices:
            raise unknown_name("required device", device_id, [*matrix.devices, ALL])
    devices = {device_id: inventory[device_id] for device_id in matrix.devices}
    availability = {device_id: check(device) for device_id, device in devices.items()}
    return Plan(matrix, devices, availability, frozenset(devices if ALL in required else required))
