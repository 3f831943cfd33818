"""Single fields of the bytes of an image, read and changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reds.image import format as image_format
from reds.image.sections import seal


@dataclass(frozen=True)
class Field:
    """A field of one record of an image.

    Attributes:
        record: "header", "layer", "level", "step" or "channel" (the first of a step).
        name: of the field.
        layer: number of the layer, for layers, steps and channels.
        level: number of the level, for levels, steps and channels; counted from the smallest where it is negative.
    """

    record: str
    name: str
    layer: int = 0
    level: int = -1


def _precision(data: bytes) -> str:
    codes = {code: name for name, code in image_format.PRECISIONS.items()}
    return codes[int(np.frombuffer(data, image_format.HEADER, 1)[0]["precision"])]


def _type(data: bytes, record: str) -> np.dtype:
    kinds = {"header": image_format.HEADER, "layer": image_format.LAYER, "level": image_format.LEVEL, "step": image_format.STEP}
    return kinds[record] if record in kinds else image_format.CHANNEL[_precision(data)]


def _offset(data: bytes, field: Field) -> int:
    """Where the field's record lies."""
    header = np.frombuffer(data, image_format.HEADER, 1)[0]
    layers_offset = image_format.HEADER.itemsize
    levels_offset = layers_offset + int(header["layer_count"]) * image_format.LAYER.itemsize
    level = field.level % int(header["level_count"])
    level_offset = levels_offset + level * image_format.LEVEL.itemsize
    steps_offset = int(np.frombuffer(data, image_format.LEVEL, 1, level_offset)[0]["steps_offset"])
    step_offset = steps_offset + field.layer * image_format.STEP.itemsize
    if field.record == "channel":
        return int(np.frombuffer(data, image_format.STEP, 1, step_offset)[0]["channels_offset"])
    layer_offset = layers_offset + field.layer * image_format.LAYER.itemsize
    return {"header": 0, "layer": layer_offset, "level": level_offset, "step": step_offset}[field.record]


def field_value(data: bytes, field: Field) -> int:
    """What a field holds."""
    return np.frombuffer(data, _type(data, field.record), 1, _offset(data, field))[0][field.name].item()


def with_field(data: bytes, field: Field, value: object) -> bytes:
    """The image with one field changed and the checksums repaired."""
    dtype, offset = _type(data, field.record), _offset(data, field)
    changed = np.frombuffer(data, dtype, 1, offset).copy()
    changed[0][field.name] = value
    return seal(data[:offset] + changed.tobytes() + data[offset + dtype.itemsize :])
