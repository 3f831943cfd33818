"""Which images are too large for which devices, told before anything is connected, with the arithmetic."""

from __future__ import annotations

from collections.abc import Mapping

from harness.combinations import Combination, Placement, Subject
from harness.matrix import Matrix
from harness.networks import Deployment, Networks
from reds.image import Level
from reds.image.format import ELEMENT
from reds.zoo import architecture
from targets.firmware.pool import pool_bytes
from targets.inventory import KINDS, Device

_TABLES_BYTES = 32_768  # more than any image takes beside its weights


class Fitting:
    """Which images of a matrix do not fit on which devices, as far as is known: images that have not been made are not judged.

    A device with program memory takes an image there, and its RAM holds the arena; on any other, RAM holds both.

    Args:
        matrix: the images.
        devices: its devices by id.
    """

    def __init__(self, matrix: Matrix, devices: Mapping[str, Device]) -> None:
        self._matrix, self._devices = matrix, devices
        self._networks = Networks(matrix)

    def misfit(self, subject: Subject) -> str | None:
        """Why a subject does not fit on its device: an image none of whose levels does, or one level; None if it may fit."""
        if not isinstance(subject, Placement | Combination):
            return None
        placement = subject.placement
        device = self._devices[placement.device]
        if not self._may_be_too_large(placement, device):
            return None
        deployment = self._networks.found(placement.model, placement.precision, device.layouts)
        if deployment is None:
            return None
        levels = deployment.image.levels
        wanted = levels[deployment.level(subject.subnet)] if isinstance(subject, Combination) else levels[-1]
        return _misfit(device, deployment, wanted)

    def _may_be_too_large(self, placement: Placement, device: Device) -> bool:
        """A cheap bound, so that small networks need not be looked at: all weights and activations beside generous tables."""
        network = architecture(placement.model.architecture)
        cost = network.cost(network.full_widths)
        element_bytes = ELEMENT[placement.precision].itemsize
        needed = element_bytes * cost.parameters + cost.peak_activation_bytes(element_bytes) + _TABLES_BYTES
        return needed > pool_bytes(device.environment)


def _misfit(device: Device, deployment: Deployment, level: Level) -> str | None:
    pool, image, activations = pool_bytes(device.environment), len(deployment.content), level.activation_bytes
    program = KINDS[device.kind].program_bytes
    what = f"level {level.name}: {activations:,} bytes of activations"
    if not device.has_program_memory:
        needed = image + activations
        if needed <= pool:
            return None
        return f"{device.id} has {pool:,} bytes for image and arena; an image of {image:,} bytes and {what} need {needed:,}"
    if image > program:
        return f"{device.id} has {program:,} bytes of program memory; the image has {image:,}"
    return None if activations <= pool else f"{device.id} has {pool:,} bytes for the arena; {what}"
