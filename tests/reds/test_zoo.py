"""The zoo: what the publications, and the published networks themselves, say of each architecture's size and cost."""

from __future__ import annotations

import pytest

from reds.errors import ConfigError
from reds.zoo import ZOO, architecture
from reds.zoo.separable import mobilenet_v1

# Parameters (batch norm's four vectors included) and multiply-adds of convolutions and dense layers.
PUBLISHED = {
    "mlp1": (2_960 + 50, 2_960),
    "mlp3": (5_060 + 100, 5_060),
    "mlp11": (17_360 + 410, 17_360),
    "cnn8": (9_156, 1_078_896),
    "dnn_s": (79_644, 79_200),
    "dnn_m": (198_924, 198_144),
    "dnn_l": (495_744, 494_424),
    "cnn_s": (69_982, 2_498_304),
    "cnn_m": (179_404, 8_633_856),
    "cnn_l": (477_262, 12_636_672),
    "ds_cnn_s": (24_908, 2_656_768),
    "ds_cnn_m": (141_224, 9_816_384),
    "ds_cnn_l": (422_844, 28_327_812),
    "ds_cnn_s_fashion_mnist": (34_954, 3_788_544),
    "ds_cnn_s_cifar10": (30_986, 5_234_176),
    "mobilenet_v1_1_96": (3_230_914, 104_276_480),
    "mobilenet_v1_0.25_96": (219_058, 7_489_664),
}
SCALED = {
    "mobilenet_v1_1.0_96": (3_230_914, 104_276_480),
    "mobilenet_v1_0.75_96": (1_834_514, 59_627_904),
    "mobilenet_v1_0.5_96": (830_562, 27_365_632),
    "mobilenet_v1_.25_96": (219_058, 7_489_664),
    "mobilenet_v1_1.0_224": (3_230_914, 567_718_400),
    # Parameters as Keras counts those of the published network; multiply-adds with its head instead of that of two classes.
    "mobilenet_v1_1_224_imagenet": (4_253_864, 567_718_400 - 2 * 1024 + 1000 * 1024),
}
TRAINABLE = {"cnn_s": 69_610, "cnn_m": 178_924, "cnn_l": 476_734, "ds_cnn_s": 23_756, "ds_cnn_m": 138_128, "ds_cnn_l": 416_772}

# Multiply-adds layer by layer.
LAYERS = {
    "cnn_s": {"conv1": 313_600, "conv2": 2_150_400, "linear": 30_720, "hidden": 2_048, "classes": 1_536},
    "ds_cnn_s": {"conv1": 320_000, "classes": 768}
    | {f"depthwise{i}": 72_000 for i in range(1, 5)}
    | {f"pointwise{i}": 512_000 for i in range(1, 5)},
    "ds_cnn_l": {"conv1": 2_760_000, "classes": 3_312}
    | {f"depthwise{i}": 161_460 for i in range(1, 6)}
    | {f"pointwise{i}": 4_951_440 for i in range(1, 6)},
}
PARAMETERS = {"cnn_s": {"conv1": 1_148, "conv2": 33_630, "linear": 30_736, "hidden": 2_176, "classes": 1_548}}

# Output shapes of the layers that decide the others'.
SHAPES = {
    "cnn_s": {"conv1": (40, 7, 28), "conv2": (16, 4, 30), "flatten": (1920,)},
    "cnn_m": {"flatten": (3072,)},
    "cnn_l": {"flatten": (4864,)},
    "cnn8": {"flatten": (336,)},
    "ds_cnn_s": {"conv1": (25, 5, 64), "depthwise1": (25, 5, 64), "pool": (64,)},
    "ds_cnn_m": {"conv1": (25, 10, 172), "depthwise1": (13, 5, 172)},
    "ds_cnn_l": {"conv1": (25, 10, 276), "depthwise1": (13, 5, 276), "pointwise5": (13, 5, 276)},
    "ds_cnn_s_fashion_mnist": {"conv1": (14, 14, 64), "pool": (2, 10, 64), "flatten": (1280,)},
    "ds_cnn_s_cifar10": {"conv1": (16, 16, 64), "pool": (1, 12, 64), "flatten": (768,)},
    "mobilenet_v1_1_96": {"conv1": (48, 48, 32), "depthwise2": (24, 24, 64), "pointwise13": (3, 3, 1024), "classes": (2,)},
}


