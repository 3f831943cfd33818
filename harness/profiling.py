"""What each layer of each subnetwork takes on a device: for people, and as the table that a search for latency reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median

import numpy as np

from harness.networks import activation_elements
from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.export import image as make_image
from reds.image import read_image
from reds.image.layouts import CHOICES
from reds.image.operations import operations
from reds.subnets import Subnet, Subnets
from targets.target import LayerTime, Target

_CALIBRATION_INPUTS = 32
_SEED = 0


@dataclass(frozen=True)
class LayerProfile:
    """One layer of one subnetwork on a device.

    Attributes:
        subnet: the subnetwork's name.
        layer: the layer that computes; what is fused with it counts here.
        kind: of the image's layer.
        input_channels: active channels of its input.
        output_channels: active channels of its output.
        macs: its multiply-adds.
        ticks: median of what the device's clock counted, less what reading the clock takes.
        unit: what a tick is.
        weight_bytes: of the weights in use.
        activation_bytes: of its input and output.
        arena_bytes: what the whole subnetwork needs of the arena on the device.
    """

    subnet: str
    layer: str
    kind: str
    input_channels: int
    output_channels: int
    macs: int
    ticks: float
    unit: str
    weight_bytes: int
    activation_bytes: int
    arena_bytes: int

    def to_dict(self) -> dict[str, object]:
        """JSON-ready form."""
        return asdict(self)


@dataclass(frozen=True)
class Settings:
    """How to profile.

    Attributes:
        precision: "float32" or "int8".
        layouts: name of `reds.image.layouts.CHOICES`.
        repeats: inferences that are timed for each subnetwork; one where the device's clock is exact.
    """

    precision: str
    layouts: str
    repeats: int


def profile(target: Target, bundle: Bundle, settings: Settings) -> Iterator[LayerProfile]:
    """Every layer of every subnetwork of a bundle, on a device that is connected.

    What a layer takes does not depend on the values it works on, so scales and inputs are drawn at random.

    Raises:
        NoRoomError: the device has no room for one of the subnetworks.
    """
    architecture = bundle.architecture
    generator = np.random.default_rng(_SEED)
    inputs = generator.normal(size=(_CALIBRATION_INPUTS, math.prod(architecture.input_shape))).astype(np.float32)
    content = make_image(bundle, settings.precision, inputs, CHOICES[settings.layouts])
    image = read_image(content)
    loaded = target.load(content)
    sample, element_bytes = image.quantise_inputs(inputs[0]), image.element_type.itemsize
    clock = target.identify().clock
    for level, subnet in enumerate(bundle.subnets):
        widths = subnet.widths
        repeats = 1 if clock.deterministic else settings.repeats
        rounds = [target.time(LayerTime(level, sample)).samples for _ in range(repeats)]
        macs = {layer.name: layer.macs for layer in architecture.cost(widths).layers}
        for operation, samples in zip(operations(architecture), zip(*rounds, strict=True), strict=True):
            weights = math.prod(operation.kernel.shape(widths)) if operation.kernel else 0
            yield LayerProfile(
                subnet=subnet.name,
                layer=operation.name,
                kind=operation.kind,
                input_channels=operation.inputs(widths),
                output_channels=operation.outputs(widths),
                macs=macs[operation.name],
                ticks=median(samples),
                unit=clock.kind,
                weight_bytes=element_bytes * weights,
                activation_bytes=element_bytes * activation_elements(operation, widths),
                arena_bytes=loaded.level_arena_bytes[level],
            )


def grid(architecture: Architecture, points: int) -> tuple[Subnets, ...]:
    """Chains of nested subnetworks whose layers together meet many pairs of widths.

    In the first chain all groups shrink in `points` equal parts; in the second only every other group, in the third the others.
    So a layer is met with few inputs and all outputs, and the other way round.
    """
    return tuple(_chain(architecture, points, shrinks) for shrinks in (lambda _: True, _is_even, lambda g: not _is_even(g)))


def _is_even(group: int) -> bool:
    return group % 2 == 0


def _chain(architecture: Architecture, points: int, shrinks: Callable[[int], bool]) -> Subnets:
    found: dict[tuple[int, ...], Subnet] = {}
    for part in range(points, 0, -1):
        widths = tuple(
            g.size if g.whole or not shrinks(index) else max(1, round(g.size * part / points))
            for index, g in enumerate(architecture.groups)
        )
        found.setdefault(widths, Subnet(f"{part}/{points}", widths))
    return Subnets(tuple(found.values()))


def table(target: Target, bundle: Bundle, settings: Settings, points: int) -> Sequence[LayerProfile]:
    """Profiles of each layer at many pairs of widths, every pair once: what a search for latency interpolates."""
    found: dict[tuple[str, int, int], LayerProfile] = {}
    for subnets in grid(bundle.architecture, points):
        for row in profile(target, replace(bundle, subnets=subnets, private={}), settings):
            found.setdefault((row.layer, row.input_channels, row.output_channels), row)
    return tuple(found.values())
