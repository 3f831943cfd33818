"""Every rule of docs/image-format.md, broken once: what must be refused, with which words and which status."""

from __future__ import annotations

from reds.image import format as image_format
from reds.image import truncate
from tests.reds.breaking import BrokenRule, Edit, Rules
from tests.reds.image_fields import Field, field_value, with_field

# The layers of `SMALL_NETWORK`, named by what they show.
PANELS, DEPTHWISE, MAX_POOL, SHELLS, AVERAGE_POOL, TRANSPOSED, ROWS = range(7)
LARGE = 2**32 - 4
INT32 = (-(2**31), 2**31 - 1)


def _file_rules(precision: str) -> list[BrokenRule]:
    truncated, foreign, header = (Rules(precision, status) for status in ("TRUNCATED", "NOT_AN_IMAGE", "BAD_HEADER"))
    corrupt, version = Rules(precision, "CORRUPT"), Rules(precision, "UNKNOWN_VERSION", "header")

    def before_the_smallest_section_ends(data: bytes) -> bytes:
        return truncate(data, "L2")[:-1]

    def flipped(data: bytes, at: int) -> bytes:
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    return [
        truncated.edit("empty", lambda _: b"", "truncated"),
        truncated.edit("half a header", lambda data: data[:40], "truncated"),
        truncated.edit("half the tables", lambda data: data[:300], "truncated"),
        truncated.edit("no level", before_the_smallest_section_ends, "not even the smallest level"),
        foreign.edit("foreign", lambda _: b"\x7fELF" + bytes(200), "not a .reds image"),
        foreign.edit("foreign text", lambda _: b"hi", "not a .reds image"),
        foreign.edit("magic", lambda data: b"REDZ" + data[4:], "not a .reds image"),
        header.edit("more bytes", lambda data: data + bytes(4), "image_bytes"),
        corrupt.edit("a flipped bit of the tables", lambda data: flipped(data, 100), "checksum of its tables"),
        corrupt.edit("a wrong checksum", lambda data: data[:12] + bytes(4) + data[16:], "checksum of its tables"),
        corrupt.edit("a flipped last bit", lambda data: flipped(data, len(data) - 1), "checksum of its section of level 0"),
        corrupt.edit(
            "a flipped bit of the smallest level",
            lambda data: flipped(data, len(truncate(data, "L2")) - 1),
            "checksum of its section of level 2",
        ),
        corrupt.edit(
            "a flipped bit of a truncated image",
            lambda data: flipped(truncate(data, "L1"), len(truncate(data, "L1")) - 1),
            "checksum of its section of level 1",
        ),
        *version.set("format_version", 0, 1, 3, message="version"),
    ]


def _header_rules(precision: str) -> list[BrokenRule]:
    rules = Rules(precision, "BAD_HEADER", "header")
    both = [
        *rules.set("header_bytes", 0, 60, 68),
        *rules.shift("image_bytes", -4, 1, 2),
        *Rules(precision, "UNSUPPORTED", "header").set("precision", 2, 255),
        *rules.set("layer_count", 0, 65, 255),
        *rules.set("level_count", 0, 33, 255),
        *rules.shift("layer_count", -1, message="tables_bytes"),
        *rules.set("input_elements", 0, 2**24, LARGE),
        *rules.set("output_elements", 0, 2**24, LARGE),
        *rules.shift("tables_bytes", -4, 4),
        *rules.set("tables_bytes", 64),
        *rules.reserved("reserved_a", 1),
        *rules.reserved("reserved_b", 24),
    ]
    if precision == "float32":
        return [*both, *rules.set("input_scale", 2.0, float("nan")), *rules.set("input_zero_point", 1)]
    scales = rules.set("input_scale", 0.0, -1.0, float("nan"), float("inf"))
    return [*both, *scales, *rules.set("input_zero_point", -129, 128, *INT32)]


