"""What each class of Keras layers is among our records.

Settings are those of `keras.layers` in Keras 3. Regularisers, constraints and initialisers decide nothing after training: they
are not read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from reds.architecture import Architecture
from reds.importing.keras_chain import KerasLayer
from reds.importing.keras_records import Chain
from reds.layers import (
    AveragePooling2D,
    BatchNorm,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePooling2D,
    LeakyReLU,
    MaxPooling2D,
    Padding,
    ReLU,
    ReLU6,
    Shape,
)

# What `activation="leaky_relu"` means in Keras 3; the layer's own default is another (0.3).
_NAMED_SLOPE = 0.2

Translator = Callable[[Chain, KerasLayer], None]


def _weighted(layer: KerasLayer, *arrays: str) -> tuple[str, ...]:
    return (*arrays, "bias") if layer.flag("use_bias") else arrays


def _dense(chain: Chain, layer: KerasLayer) -> None:
    record = Dense(chain.free_name(layer.name), layer.whole("units"), layer.flag("use_bias"))
    chain.add(layer, record, *_weighted(layer, "kernel"))
    _activate(chain, layer)


def _conv2d(chain: Chain, layer: KerasLayer) -> None:
    layer.require(groups=1, dilation_rate=(1, 1), data_format="channels_last")
    name, padding = chain.free_name(layer.name), chain.padding_of(layer)
    size, strides = layer.pair("kernel_size"), layer.pair("strides")
    record = Conv2D(name, layer.whole("filters"), size, strides, padding, layer.flag("use_bias"))
    chain.add(layer, record, *_weighted(layer, "kernel"))
    _activate(chain, layer)


def _depthwise_conv2d(chain: Chain, layer: KerasLayer) -> None:
    layer.require(depth_multiplier=1, dilation_rate=(1, 1), data_format="channels_last")
    name, padding = chain.free_name(layer.name), chain.padding_of(layer)
    record = DepthwiseConv2D(name, layer.pair("kernel_size"), layer.pair("strides"), padding, layer.flag("use_bias"))
    chain.add(layer, record, *_weighted(layer, "kernel"))
    _activate(chain, layer)


def _separable_conv2d(chain: Chain, layer: KerasLayer) -> None:
    """Two layers: depthwise without bias, then pointwise."""
    layer.require(depth_multiplier=1, dilation_rate=(1, 1), data_format="channels_last")
    name, padding = chain.free_name(f"{layer.name}_depthwise"), chain.padding_of(layer)
    chain.add(layer, DepthwiseConv2D(name, layer.pair("kernel_size"), layer.pair("strides"), padding, use_bias=False), "kernel")
    pointwise = Conv2D(chain.free_name(layer.name), layer.whole("filters"), (1, 1), use_bias=layer.flag("use_bias"))
    chain.add(layer, pointwise, *_weighted(layer, "kernel"), first=1)
    _activate(chain, layer)


def _batch_norm(chain: Chain, layer: KerasLayer) -> None:
    axis = layer.config.get("axis", -1)
    if axis not in (-1, len(chain.shape), [-1], [len(chain.shape)]):
        raise layer.refused(f"axis {axis!r} of an input with {len(chain.shape) + 1} axes", "normalise the last axis")
    layer.require(renorm=False)
    record = BatchNorm(chain.free_name(layer.name), layer.real("epsilon"))
    held = {"gamma": layer.flag("scale"), "beta": layer.flag("center"), "moving_mean": True, "moving_variance": True}
    chain.add(layer, record, *(array for array, there in held.items() if there))
    left_out = {"gamma": 1.0, "beta": 0.0}
    chain.constants.update({f"{record.name}/{name}": value for name, value in left_out.items() if not held[name]})


def _average_pooling(chain: Chain, layer: KerasLayer) -> None:
    chain.add(layer, AveragePooling2D(*_pooling(chain, layer)))


def _max_pooling(chain: Chain, layer: KerasLayer) -> None:
    chain.add(layer, MaxPooling2D(*_pooling(chain, layer)))


def _pooling(chain: Chain, layer: KerasLayer) -> tuple[str, tuple[int, int], tuple[int, int], Padding]:
    layer.require(data_format="channels_last")
    padding = layer.config.get("padding")
    if padding not in ("valid", "same"):
        raise layer.refused(f"padding {padding!r}", "use padding 'valid' or 'same'")
    return chain.free_name(layer.name), layer.pair("pool_size"), layer.pair("strides"), padding


def _global_average_pooling(chain: Chain, layer: KerasLayer) -> None:
    """With `keepdims` the output stays a map of one position: pooling in a window as large as the map."""
    layer.require(data_format="channels_last")
    name = chain.free_name(layer.name)
    if "keepdims" in layer.config and layer.flag("keepdims") and len(chain.shape) == 3:
        chain.add(layer, AveragePooling2D(name, (chain.shape[0], chain.shape[1]), (1, 1)))
    else:
        chain.add(layer, GlobalAveragePooling2D(name))


def _flatten(chain: Chain, layer: KerasLayer) -> None:
    layer.require(data_format="channels_last")
    _reshape_to(chain, layer, (math.prod(chain.shape),))


def _reshape(chain: Chain, layer: KerasLayer) -> None:
    target = layer.config.get("target_shape")
    sizes = tuple(target) if isinstance(target, (list, tuple)) else ()
    if not sizes or not all(isinstance(size, int) for size in sizes):
        raise layer.refused(f"target_shape {target!r}")
    known = math.prod(size for size in sizes if size != -1)
    rest = math.prod(chain.shape) // known if known > 0 else 0
    _reshape_to(chain, layer, tuple(rest if size == -1 else size for size in sizes))


def _reshape_to(chain: Chain, layer: KerasLayer, shape: Shape) -> None:
    """A new shape of the input, or none at all, or a flattening."""
    if min(shape) < 1 or math.prod(shape) != math.prod(chain.shape):
        raise layer.refused(f"{chain.shape} as {shape}")
    if shape == chain.shape or chain.reshape_input(shape):
        return
    if len(shape) != 1:
        raise layer.refused(f"{chain.shape} as {shape}", "reshape the input only, or flatten")
    chain.add(layer, Flatten(chain.free_name(layer.name)))


def _zero_padding(chain: Chain, layer: KerasLayer) -> None:
    layer.require(data_format="channels_last")
    match layer.config.get("padding"):
        case [[int(top), int(bottom)], [int(left), int(right)]] if min(top, bottom, left, right) >= 0:
            chain.pad(layer, ((top, bottom), (left, right)))
        case other:
            raise layer.refused(f"padding {other!r}", "give ((top, bottom), (left, right))")


def _relu(chain: Chain, layer: KerasLayer) -> None:
    layer.require(threshold=0)
    slope, most, name = layer.config.get("negative_slope") or 0, layer.config.get("max_value"), chain.free_name(layer.name)
    if slope and most is None:
        chain.add(layer, LeakyReLU(name, layer.real("negative_slope")))
    elif not slope and most in (None, 6):
        chain.add(layer, ReLU(name) if most is None else ReLU6(name))
    else:
        raise layer.refused(f"max_value {most}, negative_slope {slope}", "use ReLU, ReLU with max_value 6, or LeakyReLU")


def _leaky_relu(chain: Chain, layer: KerasLayer) -> None:
    chain.add(layer, LeakyReLU(chain.free_name(layer.name), layer.real("negative_slope")))


def _softmax(chain: Chain, layer: KerasLayer) -> None:
    if layer.config.get("axis", -1) not in (-1, len(chain.shape)):
        raise layer.refused(f"axis {layer.config['axis']!r}", "use softmax over the last axis")
    chain.end(layer)


_NAMED_ACTIVATIONS: Mapping[str, Callable[[Chain, KerasLayer], None]] = {
    "linear": lambda _chain, _layer: None,
    "relu": lambda chain, layer: chain.add(layer, ReLU(chain.free_name(layer.name))),
    "relu6": lambda chain, layer: chain.add(layer, ReLU6(chain.free_name(layer.name))),
    "leaky_relu": lambda chain, layer: chain.add(layer, LeakyReLU(chain.free_name(layer.name), _NAMED_SLOPE)),
    "softmax": lambda chain, layer: chain.end(layer),
}
_ACTIVATION_LAYERS: Mapping[str, Translator] = {"ReLU": _relu, "LeakyReLU": _leaky_relu, "Softmax": _softmax}


def _activate(chain: Chain, layer: KerasLayer) -> None:
    """The setting `activation` of a layer: a name, or an activation layer."""
    _activation_of(chain, layer, f"{layer.name}_activation")


def _activation(chain: Chain, layer: KerasLayer) -> None:
    _activation_of(chain, layer, layer.name)


def _activation_of(chain: Chain, layer: KerasLayer, name: str) -> None:
    match layer.config.get("activation", "linear"):
        case str(function) if function in _NAMED_ACTIVATIONS:
            _NAMED_ACTIVATIONS[function](chain, KerasLayer(name, layer.class_name, layer.config))
        case {"module": "keras.layers", "class_name": str(kind), "config": dict(config)} if kind in _ACTIVATION_LAYERS:
            _ACTIVATION_LAYERS[kind](chain, KerasLayer(name, kind, config))
        case other:
            raise layer.refused(f"activation {_described(other)}", f"activations here: {', '.join(_NAMED_ACTIVATIONS)}")


def _described(activation: object) -> str:
    """An activation as Keras writes it down: functions that are not its own as mappings, of a lambda only the code."""
    match activation:
        case {"class_name": "function", "config": str(name)}:
            return f"{name!r}, a function that is not of Keras"
        case {"class_name": "__lambda__"} | {"value": _}:
            return "that is a lambda"
        case {"module": None, "class_name": str(kind)}:
            return f"{kind!r}, a class that is not of Keras"
        case {"class_name": str(kind)}:
            return repr(kind)
    return repr(activation)


def _nothing(_chain: Chain, _layer: KerasLayer) -> None:
    """A layer that computes nothing at inference."""


TRANSLATORS: Mapping[str, Translator] = {
    "Dense": _dense,
    "Conv2D": _conv2d,
    "DepthwiseConv2D": _depthwise_conv2d,
    "SeparableConv2D": _separable_conv2d,
    "BatchNormalization": _batch_norm,
    "AveragePooling2D": _average_pooling,
    "MaxPooling2D": _max_pooling,
    "GlobalAveragePooling2D": _global_average_pooling,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "ZeroPadding2D": _zero_padding,
    "Activation": _activation,
    **_ACTIVATION_LAYERS,
    **dict.fromkeys(("Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "ActivityRegularization"), _nothing),
}
"""By class name of Keras."""

_REASONS: Mapping[str, str] = {
    **dict.fromkeys(("Rescaling", "Normalization", "Resizing"), "prepare the data instead, and remove the layer"),
    **dict.fromkeys(("Sequential", "Functional", "Model"), "put the inner model's layers into the model itself"),
}


def translated(name: str, input_shape: Shape, layers: list[KerasLayer]) -> tuple[Architecture, Chain]:
    """The network of a chain of Keras layers, and where its arrays are.

    Raises:
        ConfigError: a layer that cannot be nested or expressed, by its name, with its class and what is supported.
    """
    chain = Chain(input_shape)
    for layer in layers:
        if layer.class_name not in TRANSLATORS:
            supported = f"layers here: {', '.join(TRANSLATORS)}"
            raise layer.refused("no layer of this class here", _REASONS.get(layer.class_name.rpartition(".")[2], supported))
        TRANSLATORS[layer.class_name](chain, layer)
    return chain.finished(name), chain
