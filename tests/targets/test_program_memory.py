"""Images that RAM does not hold: built into the firmware where there is program memory, else run as far as the arena goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from bridge import on_tcp
from device_examples import Example

from reds.architecture import Architecture
from reds.bundle import Bundle, untrained
from reds.errors import DeviceError, FlashError, NoRoomError, TransportError
from reds.export import image as make_image
from reds.image import read_image
from reds.layers import Conv2D, Dense, GlobalAveragePooling2D, ReLU
from reds.reference import infer
from reds.subnets import Subnet, Subnets
from reds.zoo import architecture, mlp
from targets.connect import connect, talk
from targets.emulators import qemu
from targets.firmware import Firmware, build
from targets.inventory import Device
from targets.program_memory import ProgrammableTarget
from targets.target import InferenceTime, RealInferenceTime, SwitchTime
from targets.wire_target import WireTarget

pytestmark = pytest.mark.toolchain

BOARD, WITHOUT_PROGRAM_MEMORY = "nano33ble-emu", "pico-emu"
WHOLE, SMALL = 0, 1


@dataclass(frozen=True)
class Large:
    """A float32 image that a board's RAM does not hold, or not with its arena."""

    content: bytes
    inputs: np.ndarray

    def assert_right(self, level: int, outputs: np.ndarray) -> None:
        np.testing.assert_allclose(outputs, infer(read_image(self.content), level, self.inputs), rtol=1e-4, atol=1e-5)


def large(bundle: Bundle) -> Large:
    inputs = np.random.default_rng(1).normal(size=(4, int(np.prod(bundle.architecture.input_shape)))).astype(np.float32)
    return Large(make_image(bundle, "float32", inputs), inputs)


def with_small(network: Architecture, widths: tuple[int, ...]) -> Bundle:
    """The network with random weights, and one subnetwork."""
    subnets = Subnets((Subnet("100", network.full_widths), Subnet("small", widths)))
    return replace(untrained(network, seed=5), subnets=subnets)


@pytest.fixture(scope="module")
def too_long() -> Large:
    """DNN S in float32: 328 KB of weights, for a pool of 160 KB."""
    return large(with_small(architecture("dnn_s"), (250, 20, 30, 40, 12)))


@pytest.fixture(scope="module")
def too_needy() -> Large:
    """A short image whose larger level needs 147 KB for its activations, whose smaller one 38 KB."""
    first = (Conv2D("conv1", 10, (3, 3), padding="same"), ReLU("relu1"), GlobalAveragePooling2D("pool"))
    network = Architecture("needy", (60, 60, 1), (*first, Dense("hidden", 400), Dense("classes", 3)))
    return large(with_small(network, (1, 2, 30, 3)))


def test_an_image_that_is_too_long_is_built_in_and_makes_room_again(
    device: Callable[[str], Device], logs: Path, network: Example, too_long: Large
) -> None:
    board = device(BOARD)
    with connect(board, logs) as target:
        assert not target.load(network.images["int8"]).built_in
        plain = target.identify().firmware_sha256
        for _ in range(2):
            loaded = target.load(too_long.content)
            assert (loaded.built_in, loaded.image_bytes, loaded.level_count) == (True, len(too_long.content), 2)
            assert loaded.arena_bytes == max(loaded.level_arena_bytes)
            assert target.identify().firmware_sha256 == build(board.environment, image=too_long.content).sha256 != plain
            too_long.assert_right(WHOLE, target.infer(too_long.inputs))
            target.select(SMALL)
            too_long.assert_right(SMALL, target.infer(too_long.inputs))
            assert target.time(SwitchTime(WHOLE, SMALL, 1)).samples[0] < 100
        assert not target.load(network.images["int8"]).built_in
        assert target.identify().firmware_sha256 == plain
        network.assert_right("int8", 0, target.infer(network.inputs["int8"]))


def test_an_image_without_room_for_its_arena_is_built_in(device: Callable[[str], Device], logs: Path, too_needy: Large) -> None:
    with connect(device(BOARD), logs) as target:
        assert len(too_needy.content) < target.identify().pool_bytes / 4
        loaded = target.load(too_needy.content)
        assert loaded.built_in
        assert loaded.arena_bytes == max(loaded.level_arena_bytes)
        too_needy.assert_right(WHOLE, target.infer(too_needy.inputs))