def _layer_rules(precision: str) -> list[BrokenRule]:
    unsupported = Rules(precision, "UNSUPPORTED", "layer")
    panels, depthwise, max_pool, shells, average_pool, transposed, rows = (
        Rules(precision, "BAD_LAYER", "layer", layer) for layer in range(7)
    )
    section = "do not fit in the smallest level's section"
    return [
        *unsupported.set("kind", 0, 6, 255),
        *unsupported.set("layout", 4, 255),
        *panels.set("activation", 4, 255),
        *max_pool.set("activation", 1),
        *average_pool.set("activation", 2),
        *depthwise.set("layout", 1, 3),
        *max_pool.set("layout", 1, 3),
        *panels.set("panel_rows", 0, 65, 255),
        *(rule for one in (depthwise, max_pool, shells, transposed, rows) for rule in one.set("panel_rows", 1)),
        *(
            rule
            for what in ("input", "output", "kernel")
            for side in ("height", "width")
            for rule in panels.set(f"{what}_{side}", 0)
        ),
        *panels.set("stride_height", 0),
        *panels.set("stride_width", 0),
        *panels.set("pad_top", 3, 255),
        *panels.set("pad_left", 2, 255),
        *max_pool.set("pad_top", 2),
        *max_pool.set("pad_left", 2),
        *panels.set("output_height", 8, message="input_height"),
        *panels.set("output_width", 6, message="input_width"),
        *panels.set("stride_height", 2, 255, message="input_height"),
        *average_pool.set("stride_width", 2, message="input_width"),
        *(
            rule
            for name in ("input_height", "output_height", "output_width", "kernel_height", "stride_height", "stride_width")
            for rule in transposed.set(name, 2)
        ),
        *transposed.set("kernel_width", 5, 7),
        *rows.set("pad_top", 1),
        *rows.set("pad_left", 1),
        *(rule for one in (panels, depthwise) for name in ("input", "output") for rule in one.set(f"{name}_channels", 0, 65536)),
        *panels.together("a large input", "its input must have", input_height=65535, input_width=65535),
        *max_pool.together(
            "a large output", "its output must have", input_height=1450, input_width=1450, output_height=1549, output_width=1549,
            stride_height=1, stride_width=1, kernel_height=101, kernel_width=101, pad_top=100, pad_left=100,
        ),
        *depthwise.shift("output_channels", 1, -1),
        *average_pool.shift("output_channels", 1, -1),
        *max_pool.set("weights_offset", 4),
        *max_pool.set("weights_bytes", 4),
        *shells.set("weights_offset", 4),
        *shells.set("weights_bytes", 4),
        *(rule for one in (panels, depthwise, transposed, rows) for rule in one.shift("weights_bytes", -4, 4)),
        *(rule for one in (panels, depthwise, transposed, rows) for rule in one.shift("weights_offset", 2)),
        *(rule for one in (panels, depthwise, transposed, rows) for rule in one.set("weights_offset", 0, LARGE, message=section)),
        *(rule for one in (panels, depthwise, transposed, rows) for rule in one.at_end("weights_offset", section)),
        *panels.set("negative_slope", -0.5, float("nan"), float("inf")),
        *depthwise.set("negative_slope", 0.5),
        *max_pool.set("negative_slope", 0.5),
        *panels.reserved("reserved", 24),
    ]  # fmt: skip


def _int8_layer_rules() -> list[BrokenRule]:
    message, sides = "sum over at most 32767 products", {"input_height": 200, "input_width": 200}
    convolution, depthwise, dense = (Rules("int8", "BAD_LAYER", "layer", layer) for layer in (PANELS, DEPTHWISE, TRANSPOSED))
    return [
        *convolution.together("too many columns", message, kernel_height=128, kernel_width=128, **sides),
        *depthwise.together("too many columns", message, kernel_height=128, kernel_width=256, **sides),
        *dense.together("too many columns", message, kernel_width=3641, input_width=3641),
    ]


