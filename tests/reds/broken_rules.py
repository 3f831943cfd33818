"""Every rule of docs/image-format.md, broken once: what must be refused, with which words and which status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from reds.image import format as layout
from reds.image import write_image
from tests.reds.image_examples import Field, field_value, small_image, with_field


@dataclass(frozen=True)
class BrokenRule:
    """One edit of a valid image.

    Attributes:
        name: the record and the rule.
        precision: of the image that is edited.
        edit: from the valid bytes to the bytes that break the rule.
        status: what the C validator answers, as reds.h names it.
        message: a part of what the Python reader says.
    """

    name: str
    precision: str
    edit: Callable[[bytes], bytes]
    status: str
    message: str

    def data(self) -> bytes:
        """The bytes that break the rule."""
        return self.edit(write_image(small_image(self.precision)))


class _Rules:
    """Edits of single fields of one precision's image."""

    def __init__(self, precision: str) -> None:
        self.precision = precision

    def set(self, record: str, name: str, value: object, status: str, message: str | None = None) -> BrokenRule:
        """The field holds `value`; the reader's message names the field unless another is given."""
        return BrokenRule(
            name=f"{self.precision}-{record}-{name}={value!r}",
            precision=self.precision,
            edit=lambda data: with_field(data, self.precision, Field(record, name), value),
            status=status,
            message=message or name,
        )

    def shift(self, field: Field, by: int, status: str) -> BrokenRule:
        """The field holds `by` more than it should."""

        def edit(data: bytes) -> bytes:
            return with_field(data, self.precision, field, field_value(data, self.precision, field) + by)

        return BrokenRule(f"{self.precision}-{field.record}{field.index}-{field.name}{by:+d}", self.precision, edit, status, "")

    def reserved(self, record: str, name: str, status: str, count: int) -> list[BrokenRule]:
        """Reserved bytes that are not zero: the first, one in the middle, the last."""
        rules = []
        for position in sorted({0, count // 2, count - 1}):
            value = np.eye(count, dtype=np.uint8)[position] if count > 1 else 1
            rule = self.set(record, name, value, status, "reserved")
            rules.append(replace(rule, name=f"{self.precision}-{record}-{name}[{position}]"))
        return rules


def _file_rules(precision: str) -> list[BrokenRule]:
    rules = _Rules(precision)

    def rule(name: str, edit: Callable[[bytes], bytes], status: str, message: str) -> BrokenRule:
        return BrokenRule(f"{precision}-file-{name}", precision, edit, status, message)

    return [
        rule("empty", lambda _: b"", "TRUNCATED", "truncated"),
        rule("foreign", lambda _: b"\x7fELF" + bytes(200), "NOT_AN_IMAGE", "not a .reds image"),
        rule("foreign text", lambda _: b"hi", "NOT_AN_IMAGE", "not a .reds image"),
        rule("magic", lambda data: b"REDZ" + data[4:], "NOT_AN_IMAGE", "not a .reds image"),
        rule("half a header", lambda data: data[:40], "TRUNCATED", "truncated"),
        rule("half the bytes", lambda data: data[: len(data) // 2], "TRUNCATED", "truncated"),
        rule("more bytes", lambda data: data + bytes(4), "BAD_HEADER", "image_bytes"),
        rule("a flipped bit", lambda data: data[:-1] + bytes([data[-1] ^ 1]), "CORRUPT", "checksum"),
        rule("a wrong checksum", lambda data: data[:12] + bytes(4) + data[16:], "CORRUPT", "checksum"),
        rule("odd length", lambda data: with_field(data + b"\0", precision, Field("header", "image_bytes"), len(data) + 1),
             "BAD_HEADER", "multiple of 4"),
        rules.set("header", "format_version", 0, "UNKNOWN_VERSION", "version"),
        rules.set("header", "format_version", 2, "UNKNOWN_VERSION", "version"),
        rules.set("header", "header_bytes", 68, "BAD_HEADER"),
    ]  # fmt: skip


def _layers_of_other_sizes(precision: str) -> list[BrokenRule]:
    """Layers that are well formed but narrower than what level 0 uses of them, or wider."""

    def fewer_outputs(data: bytes) -> bytes:
        stride = field_value(data, precision, Field("layer", "row_stride"))
        data = with_field(data, precision, Field("layer", "outputs"), 8)
        return with_field(data, precision, Field("layer", "weights_bytes"), 8 * stride * layout.ELEMENT[precision].itemsize)

    def fewer_inputs(data: bytes) -> bytes:
        stride = layout.row_stride(precision, 8)
        data = with_field(data, precision, Field("layer", "inputs", 1), 8)
        data = with_field(data, precision, Field("layer", "row_stride", 1), stride)
        return with_field(data, precision, Field("layer", "weights_bytes", 1), 3 * stride * layout.ELEMENT[precision].itemsize)

    def more_outputs(data: bytes) -> bytes:
        stride = field_value(data, precision, Field("layer", "row_stride"))
        data = with_field(data, precision, Field("layer", "outputs"), 10)
        return with_field(data, precision, Field("layer", "weights_bytes"), 10 * stride * layout.ELEMENT[precision].itemsize)

    def more_inputs(data: bytes) -> bytes:
        stride = layout.row_stride(precision, 10)
        data = with_field(data, precision, Field("layer", "inputs", 1), 10)
        data = with_field(data, precision, Field("layer", "row_stride", 1), stride)
        return with_field(data, precision, Field("layer", "weights_bytes", 1), 3 * stride * layout.ELEMENT[precision].itemsize)

    def rule(name: str, edit: Callable[[bytes], bytes], message: str) -> BrokenRule:
        return BrokenRule(f"{precision}-layer-{name}", precision, edit, "BAD_STEP", message)

    return [
        rule("outputs below a step's", fewer_outputs, "step 0: outputs must be 1..8"),
        rule("inputs below a step's", fewer_inputs, "step 1: inputs must be 1..8"),
        rule("outputs above the first level's", more_outputs, "step 0: the first level must be the whole network"),
        rule("inputs above the first level's", more_inputs, "step 1: the first level must be the whole network"),
    ]


def _rules_of_both(precision: str) -> list[BrokenRule]:
    large, rules = 2**32 - 4, _Rules(precision)
    return [
        *_file_rules(precision),
        *_layers_of_other_sizes(precision),
        rules.set("header", "precision", 2, "UNSUPPORTED"),
        rules.set("header", "layer_count", 0, "BAD_HEADER"),
        rules.set("header", "layer_count", 65, "BAD_HEADER"),
        rules.set("header", "level_count", 0, "BAD_HEADER"),
        rules.set("header", "level_count", 33, "BAD_HEADER"),
        rules.set("header", "input_elements", 0, "BAD_HEADER"),
        rules.set("header", "input_elements", 65536, "BAD_HEADER"),
        rules.set("header", "input_elements", 5, "BAD_STEP", "read what comes before"),
        rules.set("header", "output_elements", 0, "BAD_HEADER"),
        rules.set("header", "output_elements", 65536, "BAD_HEADER"),
        rules.set("header", "output_elements", 4, "BAD_STEP", "output_elements"),
        rules.set("header", "layers_offset", large, "BAD_HEADER"),
        rules.set("header", "levels_offset", large, "BAD_HEADER"),
        rules.shift(Field("header", "layers_offset"), 2, "BAD_HEADER"),
        rules.shift(Field("header", "levels_offset"), 1, "BAD_HEADER"),
        rules.shift(Field("header", "arena_bytes"), 4, "BAD_HEADER"),
        rules.shift(Field("header", "arena_bytes"), -4, "BAD_HEADER"),
        *rules.reserved("header", "reserved_a", "BAD_HEADER", 1),
        *rules.reserved("header", "reserved_b", "BAD_HEADER", 16),
        rules.set("layer", "kind", 0, "UNSUPPORTED"),
        rules.set("layer", "kind", 2, "UNSUPPORTED"),
        rules.set("layer", "layout", 1, "UNSUPPORTED"),
        rules.set("layer", "activation", 2, "BAD_LAYER"),
        rules.set("layer", "inputs", 0, "BAD_LAYER"),
        rules.set("layer", "inputs", 65536, "BAD_LAYER"),
        rules.set("layer", "outputs", 0, "BAD_LAYER"),
        rules.set("layer", "outputs", 65536, "BAD_LAYER"),
        rules.set("layer", "weights_offset", large, "BAD_LAYER"),
        rules.shift(Field("layer", "weights_offset"), 2, "BAD_LAYER"),
        rules.shift(Field("layer", "weights_bytes"), 4, "BAD_LAYER"),
        rules.shift(Field("layer", "row_stride"), 4, "BAD_LAYER"),
        *rules.reserved("layer", "reserved_a", "BAD_LAYER", 1),
        *rules.reserved("layer", "reserved_b", "BAD_LAYER", 40),
        rules.set("level", "name", b"\0\0\0\0\0\0\0\0", "BAD_LEVEL"),
        rules.set("level", "name", b"12345678", "BAD_LEVEL"),
        rules.set("level", "name", b"a\0b\0\0\0\0\0", "BAD_LEVEL"),
        rules.set("level", "name", b"a b\0\0\0\0\0", "BAD_LEVEL"),
        rules.set("level", "name", b"\xe9\0\0\0\0\0\0\0", "BAD_LEVEL"),
        rules.set("level", "name", b"L1\0\0\0\0\0\0", "BAD_LEVEL", "no other level"),
        rules.shift(Field("level", "arena_bytes"), 1, "BAD_LEVEL"),
        rules.set("level", "arena_bytes", 0, "BAD_STEP", "do not fit in the level's arena"),
        rules.set("level", "steps_offset", large, "BAD_LEVEL"),
        rules.shift(Field("level", "steps_offset"), 2, "BAD_LEVEL"),
        *rules.reserved("level", "reserved", "BAD_LEVEL", 20),
        rules.set("step", "inputs", 0, "BAD_STEP"),
        rules.set("step", "inputs", 7, "BAD_STEP"),
        rules.set("step", "outputs", 0, "BAD_STEP"),
        rules.set("step", "outputs", 10, "BAD_STEP"),
        rules.shift(Field("step", "outputs"), -1, "BAD_STEP"),
        rules.set("step", "channels_offset", large, "BAD_STEP"),
        rules.shift(Field("step", "channels_offset"), 2, "BAD_STEP"),
        rules.set("step", "input_offset", large, "BAD_STEP"),
        rules.shift(Field("step", "input_offset"), 2, "BAD_STEP"),
        rules.set("step", "output_offset", large, "BAD_STEP"),
        rules.shift(Field("step", "output_offset"), 2, "BAD_STEP"),
        rules.set("step", "output_offset", 0, "BAD_STEP", "overlap"),
        rules.shift(Field("step", "output_offset"), -4, "BAD_STEP"),
        rules.shift(Field("step", "input_offset", 1), 4, "BAD_STEP"),
        *rules.reserved("step", "reserved", "BAD_STEP", 16),
    ]


def _float32_rules() -> list[BrokenRule]:
    rules = _Rules("float32")
    return [
        rules.set("header", "input_scale", 2.0, "BAD_HEADER"),
        rules.set("header", "input_zero_point", 1, "BAD_HEADER"),
        rules.set("level", "output_scale", 0.0, "BAD_LEVEL"),
        rules.set("level", "output_zero_point", -1, "BAD_LEVEL"),
        rules.set("step", "output_zero_point", 1, "BAD_STEP"),
        rules.set("step", "clamp_min", -1, "BAD_STEP"),
        rules.set("step", "clamp_max", 1, "BAD_STEP"),
    ]


def _int8_rules() -> list[BrokenRule]:
    scales = [0.0, -1.0, float("nan"), float("inf")]
    low, high, rules = -(2**31), 2**31 - 1, _Rules("int8")
    return [
        *(rules.set("header", "input_scale", scale, "BAD_HEADER") for scale in scales),
        *(rules.set("level", "output_scale", scale, "BAD_LEVEL") for scale in scales),
        *(rules.set("header", "input_zero_point", value, "BAD_HEADER") for value in (-129, 128, low, high)),
        *(rules.set("level", "output_zero_point", value, "BAD_LEVEL") for value in (-129, 128, low, high)),
        *(rules.set("step", "output_zero_point", value, "BAD_STEP") for value in (-129, 128, low, high)),
        *(rules.set("step", "clamp_min", value, "BAD_STEP") for value in (-129, low, high)),
        *(rules.set("step", "clamp_max", value, "BAD_STEP") for value in (-129, 128, low, high)),
        *(rules.set("channel", "multiplier", value, "BAD_STEP") for value in (1, 2**30 - 1, -1, low)),
        *(rules.set("channel", "shift", value, "BAD_STEP") for value in (-32, 8, low, high)),
        *(rules.set("channel", "bias", value, "BAD_STEP") for value in (2**30 + 1, -(2**30) - 1, low, high)),
    ]


BROKEN_RULES = [rule for precision in layout.PRECISIONS for rule in _rules_of_both(precision)] + _float32_rules() + _int8_rules()
