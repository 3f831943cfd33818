"""Our records of a chain of Keras layers, one after the other, with the place of each of their arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

from reds.architecture import Architecture
from reds.errors import ConfigError
from reds.importing.keras_chain import KerasLayer
from reds.layers import Layer, Padding, Shape

# Names that a layer cannot have here: the input's channel group, and the input of the Keras models made of bundles.
_TAKEN = ("input", "inputs")


@dataclass
class Chain:
    """Our records of a chain of Keras layers, in the making.

    Attributes:
        shape: of the output so far, without the batch.
        input_shape: of the network; follows a reshaping of the input.
        layers: the records.
        arrays: by weight name, the Keras layer that holds the array, and the array's position among that layer's.
        counts: by Keras layer, how many arrays it holds.
        constants: by weight name, the number that fills an array which the Keras layer leaves out.
    """

    shape: Shape
    input_shape: Shape = ()
    layers: list[Layer] = field(default_factory=list)
    arrays: dict[str, tuple[str, int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)
    _padding: Padding | None = None
    _softmax: str | None = None

    def __post_init__(self) -> None:
        self.input_shape = self.shape

    def free_name(self, wanted: str) -> str:
        """The name, or with a number after it where it is taken."""
        taken = {*_TAKEN, *(layer.name for layer in self.layers)}
        numbered = (f"{wanted}_{number}" for number in range(2, len(taken) + 3))
        return wanted if wanted not in taken else next(name for name in numbered if name not in taken)

    def add(self, source: KerasLayer, record: Layer, *arrays: str, first: int = 0) -> None:
        """Append a record; `arrays` are the names of its arrays in the order in which the Keras layer holds them."""
        if self._padding is not None:
            raise source.refused("zero padding before it", "put ZeroPadding2D right before a convolution with padding 'valid'")
        if self._softmax is not None:
            raise source.refused(f"the softmax {self._softmax!r} before it", "use softmax only at the end")
        self.shape = record.output_shape(self.shape, record.units or self.channels)
        self.layers.append(record)
        for index, array in enumerate(arrays, start=first):
            self.arrays[f"{record.name}/{array}"] = source.name, index
        if arrays:
            self.counts[source.name] = first + len(arrays)

    @property
    def channels(self) -> int:
        """Channels of the group that the output so far belongs to."""
        return next((layer.units for layer in reversed(self.layers) if layer.units), self.input_shape[-1])

    def reshape_input(self, shape: Shape) -> bool:
        """Let the network's input have another shape; false where something has been computed already."""
        if self.layers or self._padding is not None:
            return False
        self.shape = self.input_shape = shape
        return True

    def pad(self, source: KerasLayer, padding: Padding) -> None:
        """Zeros around the map, for the convolution that follows."""
        if self._padding is not None:
            raise source.refused("zero padding before it", "use one ZeroPadding2D before a convolution")
        self._padding = padding

    def padding_of(self, source: KerasLayer) -> Padding:
        """The padding of a convolution: its own, or that of a ZeroPadding2D before it."""
        own = source.config.get("padding")
        if self._padding is None:
            if own not in ("valid", "same"):
                raise source.refused(f"padding {own!r}", "use padding 'valid' or 'same'")
            return own
        if own != "valid":
            raise source.refused(f"zero padding before it, and padding {own!r}", "use padding 'valid' after ZeroPadding2D")
        padding, self._padding = self._padding, None
        return padding

    def end(self, source: KerasLayer) -> None:
        """Leave out a softmax, after which nothing may be computed."""
        self._softmax = source.name

    def finished(self, name: str) -> Architecture:
        """The network.

        Raises:
            ConfigError: it does not end with one number for each class.
        """
        architecture = Architecture(name, self.input_shape, tuple(self.layers))
        if self._padding is not None:
            raise ConfigError(f"the Keras model {name!r} ends with zero padding", do="remove it")
        if self.shape != (architecture.classes,):
            raise ConfigError(
                f"the Keras model {name!r} does not end with one number for each class",
                seen=f"output shape {self.shape}",
                do="end it with Dense, or with GlobalAveragePooling2D after a convolution of as many channels",
            )
        return architecture