def _level_rules(precision: str) -> list[BrokenRule]:
    whole, middle, smallest = (Rules(precision, "BAD_LEVEL", "level", level=level) for level in range(3))
    names = [bytes(8), b"12345678", b"a\0b\0\0\0\0\0", b"a b\0\0\0\0\0", b"\xe9\0\0\0\0\0\0\0", b"\x7f\0\0\0\0\0\0\0"]
    both = [
        *whole.set("name", *names),
        *whole.set("name", b"L1\0\0\0\0\0\0", b"L2\0\0\0\0\0\0", message="no other level"),
        *whole.shift("activation_bytes", 1, 2),
        *Rules(precision, "BAD_STEP", "level", level=0).set(
            "activation_bytes", 0, message="do not fit in the level's activations"
        ),
        *Rules(precision, "BAD_STEP", "level", level=2).shift(
            "activation_bytes", -4, message="do not fit in the level's activations"
        ),
        *middle.set("steps_offset", 0, LARGE),
        *middle.shift("steps_offset", 2),
        *middle.at_end("steps_offset", "steps_offset do not fit in the level's section"),
        *whole.shift("end_offset", -4, 4),
        *middle.shift("end_offset", -2, 2),
        *middle.set("end_offset", 0, LARGE),
        *smallest.set("end_offset", 0, LARGE),
        smallest.edit("an empty section", _empty_smallest_section, "end_offset"),
        smallest.edit("two sections that end together", _two_ends_together, "end_offset"),
        *middle.reserved("reserved", 12),
    ]
    if precision == "float32":
        return [*both, *middle.set("output_scale", 0.0, float("nan")), *middle.set("output_zero_point", -1)]
    scales = middle.set("output_scale", 0.0, -1.0, float("nan"), float("inf"))
    return [*both, *scales, *middle.set("output_zero_point", -129, 128, *INT32)]


def _empty_smallest_section(data: bytes) -> bytes:
    return with_field(data, Field("level", "end_offset", level=2), field_value(data, Field("header", "tables_bytes")))


def _two_ends_together(data: bytes) -> bytes:
    return with_field(data, Field("level", "end_offset", level=1), field_value(data, Field("level", "end_offset", level=2)))


def _narrower_than_the_layers(data: bytes) -> bytes:
    """Steps that fit one another, but level 0 leaves out a channel of one layer."""
    data = with_field(data, Field("step", "output_channels", TRANSPOSED, 0), 5)
    return with_field(data, Field("step", "input_channels", ROWS, 0), 5)


def _output_on_input(layer: int, by: int) -> Edit:
    """The output of a step of the smallest level begins that many bytes before its input."""

    def edit(data: bytes) -> bytes:
        at = field_value(data, Field("step", "input_offset", layer))
        return with_field(data, Field("step", "output_offset", layer), at - by)

    return edit


def _channel_count_rules(precision: str) -> list[BrokenRule]:
    panels, depthwise, max_pool, shells, _, transposed, rows = (Rules(precision, "BAD_STEP", "step", i) for i in range(7))
    ends = Rules(precision, "BAD_STEP", "header")
    next_larger = Rules(precision, "BAD_STEP", "step", SHELLS, level=1)
    nested = "at least those of the next smaller level"
    before = "must read what the step before wrote"
    return [
        *panels.set("input_channels", 0, 3, LARGE),
        *panels.set("output_channels", 0, 8, LARGE),
        *ends.set("input_elements", 59, message="it must read input_elements"),
        *ends.set("output_elements", 4, message="must write output_elements"),
        *panels.set("output_channels", 1, message=before),
        *shells.set("input_channels", 1, message=before),
        *transposed.set("output_channels", 4, message=before),
        *rows.set("output_channels", 2, message="output_elements"),
        *depthwise.set("output_channels", 1, 3),
        *max_pool.set("output_channels", 1, 3),
        *next_larger.set("input_channels", 1, message=nested),
        *next_larger.set("output_channels", 3, message=nested),
        rows.edit("level 0 leaves out a channel", _narrower_than_the_layers, "the first level must be the whole network"),
    ]


