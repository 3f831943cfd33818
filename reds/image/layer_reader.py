"""Layer records: what they must say, and what they are."""

from __future__ import annotations

import math

import numpy as np

from reds.image import format as image_format
from reds.image import packing
from reds.image.layouts import Layout
from reds.image.records import Layer
from reds.image.rules import Opened, Record, Space, equal, fits, in_range, known, read_record, refuse

_KINDS = {code: name for name, code in image_format.KINDS.items()}
_LAYOUTS = {code: name for name, code in image_format.LAYOUTS.items()}
_ACTIVATIONS = {code: name for name, code in image_format.ACTIVATIONS.items()}
_NO_WEIGHTS = np.zeros(0, np.int8)


def _check_layout(where: str, kind: str, record: Record) -> None:
    layout = known(where, record, "layout", _LAYOUTS)
    if kind not in image_format.MATRIX_KINDS:
        equal(where, record, "layout", image_format.LAYOUTS[image_format.ROWS], f"as in every {kind} layer")
    if layout == image_format.PANELS:
        in_range(where, record, "panel_rows", 1, image_format.MAX_PANEL_ROWS)
    else:
        equal(where, record, "panel_rows", 0)


def _check_activation(where: str, kind: str, record: Record) -> None:
    activation = known(where, record, "activation", _ACTIVATIONS)
    if kind in image_format.POOL_KINDS:
        equal(where, record, "activation", image_format.ACTIVATIONS["none"], "as in every pooling layer")
    if activation != image_format.LEAKY_RELU:
        equal(where, record, "negative_slope", 0)
    elif not (record["negative_slope"] >= 0 and math.isfinite(record["negative_slope"])):
        refuse(f"{where}: negative_slope must be finite and at least 0", record["negative_slope"])


def _check_dense_windows(where: str, record: Record) -> None:
    for field in ("input_height", "output_height", "output_width", "kernel_height", "stride_height", "stride_width"):
        equal(where, record, field, 1, "as in every dense layer")
    for field in ("pad_top", "pad_left"):
        equal(where, record, field, 0, "as in every dense layer")
    equal(where, record, "kernel_width", record["input_width"], "the input's positions")


def _check_windows(where: str, kind: str, record: Record) -> None:
    """Sizes of maps and windows: every window touches its input."""
    for side in ("height", "width"):
        for what in ("input", "output", "kernel"):
            in_range(where, record, f"{what}_{side}", 1, image_format.MAX_SIDE)
        in_range(where, record, f"stride_{side}", 1, image_format.MAX_STRIDE)
    if kind == image_format.DENSE:
        _check_dense_windows(where, record)
    for side, pad in (("height", "pad_top"), ("width", "pad_left")):
        in_range(where, record, pad, 0, record[f"kernel_{side}"] - 1)
        start = (record[f"output_{side}"] - 1) * record[f"stride_{side}"] - record[pad]
        if start >= record[f"input_{side}"]:
            refuse(
                f"{where}: the last window must begin within input_{side} ({record[f'input_{side}']})", f"it begins at {start}"
            )


def _check_channels(where: str, kind: str, precision: str, record: Record) -> None:
    for end in ("input", "output"):
        in_range(where, record, f"{end}_channels", 1, image_format.MAX_CHANNELS)
        elements = record[f"{end}_height"] * record[f"{end}_width"] * record[f"{end}_channels"]
        if elements > image_format.MAX_ELEMENTS:
            refuse(f"{where}: its {end} must have at most {image_format.MAX_ELEMENTS} elements", elements)
    if kind not in image_format.MATRIX_KINDS:
        equal(where, record, "output_channels", record["input_channels"], f"as in every {kind} layer")
    columns, most = _columns(kind, record), image_format.MAX_COLUMNS[precision]
    if kind not in image_format.POOL_KINDS and columns > most:
        refuse(f"{where}: an output must sum over at most {most} products", columns)


def _columns(kind: str, record: Record) -> int:
    """Products that one output sums over."""
    positions = record["kernel_height"] * record["kernel_width"]
    return positions * record["input_channels"] if kind in image_format.MATRIX_KINDS else positions


def _check_weights(where: str, kind: str, precision: str, record: Record, section: Space) -> None:
    layout = Layout(_LAYOUTS[record["layout"]], record["panel_rows"])
    if kind in image_format.POOL_KINDS or layout.name == image_format.SHELLS:
        equal(where, record, "weights_offset", 0)
        equal(where, record, "weights_bytes", 0)
        return
    if kind == image_format.DEPTHWISE:
        kernel_size = (record["kernel_height"], record["kernel_width"])
        size = packing.depthwise_bytes(precision, kernel_size, record["input_channels"])
    else:
        size = packing.packed_bytes(layout, precision, record["output_channels"], _columns(kind, record))
    equal(where, record, "weights_bytes", size)
    fits(where, record, "weights_offset", size, section)


def read_layer(index: int, image: Opened, section: Space) -> tuple[Layer, bytes]:
    """The layer of this number, without weights, and the bytes of its weights that lie in the smallest level's section.

    Raises:
        ProtocolError: a rule is broken.
    """
    where = f"layer {index}"
    offset = image_format.HEADER.itemsize + index * image_format.LAYER.itemsize
    record = read_record(where, image.data, image_format.LAYER, offset)
    kind = known(where, record, "kind", _KINDS)
    _check_layout(where, kind, record)
    _check_activation(where, kind, record)
    _check_windows(where, kind, record)
    _check_channels(where, kind, image.precision, record)
    _check_weights(where, kind, image.precision, record, section)
    layer = Layer(
        kind=kind,
        activation=_ACTIVATIONS[record["activation"]],
        input_size=(record["input_height"], record["input_width"]),
        output_size=(record["output_height"], record["output_width"]),
        kernel_size=(record["kernel_height"], record["kernel_width"]),
        strides=(record["stride_height"], record["stride_width"]),
        before=(record["pad_top"], record["pad_left"]),
        input_channels=record["input_channels"],
        output_channels=record["output_channels"],
        weights=_NO_WEIGHTS,
        negative_slope=record["negative_slope"],
        layout=Layout(_LAYOUTS[record["layout"]], record["panel_rows"]),
    )
    return layer, image.data[record["weights_offset"] : record["weights_offset"] + record["weights_bytes"]]