def test_a_device_without_program_memory_runs_the_levels_that_fit(
    device: Callable[[str], Device], logs: Path, too_needy: Large
) -> None:
    first = too_needy.inputs[0]
    with connect(device(WITHOUT_PROGRAM_MEMORY), logs) as target:
        loaded = target.load(too_needy.content)
        assert not loaded.built_in
        assert loaded.level_arena_bytes[SMALL] <= loaded.arena_bytes < loaded.level_arena_bytes[WHOLE]
        too_needy.assert_right(SMALL, target.infer(too_needy.inputs))
        for refused in (
            lambda: target.select(WHOLE),
            lambda: target.time(InferenceTime(WHOLE, first, 1)),
            lambda: target.time(SwitchTime(SMALL, WHOLE, 1)),
            lambda: target.time(SwitchTime(WHOLE, SMALL, 1)),
        ):
            with pytest.raises(NoRoomError, match="this level needs more memory than the arena has"):
                refused()
        too_needy.assert_right(SMALL, target.infer(too_needy.inputs))  # a refusal has changed nothing


def test_a_device_without_program_memory_refuses_what_is_too_long(
    device: Callable[[str], Device], logs: Path, network: Example, too_long: Large
) -> None:
    with connect(device(WITHOUT_PROGRAM_MEMORY), logs) as target:
        with pytest.raises(NoRoomError, match="the image does not fit in the memory pool"):
            target.load(too_long.content)
        target.load(network.images["int8"])
        network.assert_right("int8", 0, target.infer(network.inputs["int8"]))


def test_what_is_too_long_even_for_program_memory_is_an_error_and_the_device_stays_usable(
    device: Callable[[str], Device], logs: Path, network: Example
) -> None:
    widest = large(untrained(mlp("wide", 500, (500,), 5), seed=0))
    assert len(widest.content) > 960 * 1024
    with connect(device(BOARD), logs) as target:
        target.load(network.images["int8"])
        for _ in range(2):
            with pytest.raises(FlashError, match=r"(?s)region `CODE' overflowed.*build\.log"):
                target.load(widest.content)
            with pytest.raises(DeviceError, match="no image"):  # the refused one has taken its place
                target.infer(network.inputs["int8"])
        target.load(network.images["int8"])
        network.assert_right("int8", 0, target.infer(network.inputs["int8"]))


def test_a_device_that_could_not_be_restarted_is_started_again(
    device: Callable[[str], Device], logs: Path, network: Example, too_long: Large
) -> None:
    board, started = device(BOARD), []

    @contextmanager
    def start(firmware: Firmware) -> Iterator[WireTarget]:
        started.append(firmware)
        if len(started) == 2:
            raise DeviceError("the upload went wrong")
        with talk(board, firmware, logs / "log") as target:
            yield target

    with closing(ProgrammableTarget(lambda image: build(board.environment, image=image), start)) as target:
        target.load(network.images["int8"])
        with pytest.raises(DeviceError, match="the upload went wrong"):
            target.load(too_long.content)
        for use in (target.identify, lambda: target.select(0), lambda: target.time(SwitchTime(0, 1, 1))):
            with pytest.raises(TransportError, match="could not be restarted"):
                use()
        target.load(network.images["int8"])
        network.assert_right("int8", 0, target.infer(network.inputs["int8"]))
        target.load(too_long.content)
        too_long.assert_right(WHOLE, target.infer(too_long.inputs))
    assert [firmware.image is not None for firmware in started] == [False, True, False, True]


def test_a_device_is_left_alone_where_its_firmware_cannot_be_built(
    device: Callable[[str], Device], logs: Path, too_long: Large
) -> None:
    """Nothing but a new firmware restarts a device, and a failed build is none."""
    board, started = device(BOARD), []

    def make(image: bytes) -> Firmware:
        if image:
            raise FlashError("no compiler to-day")
        return build(board.environment)

    def start(firmware: Firmware) -> AbstractContextManager[WireTarget]:
        started.append(firmware)
        return talk(board, firmware, logs / "log")

    with closing(ProgrammableTarget(make, start)) as target:
        with pytest.raises(FlashError, match="no compiler to-day"):
            target.load(too_long.content)
        assert target.identify().firmware_sha256 == started[0].sha256
        with pytest.raises(DeviceError, match="no image is loaded"):
            target.select(0)
    assert len(started) == 1