def _offset_rules(precision: str) -> list[BrokenRule]:
    steps = panels, depthwise, max_pool, shells, average_pool, transposed, rows = tuple(
        Rules(precision, "BAD_STEP", "step", i) for i in range(7)
    )
    whole, middle = (Rules(precision, "BAD_STEP", "step", SHELLS, level) for level in range(2))
    overlap = "must not overlap the input"
    return [
        *(rule for one in (panels, depthwise, shells, transposed, rows) for rule in one.set("channels_offset", 0, LARGE)),
        *depthwise.shift("channels_offset", 2),
        *(
            rule
            for one in (panels, depthwise, shells, rows)
            for rule in one.at_end("channels_offset", "do not fit in the level's")
        ),
        *(rule for one in (max_pool, average_pool) for rule in one.set("channels_offset", 4)),
        *(rule for one in steps for rule in one.set("input_offset", LARGE)),
        *(rule for one in steps for rule in one.set("output_offset", LARGE)),
        *depthwise.shift("input_offset", 2),
        *depthwise.shift("output_offset", 2),
        *rows.shift("input_offset", 4, message="must read what the step before wrote"),
        *(rule.edit("output on the input", _output_on_input(rule.layer, 0), overlap) for rule in steps if rule is not shells),
        depthwise.edit("output too close behind the input", _output_on_input(depthwise.layer, 4), overlap),
        *depthwise.shift("output_offset", 4, message=overlap),
        *shells.set("table_offset", 4),
        *max_pool.set("table_offset", 4),
        *(rule for one in (panels, depthwise, max_pool, transposed, rows) for rule in one.set("columns_offset", 4)),
        *(rule for one in (panels, depthwise, max_pool, transposed, rows) for rule in one.set("rows_offset", 4)),
        *shells.set("columns_offset", 4),
        *whole.set("rows_offset", 4),
        *(rule for one in (whole, middle) for rule in one.set("columns_offset", 0, LARGE)),
        *(rule for one in (whole, middle) for rule in one.at_end("columns_offset", "columns_offset do not fit")),
        *(rule for one in (shells, middle) for rule in one.set("rows_offset", 0, LARGE)),
        *(rule for one in (shells, middle) for rule in one.at_end("rows_offset", "rows_offset do not fit")),
        *middle.shift("columns_offset", 2),
        *middle.shift("rows_offset", 2),
        *rows.reserved("reserved", 16),
    ]


def _float32_step_rules() -> list[BrokenRule]:
    step = Rules("float32", "BAD_STEP", "step", DEPTHWISE)
    zeros = ("input_zero_point", "output_zero_point", "clamp_min", "clamp_max")
    table = Rules("float32", "BAD_STEP", "step", PANELS).set("table_offset", 4)
    return [*(rule for name in zeros for rule in step.set(name, 1, -1)), *table]


def _int8_step_rules() -> list[BrokenRule]:
    leaky, depthwise, pool = (Rules("int8", "BAD_STEP", "step", layer) for layer in (PANELS, DEPTHWISE, AVERAGE_POOL))
    channels = [Rules("int8", "BAD_STEP", "channel", layer) for layer in (PANELS, DEPTHWISE, ROWS)]
    limit = image_format.MAX_BIAS
    return [
        *leaky.set("table_offset", 0, LARGE),
        *leaky.shift("table_offset", 2),
        *leaky.at_end("table_offset", "table_offset do not fit"),
        *(rule for one in (depthwise, pool) for rule in one.set("input_zero_point", -129, 128, *INT32)),
        *(rule for one in (depthwise, pool) for rule in one.set("output_zero_point", -129, 128, *INT32)),
        *(rule for one in (depthwise, pool) for rule in one.set("clamp_min", -129, 128, *INT32)),
        *(rule for one in (depthwise, pool) for rule in one.set("clamp_max", -129, 128, *INT32)),
        *depthwise.together("an empty range", "clamp_min", clamp_min=5, clamp_max=4),
        *(rule for one in channels for rule in one.set("multiplier", 1, -1, 2**30 - 1, 1 - 2**30, -(2**31))),
        *(rule for one in channels for rule in one.set("shift", -32, 8, *INT32)),
        *(rule for one in channels for rule in one.set("bias", limit + 1, -limit - 1, *INT32)),
    ]


BROKEN_RULES = [
    *(
        rule
        for precision in image_format.PRECISIONS
        for rules in (_file_rules, _header_rules, _layer_rules, _level_rules, _channel_count_rules, _offset_rules)
        for rule in rules(precision)
    ),
    *_int8_layer_rules(),
    *_float32_step_rules(),
    *_int8_step_rules(),
]
