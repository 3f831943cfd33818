"""What a Keras model says of itself (`get_config`), as a list of layers one after the other; branches are refused.

It is read here without Keras: nothing of an untrusted archive is ever handed to Keras's own loading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reds.errors import ConfigError

Config = Mapping[str, Any]

_LINEAR = "a network here is a chain: one input, one output, every layer used once"


@dataclass(frozen=True)
class KerasLayer:
    """A layer of a Keras model: its name, the name of its class, and its settings.

    The methods raise ConfigError, naming the layer, for a setting that is absent or not what it must be.
    """

    name: str
    class_name: str
    config: Config

    def refused(self, why: str, do: str | None = None) -> ConfigError:
        """The error for this layer."""
        return ConfigError(f"the Keras layer {self.name!r} ({self.class_name}) cannot be nested or expressed", seen=why, do=do)

    def require(self, **settings: Any) -> None:
        """Each setting, where it is given, has this value."""
        for key, value in settings.items():
            found = _plain(self.config.get(key, value))
            if found != value:
                raise self.refused(f"{key} {found!r}", f"use {key} {value!r}")

    def whole(self, key: str) -> int:
        """A positive whole number."""
        value = self.config.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.refused(f"{key} {value!r}", "give a positive whole number")
        return value

    def pair(self, key: str) -> tuple[int, int]:
        """Two positive whole numbers; one stands for two."""
        value = _plain(self.config.get(key))
        pair = value if isinstance(value, tuple) else (value, value)
        if len(pair) != 2 or any(isinstance(item, bool) or not isinstance(item, int) or item < 1 for item in pair):
            raise self.refused(f"{key} {value!r}", "give two positive whole numbers")
        return pair

    def real(self, key: str) -> float:
        """A number."""
        value = self.config.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.refused(f"{key} {value!r}", "give a number")
        return float(value)

    def flag(self, key: str) -> bool:
        """True or false; true where it is not given, as in Keras."""
        value = self.config.get(key, True)
        if not isinstance(value, bool):
            raise self.refused(f"{key} {value!r}", "give true or false")
        return value


def chain(model: Config) -> tuple[tuple[int, ...], list[KerasLayer]]:
    """The shape of an input, without the batch, and the layers of a sequential or functional model, input layer left out.

    Raises:
        ConfigError: it is not a chain, or the shape of its input is not known.
    """
    stated = model.get("layers")
    if not isinstance(stated, Sequence) or isinstance(stated, str) or not all(isinstance(item, Mapping) for item in stated):
        raise ConfigError(
            "the Keras model does not list its layers", do="make it with keras.Sequential or keras.Model(inputs, outputs)"
        )
    if "input_layers" in model:
        _check_linear(model, stated)
    layers = [_layer(item) for item in stated]
    inputs = [layer for layer in layers if layer.class_name == "InputLayer"]
    if len(inputs) > 1:
        raise inputs[1].refused("more than one input", _LINEAR)
    batch_shape = inputs[0].config.get("batch_shape") if inputs else model.get("build_input_shape")
    return _input_shape(batch_shape), [layer for layer in layers if layer.class_name != "InputLayer"]


def _layer(item: Config) -> KerasLayer:
    config = item.get("config")
    name = config.get("name") if isinstance(config, Mapping) else None
    if not isinstance(config, Mapping) or not isinstance(name, str) or not name or "/" in name:
        raise ConfigError("a layer of the Keras model is not well formed", seen=f"{item.get('class_name')!r}, name {name!r}")
    module, class_name = item.get("module", "keras.layers"), str(item.get("class_name"))
    if module is None:
        return KerasLayer(name, f"{class_name}, a class that is not of Keras", config)
    return KerasLayer(name, class_name if module in ("keras", "keras.layers") else f"{module}.{class_name}", config)


def _input_shape(batch_shape: Any) -> tuple[int, ...]:
    shape = _plain(batch_shape)
    sizes = shape[1:] if isinstance(shape, tuple) else ()
    if not sizes or any(isinstance(size, bool) or not isinstance(size, int) or size < 1 for size in sizes):
        raise ConfigError(
            "the shape of the Keras model's input is not known",
            seen=repr(shape),
            do="begin the model with keras.Input(shape) of fixed sizes",
        )
    return sizes


def _check_linear(model: Config, stated: Sequence[Config]) -> None:
    """Each layer of a functional model is called once, with the output of the one before it and nothing else."""
    before: str | None = None
    for item in stated:
        layer, calls = _layer(item), item.get("inbound_nodes")
        if before is not None and (not isinstance(calls, Sequence) or [_source(call) for call in calls] != [before]):
            raise layer.refused(f"it is called {_called(calls)}, not once on {before!r}", _LINEAR)
        before = layer.name
    outputs = _plain(model.get("output_layers"))
    if outputs not in ((before, 0, 0), ((before, 0, 0),)):
        raise ConfigError("the Keras model does not give the output of its last layer alone", seen=repr(outputs), do=_LINEAR)


def _source(call: Any) -> str | None:
    """The layer whose only output a call takes; None for any other call."""
    match call:
        case {"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": [str(name), 0, 0]}}], "kwargs": settings}:
            told = {key: value for key, value in settings.items() if value is not None}
            return name if told in ({}, {"training": False}) else None
    return None


def _called(calls: Any) -> str:
    sources = [_source(call) for call in calls] if isinstance(calls, Sequence) else []
    return ", ".join("on something else" if source is None else f"on {source!r}" for source in sources) or "on nothing"


def _plain(value: Any) -> Any:
    """Lists as tuples, at any depth."""
    return tuple(_plain(item) for item in value) if isinstance(value, (list, tuple)) else value
