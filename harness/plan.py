"""What a pytest run covers: the matrix, its devices, and which of them can be had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.combinations import Combination, Placement, Subject
from harness.device_state import found_again
from harness.fitting import Fitting
from harness.matrix import Matrix, load_matrix
from harness.records import ABSENT, MISFIT, OWN_DOING
from harness.spreading import left_out
from reds.errors import ConfigError, unknown_name
from targets.availability import Availability, check
from targets.inventory import KINDS, Device, Inventory
from targets.usb import SystemBus

ALL = "all"


@dataclass(frozen=True)
class Plan:
    """A matrix together with the devices it names.

    Attributes:
        devices: the devices of the matrix by id.
        availability: whether each of them can be had.
        required: ids of those whose absence is an error rather than a skip.
        left_out: placements that an equal board measures instead.
        fitting: which images fit on them, as far as is known.
    """

    matrix: Matrix
    devices: Mapping[str, Device]
    availability: Mapping[str, Availability]
    required: frozenset[str]
    left_out: frozenset[Placement]
    fitting: Fitting

    def covers(self, subject: Subject) -> bool:
        """Whether a subject is measured; not so what an equal board measures instead."""
        return not isinstance(subject, Placement | Combination) or subject.placement not in self.left_out

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
        return self._excused_absence(subject) or self.fitting.misfit(subject)

    def skip_cause(self, subject: Subject) -> str:
        """What kind of reason it has that a test of this subject was skipped: one of `harness.records.CAUSES`."""
        if self._excused_absence(subject):
            return ABSENT
        return MISFIT if self.fitting.misfit(subject) else OWN_DOING

    def _excused_absence(self, subject: Subject) -> str | None:
        return None if subject.facts["device"] in self.required else self.absence(subject)


@dataclass(frozen=True)
class Selection:
    """What the user chose of a matrix.

    Attributes:
        devices: ids of the devices to measure.
        kinds: all devices of the inventory of these kinds are measured; with neither, those of the matrix.
        required: ids of devices that must be there, or "all".
        spread: whether equal boards share the images.
    """

    devices: Sequence[str] = ()
    kinds: Sequence[str] = ()
    required: Sequence[str] = ()
    spread: bool = False


def make_plan(matrix_name: str, devices_file: Path | None, selection: Selection) -> Plan:
    """Read matrix and inventory.

    Args:
        matrix_name: name or path of the matrix.
        devices_file: the inventory, None for the default.
        selection: what of it is measured.

    Raises:
        MissingError: there is no such inventory file.
        ConfigError: an unknown matrix, device, kind or key; the nearest valid ones are named.
    """
    inventory = Inventory.load(devices_file).devices
    matrix = load_matrix(matrix_name, inventory)
    chosen = _chosen(inventory, selection)
    if chosen:
        matrix = matrix.on(chosen)
    for device_id in selection.required:
        if device_id != ALL and device_id not in matrix.devices:
            raise unknown_name("required device", device_id, [*matrix.devices, ALL])
    bus = SystemBus()
    devices = {device_id: found_again(inventory[device_id], bus) for device_id in matrix.devices}
    availability = {device_id: check(device) for device_id, device in devices.items()}
    required = frozenset(devices if ALL in selection.required else selection.required)
    usable = required | {device_id for device_id in devices if availability[device_id].available}
    shared = left_out(matrix, devices, usable) if selection.spread else frozenset()
    return Plan(matrix, devices, availability, required, shared, Fitting(matrix, devices))


def _chosen(inventory: Mapping[str, Device], selection: Selection) -> tuple[str, ...]:
    """The devices that the user names by id or by kind, each once; none if they name none."""
    for device_id in selection.devices:
        if device_id not in inventory:
            raise unknown_name("device", device_id, inventory)
    chosen = dict.fromkeys(selection.devices)
    for kind in selection.kinds:
        if kind not in KINDS:
            raise unknown_name("kind of device", kind, KINDS)
        of_kind = [device.id for device in inventory.values() if device.kind == kind]
        if not of_kind:
            do = "plug one in, then: python -m harness devices --discover"
            raise ConfigError(f"the inventory has no device of kind {kind}", seen=", ".join(inventory), do=do)
        chosen |= dict.fromkeys(of_kind)
    return tuple(chosen)