def test_every_architecture_is_held_against_its_publication() -> None:
    assert PUBLISHED.keys() == ZOO.keys()


@pytest.mark.parametrize(("name", "parameters", "macs"), [(name, *figures) for name, figures in (PUBLISHED | SCALED).items()])
def test_parameters_and_macs_are_the_published_ones(name: str, parameters: int, macs: int) -> None:
    network = architecture(name)
    cost = network.cost(network.full_widths)
    assert (cost.parameters, cost.macs) == (parameters, macs)


@pytest.mark.parametrize(("name", "parameters"), TRAINABLE.items())
def test_the_rest_of_the_parameters_are_statistics(name: str, parameters: int) -> None:
    network = architecture(name)
    statistics = [w for w in network.weights.values() if w.name.endswith(("/moving_mean", "/moving_variance"))]
    held = sum(weight.shape(network.full_widths)[0] for weight in statistics)
    assert network.cost(network.full_widths).parameters - held == parameters


@pytest.mark.parametrize(("name", "macs"), LAYERS.items())
def test_macs_layer_by_layer(name: str, macs: dict[str, int]) -> None:
    network = architecture(name)
    assert {layer.name: layer.macs for layer in network.cost(network.full_widths).layers if layer.macs} == macs


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_parameters_layer_by_layer(name: str, parameters: dict[str, int]) -> None:
    network = architecture(name)
    costs = {layer.name: layer.parameters for layer in network.cost(network.full_widths).layers}
    assert {layer: costs[layer] for layer in parameters} == parameters


@pytest.mark.parametrize(("name", "shapes"), SHAPES.items())
def test_shapes_layer_by_layer(name: str, shapes: dict[str, tuple[int, ...]]) -> None:
    found = {placed.layer.name: placed.output_shape for placed in architecture(name).placed}
    assert {layer: found[layer] for layer in shapes} == shapes


@pytest.mark.parametrize(
    ("name", "widths", "share"),
    [
        ("dnn_s", (99, 132, 99), 0.658),
        ("dnn_s", (15, 75, 33), 0.098),
        ("ds_cnn_s", (31, 63, 64, 42, 42), 0.634),
        ("ds_cnn_s", (9, 22, 48, 12, 63), 0.177),
        ("ds_cnn_l", (90, 243, 265, 276, 69, 276), 0.505),
    ],
)
def test_published_subnetworks_have_the_published_share_of_macs(name: str, widths: tuple[int, ...], share: float) -> None:
    network = architecture(name)
    cut = network.cost((network.full_widths[0], *widths, network.full_widths[-1]))
    assert cut.macs / network.cost(network.full_widths).macs == pytest.approx(share, abs=6e-4)


@pytest.mark.parametrize(("filters", "share"), [((27, 20), 0.684), ((25, 12), 0.426), ((22, 4), 0.192)])
def test_published_convolutions_with_whole_dense_layers(filters: tuple[int, int], share: float) -> None:
    network = architecture("cnn_s")
    cut = network.cost((1, *filters, *network.full_widths[3:]))
    assert cut.macs / network.cost(network.full_widths).macs == pytest.approx(share, abs=6e-4)


def test_a_network_has_the_name_it_is_found_by() -> None:
    assert [architecture(name).name for name in ZOO] == list(ZOO)
    assert mobilenet_v1(0.5, 128, 10).classes == 10
    assert architecture("mobilenet_v1_0.5_160_imagenet").classes == 1000
    kinds = {layer.kind for layer in architecture("mobilenet_v1_1_224_imagenet").layers}
    assert "relu6" in kinds
    assert "leaky_relu" not in kinds


@pytest.mark.parametrize("name", ["mobilenet_v1_0_96", "mobilenet_v1_0.0_96", "mobilenet_v1_1_0", "mobilenet_v1_1_2"])
def test_a_mobilenet_of_no_size_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        architecture(name)


@pytest.mark.parametrize(("name", "nearest"), [("ds_cnn_x", "ds_cnn_s"), ("mobilenet_v1", "mobilenet_v1_1_96"), ("dnn", "dnn_s")])
def test_an_unknown_name_is_met_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match=nearest):
        architecture(name)
