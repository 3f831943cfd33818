"""What the tests measure: trained networks with their data, and the images they become in each precision."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from harness.artifacts import artifacts_of
from harness.combinations import Model
from harness.matrix import Matrix
from reds.architecture import Cost
from reds.bundle import Bundle
from reds.calibration import calibration_inputs
from reds.datasets.samples import stratified
from reds.datasets.split import Split, open_split
from reds.export import image as make_image
from reds.image import Image, read_image
from reds.image.layouts import CHOICES
from reds.image.operations import Operation, operations
from reds.layers import Widths
from reds.pipeline import locate
from reds.recipe import Recipe
from reds.reference import infer
from reds.stages import Stage


@dataclass(frozen=True)
class Network:
    """A trained network, its data, and what Keras makes of the test split.

    Attributes:
        split: x_train, y_train, x_test, y_test, mapped from disk.
        logits: float32 (levels, n_test, classes), as Keras computed them.
    """

    recipe: Recipe
    bundle: Bundle
    split: Split
    logits: np.ndarray
    sha256: str

    def cost(self, subnet: str) -> Cost:
        """What a subnetwork costs, layer by layer."""
        subnets = self.bundle.subnets
        return self.bundle.architecture.cost(subnets[subnets.level(subnet)].widths)

    def macs(self, subnet: str) -> int:
        """True multiply-adds of one inference of a subnetwork."""
        return self.cost(subnet).macs

    def test_sample(self, count: int) -> np.ndarray:
        """Indices of test samples, the same share of every class."""
        return stratified(np.asarray(self.split.y_test), count, self.recipe.seed)


@dataclass(frozen=True)
class Deployment:
    """A network as an image of one precision: what devices are given."""

    network: Network
    content: bytes

    @cached_property
    def sha256(self) -> str:
        """Of the image."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def image(self) -> Image:
        """The image as the reference reads it."""
        return read_image(self.content)

    def level(self, subnet: str) -> int:
        """The number of a subnetwork's level."""
        return self.image.level(subnet)

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """Names of the image's layers, in the order in which a device runs and times them."""
        return tuple(operation.name for operation in operations(self.network.bundle.architecture))

    def layer_activation_bytes(self, level: int) -> tuple[int, ...]:
        """Bytes of the inputs and outputs of each layer at `level`, in the order of `layers`."""
        element_bytes, bundle = self.image.element_type.itemsize, self.network.bundle
        widths = bundle.subnets[level].widths
        return tuple(element_bytes * activation_elements(operation, widths) for operation in operations(bundle.architecture))

    def test_inputs(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Test samples (n, input_elements) in the image's element type."""
        return self.image.quantise_inputs(self.network.split.x_test[indices])

    def reference(self, level: int, inputs: np.ndarray) -> np.ndarray:
        """Outputs (n, output_elements) that a device must give, in the image's element type."""
        return infer(self.image, level, inputs)

    def real_outputs(self, level: int, outputs: np.ndarray) -> np.ndarray:
        """Outputs in real values, float32."""
        return self.image.dequantise_outputs(level, outputs)


def activation_elements(operation: Operation, widths: Widths) -> int:
    """Elements of the input and the output of one layer of an image in a subnetwork of these widths."""
    inside = math.prod(operation.input_size) * operation.inputs(widths)
    return inside + math.prod(operation.windows.output_size) * operation.outputs(widths)


class Networks:
    """The networks of a matrix, each read once and kept.

    Args:
        matrix: says how each model is made.
    """

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self._networks: dict[Model, Network] = {}
        self._deployments: dict[tuple[Model, str, str], Deployment] = {}

    def network(self, model: Model) -> Network:
        """The trained network of a model.

        Raises:
            MissingError: it has not been made.
        """
        if model not in self._networks:
            recipe = self._matrix.recipes[model.architecture, model.dataset]
            files = artifacts_of(recipe)
            bundle = Bundle.load(files.bundle)
            self._networks[model] = Network(recipe, bundle, open_split(files.data), files.logits(), bundle.content_hash())
        return self._networks[model]

    def deployment(self, model: Model, precision: str, layouts: str) -> Deployment:
        """The image of a model in one precision, its weights ordered as a device wants them; made once and kept in the cache."""
        key = (model, precision, layouts)
        if key not in self._deployments:
            network = self.network(model)
            count = self._matrix.samples.calibration
            self._deployments[key] = Deployment(network, _image(network, precision, count, layouts))
        return self._deployments[key]

    def found(self, model: Model, precision: str, layouts: str) -> Deployment | None:
        """The image of a model, None where it, or the model, has not been made yet."""
        if locate(self._matrix.recipes[model.architecture, model.dataset]) is None:
            return None
        inputs = _image_inputs(self.network(model), precision, self._matrix.samples.calibration, layouts)[0]
        return None if IMAGE.find(IMAGE.key(inputs)) is None else self.deployment(model, precision, layouts)


IMAGE = Stage("image", "reds.export", "making images")


def _image(network: Network, precision: str, calibration_samples: int, layouts: str) -> bytes:
    """The image of a network, from the cache where it lies since it was made first."""
    inputs, calibration = _image_inputs(network, precision, calibration_samples, layouts)

    def make(folder: Path) -> None:
        content = make_image(network.bundle, precision, calibration, CHOICES[layouts])
        (folder / "network.reds").write_bytes(content)

    return (IMAGE.build(inputs, make) / "network.reds").read_bytes()


def _image_inputs(
    network: Network, precision: str, calibration_samples: int, layouts: str
) -> tuple[Mapping[str, str], np.ndarray]:
    """What decides an image, and the samples (n, input_elements) that its int8 scales are taken from."""
    calibration = calibration_inputs(network.split, calibration_samples)
    digest = hashlib.sha256(np.ascontiguousarray(calibration, "<f4").tobytes()).hexdigest()
    return {"bundle": network.sha256, "precision": precision, "calibration": digest, "layouts": layouts}, calibration
