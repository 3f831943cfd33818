"""The host and the emulated boards from end to end: the same conversation, the same results."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from device_examples import PRECISIONS, Example

from reds.errors import ConfigError, DeviceError, NoRoomError
from reds.image import read_image
from targets.connect import connect, talk
from targets.connection import over_pipes
from targets.firmware import build
from targets.inventory import Device
from targets.target import FirstInferenceTime, InferenceTime, LayerTime, RealInferenceTime, SwitchTime, Target, TimeRequest
from targets.wire.conversation import Conversation
from targets.wire.messages import Verb
from targets.wire_target import WireTarget

pytestmark = pytest.mark.toolchain

EMULATED = ("nano33ble-emu", "pico-emu")
DEVICES = ("host", *EMULATED)
CLOCKS = {"host": "nanoseconds", "nano33ble-emu": "instructions", "pico-emu": "model cycles"}


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_says_what_it_is(name: str, device: Callable[[str], Device], logs: Path) -> None:
    with connect(device(name), logs) as target:
        identity = target.identify()
    assert identity.board == device(name).environment
    assert identity.clock.kind == CLOCKS[name]
    assert identity.clock.deterministic == (name in EMULATED)
    assert identity.clock.hz == (None if name in EMULATED else 10**9)
    assert identity.compiler.startswith("gcc 1")
    assert identity.precisions == {"float32", "int8"}


def assert_arenas(arenas: tuple[int, ...], image: bytes) -> None:
    """Each level has room for its activations; beyond that a core takes what its kernels work in."""
    activations = [level.activation_bytes for level in read_image(image).levels]
    scratch = [arena - activation for arena, activation in zip(arenas, activations, strict=True)]
    assert all(0 <= some < 8192 for some in scratch)
    assert list(arenas) == sorted(arenas, reverse=True)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", DEVICES)
def test_every_level_computes_what_numpy_does(
    name: str, precision: str, device: Callable[[str], Device], logs: Path, network: Example
) -> None:
    with connect(device(name), logs) as target:
        loaded = target.load(network.images[precision])
        assert (loaded.image_bytes, loaded.level_count) == (len(network.images[precision]), network.levels)
        assert not loaded.built_in
        assert loaded.arena_bytes == max(loaded.level_arena_bytes)
        assert_arenas(loaded.level_arena_bytes, network.images[precision])
        network.assert_right(precision, 0, target.infer(network.inputs[precision]))  # level 0 is selected by loading
        for level in reversed(range(network.levels)):
            target.select(level)
            outputs = target.infer(network.inputs[precision])
            assert outputs.dtype == network.inputs[precision].dtype
            network.assert_right(precision, level, outputs)


@pytest.mark.parametrize("name", DEVICES)
def test_images_follow_one_another_without_a_restart(
    name: str, device: Callable[[str], Device], logs: Path, network: Example
) -> None:
    with connect(device(name), logs) as target:
        for precision in (*PRECISIONS, *PRECISIONS):
            target.load(network.images[precision])
            network.assert_right(precision, 0, target.infer(network.inputs[precision]))


def requests(network: Example, precision: str) -> list[TimeRequest]:
    first, real = network.inputs[precision][0], network.inputs["float32"][0]
    every: list[TimeRequest] = []
    for level in range(network.levels):
        every += [
            InferenceTime(level, first, 3),
            SwitchTime(0, level, 3),
            LayerTime(level, first),
            RealInferenceTime(level, real, 3),
        ]
    return [*every, FirstInferenceTime(3, 0, first, 3)]


def counts(target: Target, network: Example, precision: str, pause_s: float) -> list[tuple[int, ...]]:
    target.load(network.images[precision])
    results = []
    for request in requests(network, precision):
        results.append(target.time(request).samples)
        time.sleep(pause_s)
    return results


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", EMULATED)
def test_an_emulated_board_counts_the_same_every_time(
    name: str, precision: str, device: Callable[[str], Device], logs: Path, network: Example
) -> None:
    runs = []
    for pause_s in (0.0, 0.003, 0.01):
        with connect(device(name), logs) as target:
            runs.append(counts(target, network, precision, pause_s))
    assert runs[0] == runs[1] == runs[2]
    for samples in runs[0]:
        assert len(samples) == 3
    inference, switch, layers, real = runs[0][:4]
    assert len(set(inference)) == len(set(switch)) == 1  # repeats of the same work
    assert 0 < switch[0] < 100 < inference[0]
    assert sum(layers) == pytest.approx(inference[0], rel=0.02)
    assert len(set(real)) == 1
    assert real[0] > inference[0]


@pytest.mark.parametrize("name", EMULATED)
def test_a_smaller_level_costs_less(name: str, device: Callable[[str], Device], logs: Path, network: Example) -> None:
    with connect(device(name), logs) as target:
        target.load(network.images["int8"])
        costs = [target.time(InferenceTime(level, network.inputs["int8"][0], 1)).samples[0] for level in range(network.levels)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0] / 2


def test_the_host_times_every_kind_of_work(device: Callable[[str], Device], logs: Path, network: Example) -> None:
    with connect(device("host"), logs) as target:
        target.load(network.images["float32"])
        for request in requests(network, "float32"):
            timing = target.time(request)
            assert len(timing.samples) == 3
            assert timing.overhead >= 0
            assert min(timing.samples) + timing.overhead >= 0  # what was counted
            assert timing.clock.hz == 10**9
        many = target.time(SwitchTime(0, 1, 40_000))
        assert len(many.samples) == 40_000  # more than one frame holds


@pytest.mark.parametrize("name", EMULATED)
def test_the_overhead_of_the_clock_is_told_and_taken_off(
    name: str, device: Callable[[str], Device], logs: Path, network: Example
) -> None:
    with connect(device(name), logs) as target:
        target.load(network.images["int8"])
        timing = target.time(SwitchTime(0, 0, 2))
    assert timing.overhead > 0
    assert 0 < timing.samples[0] < timing.overhead + 100


def test_after_timing_the_level_timed_is_selected(device: Callable[[str], Device], logs: Path, network: Example) -> None:
    with connect(device("host"), logs) as target:
        target.load(network.images["int8"])
        target.time(SwitchTime(0, 2, 1))
        network.assert_right("int8", 2, target.infer(network.inputs["int8"]))


def damaged(image: bytes) -> bytes:
    return image[:100] + bytes([image[100] ^ 1]) + image[101:]


REFUSED = {
    "damaged": (damaged, "checksum"),
    "truncated": (lambda image: image[: len(image) // 2], "fewer bytes|truncated|shorter"),
    "foreign": (lambda image: b"TFL3" + image[4:], "not a|no magic"),
    "empty": (lambda image: b"", "fewer bytes|truncated|shorter"),
    "of another version": (lambda image: image[:4] + b"\x09\0" + image[6:], "version"),
}


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_refuses_bad_images_and_stays_usable(
    name: str, device: Callable[[str], Device], logs: Path, network: Example
) -> None:
    with connect(device(name), logs) as target:
        for spoil, reason in REFUSED.values():
            with pytest.raises(DeviceError, match=f"(?i)refused LOAD_END.*\n.*({reason})"):
                target.load(spoil(network.images["int8"]))
            with pytest.raises(DeviceError, match="no image"):
                target.select(0)
            target.load(network.images["int8"])
            network.assert_right("int8", 0, target.infer(network.inputs["int8"]))


@pytest.mark.parametrize("name", EMULATED)
def test_an_image_that_is_too_large_is_refused(name: str, device: Callable[[str], Device], logs: Path) -> None:
    found = device(name)
    with talk(found, build(found.environment), logs / "log") as target:
        pool_bytes = target.identify().pool_bytes
        with pytest.raises(NoRoomError, match="does not fit"):
            target.load(bytes(pool_bytes + 4))
        with pytest.raises(DeviceError, match="refused LOAD_END"):
            target.load(bytes(pool_bytes))


def test_what_needs_an_image_says_so(device: Callable[[str], Device], logs: Path, network: Example) -> None:
    inputs = network.inputs["int8"]
    with connect(device("host"), logs) as target:
        for call in (
            lambda: target.select(0),
            lambda: target.infer(inputs),
            lambda: target.time(SwitchTime(0, 1, 1)),
            lambda: target.time(LayerTime(0, inputs[0])),
        ):
            with pytest.raises(DeviceError, match="no image"):
                call()


def test_wrong_arguments_are_refused(device: Callable[[str], Device], logs: Path, network: Example) -> None:
    inputs = network.inputs["int8"]
    with connect(device("host"), logs) as target:
        target.load(network.images["int8"])
        for wrong in (inputs.astype(np.float32), inputs[0], inputs[:, :-1], inputs.astype(np.uint8)):
            with pytest.raises(ConfigError, match=r"\(n, 70\) of int8"):
                target.infer(wrong)
        with pytest.raises(ConfigError, match=r"\(n, 70\) of float32"):
            target.time(RealInferenceTime(0, inputs[0], 1))
        with pytest.raises(ConfigError, match="at least one repeat"):
            target.time(InferenceTime(0, inputs[0], 0))
        for level in (-1, 256):
            with pytest.raises(ConfigError, match="level"):
                target.select(level)
        for level in (network.levels, 255):
            with pytest.raises(DeviceError, match="no such level"):
                target.select(level)
            with pytest.raises(DeviceError, match="no such level"):
                target.time(SwitchTime(level, 0, 1))
        assert target.infer(inputs[:0]).shape == (0, 5)
        network.assert_right("int8", 0, target.infer(inputs))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_refused_timing_changes_nothing(precision: str, device: Callable[[str], Device], logs: Path, network: Example) -> None:
    inputs = network.inputs[precision]
    with over_pipes([str(build(device("host").environment).elf)], logs / "log") as connection:
        conversation = Conversation("host", connection.link, 30.0, connection.evidence)
        target = WireTarget(conversation)
        target.load(network.images[precision])
        target.select(2)
        for what, from_level, level, reason in (
            (0, 0, 1, "no input is staged"),
            (4, 1, 0, "no input is staged"),
            (1, 0, network.levels, "no such level"),
            (9, 0, 1, "no input is staged|no such measurement"),
        ):
            with pytest.raises(DeviceError, match=f"(?s)refused TIME.*({reason})"):
                conversation.ask(Verb.TIME, bytes([what, from_level, level, 0, 1, 0]))
        network.assert_right(precision, 2, target.infer(inputs))
        with pytest.raises(DeviceError, match="no such measurement"):
            conversation.ask(Verb.TIME, bytes([9, 0, 1, 0, 1, 0]))
        network.assert_right(precision, 2, target.infer(inputs))


def test_closing_twice_is_closing_once(device: Callable[[str], Device], logs: Path) -> None:
    with connect(device("host"), logs) as target:
        target.close()
        target.close()