def test_an_image_that_ram_took_is_not_loaded_where_its_firmware_cannot_be_built(
    device: Callable[[str], Device], logs: Path, network: Example, too_needy: Large
) -> None:
    board = device(BOARD)

    def make(image: bytes) -> Firmware:
        if image:
            raise FlashError("no compiler to-day")
        return build(board.environment)

    with closing(ProgrammableTarget(make, lambda firmware: talk(board, firmware, logs / "log"))) as target:
        target.load(network.images["int8"])
        for _ in range(2):
            with pytest.raises(FlashError, match="no compiler to-day"):
                target.load(too_needy.content)
            for use in (
                lambda: target.select(SMALL),
                lambda: target.infer(too_needy.inputs),
                lambda: target.time(InferenceTime(SMALL, too_needy.inputs[0], 1)),
            ):
                with pytest.raises(DeviceError, match="no image is loaded"):
                    use()
        target.load(network.images["int8"])
        network.assert_right("int8", 0, target.infer(network.inputs["int8"]))


@pytest.mark.parametrize("name", ["host", BOARD, WITHOUT_PROGRAM_MEMORY])
def test_a_built_in_image_is_one_among_others(name: str, device: Callable[[str], Device], logs: Path, network: Example) -> None:
    """It can be opened at any time, and sent images take its place."""
    found = device(name)
    firmware = build(found.environment, image=network.images["int8"])
    with talk(found, firmware, logs / "log") as target:
        for _ in range(2):
            loaded = target.load_built_in(len(network.images["int8"]))
            assert (loaded.built_in, loaded.level_count) == (True, network.levels)
            network.assert_right("int8", 0, target.infer(network.inputs["int8"]))
            target.load(network.images["float32"])
            network.assert_right("float32", 0, target.infer(network.inputs["float32"]))


def test_a_firmware_without_an_image_says_so(device: Callable[[str], Device], logs: Path, network: Example) -> None:
    found = device("host")
    with talk(found, build(found.environment), logs / "log") as target:
        target.load(network.images["int8"])
        with pytest.raises(DeviceError, match=r"(?s)refused LOAD_BUILT_IN.*no image is built into this firmware"):
            target.load_built_in(1)
        with pytest.raises(DeviceError, match="no image is loaded"):
            target.select(0)


def test_a_damaged_image_that_was_built_in_is_refused(device: Callable[[str], Device], logs: Path, network: Example) -> None:
    found, content = device("host"), network.images["int8"]
    damaged = content[:-1] + bytes([content[-1] ^ 1])
    with (
        talk(found, build(found.environment, image=damaged), logs / "log") as target,
        pytest.raises(DeviceError, match=r"(?s)refused LOAD_BUILT_IN.*checksum"),
    ):
        target.load_built_in(len(damaged))


def test_a_real_inference_needs_room_for_floats(device: Callable[[str], Device], logs: Path) -> None:
    """Beside a long int8 image and its arena there may be room for an int8 input alone."""
    bundle = untrained(mlp("tight", 4000, (33,), 5), seed=0)
    inputs = np.zeros((1, 4000), np.float32)
    content = make_image(bundle, "int8", inputs + 1)
    with connect(device(WITHOUT_PROGRAM_MEMORY), logs) as target:
        loaded = target.load(content)
        left = target.identify().pool_bytes - len(content) - loaded.arena_bytes
        assert 4000 <= left < 16000
        target.time(InferenceTime(0, inputs[0].astype(np.int8), 1))
        with pytest.raises(NoRoomError):
            target.time(RealInferenceTime(0, inputs[0], 1))


def test_a_board_behind_a_network_port_takes_what_fits_and_no_other_firmware(
    device: Callable[[str], Device], logs: Path, network: Example, too_long: Large
) -> None:
    emulated = device(BOARD)
    with on_tcp(qemu.command(build(emulated.environment))) as port:
        board = Device("board", "nano33ble", emulated.environment, port, 115200, emulated.answer_timeout_s)
        with connect(board, logs) as target:
            for _ in range(2):
                with pytest.raises(DeviceError, match=r"(?s)does not run firmware.*upload nano33ble-emu where the board is"):
                    target.load(too_long.content)
                target.load(network.images["int8"])
                network.assert_right("int8", 0, target.infer(network.inputs["int8"]))
