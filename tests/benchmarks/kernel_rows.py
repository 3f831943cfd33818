"""One network on one device in one precision: measured, and kept as records."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.recorder import write_device_facts
from harness.records import Measurement
from harness.run_file import append
from reds.bundle import Bundle
from reds.export import image
from reds.image import read_image
from reds.image.layouts import Layouts
from targets.emulators import cycle_model
from targets.firmware import build
from targets.inventory import Device
from targets.target import InferenceTime, RealInferenceTime, SwitchTime, Target
from targets.wire_target import WireTarget
from tests.benchmarks.kernel_networks import PERCEPTRON

CALIBRATION_INPUTS = 32
MODELLED = ("nano33ble-emu",)  # QEMU counts opcodes; rp2040js has a cycle model of its own


@dataclass(frozen=True)
class Subject:
    """What is measured together."""

    network: str
    bundle: Bundle
    device: Device
    precision: str
    layouts: Layouts


@dataclass(frozen=True)
class Row:
    """One subnetwork in one precision on one device.

    Attributes:
        inference: in `unit`.
        modelled_cycles: what the inference takes by `targets.emulators.cycle_model`, where there is one.
        share: multiply-adds as a part of the whole network's.
        relative: inference as a part of the whole network's, divided by `share`.
        switch: the dearest into this level, in `unit`.
        arena_bytes: that this level needs.
        image_bytes: of the whole image.
        built_in: whether the image lies in program memory, as RAM does not hold it.
    """

    network: str
    device: str
    precision: str
    subnet: str
    widths: tuple[int, ...]
    unit: str
    macs: int
    inference: float
    modelled_cycles: float | None
    share: float
    relative: float
    switch: float
    arena_bytes: int
    image_bytes: int
    built_in: bool


@dataclass(frozen=True)
class Deployed:
    """A subject's image, and an input for it in both forms."""

    content: bytes
    real: np.ndarray
    sample: np.ndarray

    @classmethod
    def of(cls, subject: Subject) -> Deployed:
        """The image, calibrated with random inputs."""
        elements = math.prod(subject.bundle.architecture.input_shape)
        inputs = np.random.default_rng(0).normal(size=(CALIBRATION_INPUTS, elements)).astype(np.float32)
        content = image(subject.bundle, subject.precision, inputs, subject.layouts)
        return cls(content, inputs[0], read_image(content).quantise_inputs(inputs[0]))

    def request(self, network: str, level: int) -> InferenceTime | RealInferenceTime:
        """The inference whose ends are those of the peer's figure."""
        return InferenceTime(level, self.sample, 1) if network == PERCEPTRON else RealInferenceTime(level, self.real, 1)


def measure(subject: Subject, target: Target, path: Path, logs: Path) -> Iterator[Row]:
    """Every subnetwork, recorded in the file of a run as it is measured; messages of emulators go to the folder `logs`."""
    architecture, subnets = subject.bundle.architecture, subject.bundle.subnets
    deployed = Deployed.of(subject)
    loaded = target.load(deployed.content)
    identity = target.identify()
    write_device_facts(path, subject.device, identity)
    whole_macs, whole = architecture.cost(architecture.full_widths).macs, 0.0
    for level, subnet in enumerate(subnets):
        request = deployed.request(subject.network, level)
        inference = target.time(request).samples[0]
        others = [other for other in range(len(subnets)) if other != level]
        macs, whole = architecture.cost(subnet.widths).macs, whole or inference
        row = Row(
            network=subject.network,
            device=subject.device.id,
            precision=subject.precision,
            subnet=subnet.name,
            widths=subnet.widths,
            unit=identity.clock.kind,
            macs=macs,
            inference=inference,
            modelled_cycles=modelled_cycles(subject, deployed, request, logs, built_in=loaded.built_in),
            share=round(macs / whole_macs, 4),
            relative=round(inference / whole / (macs / whole_macs), 4),
            switch=max(target.time(SwitchTime(other, level, 1)).samples[0] for other in others),
            arena_bytes=loaded.level_arena_bytes[level],
            image_bytes=len(deployed.content),
            built_in=loaded.built_in,
        )
        append(path, *records(subject, row, deployed, identity.firmware_sha256))
        yield row


def modelled_cycles(
    subject: Subject, deployed: Deployed, request: InferenceTime | RealInferenceTime, logs: Path, *, built_in: bool
) -> float | None:
    """What one inference takes by the cycle model; None where there is none for the device."""
    if subject.device.kind not in MODELLED:
        return None
    content = deployed.content

    def work(target: WireTarget, times: int) -> None:
        if built_in:
            target.load_built_in(len(content))
        else:
            target.load(content)
        target.time(replace(request, repeats=times))

    firmware = build(subject.device.environment, image=content if built_in else b"")
    return cycle_model.count(firmware, work, logs / "counts.log").modelled_cycles


def records(subject: Subject, row: Row, deployed: Deployed, firmware: str) -> Iterator[Measurement]:
    """A row as records."""
    values = {
        "latency": (row.unit, row.inference),
        "switch": (row.unit, row.switch),
        "modelled_cycles": ("cycles of a model", row.modelled_cycles),
        "arena_bytes": ("bytes", row.arena_bytes),
    }
    for metric, (unit, value) in values.items():
        if value is not None:
            yield Measurement(
                metric=metric,
                unit=unit,
                better="lower",
                value=float(value),
                samples=(float(value),),
                deterministic=True,
                architecture=subject.network,
                dataset="random",
                precision=row.precision,
                device=row.device,
                subnet=row.subnet,
                macs=row.macs,
                seed=0,
                bundle=subject.bundle.content_hash(),
                test="tests.benchmarks.kernels",
                clock=row.unit if unit == row.unit else None,
                firmware=firmware,
                image=hashlib.sha256(deployed.content).hexdigest(),
            )
