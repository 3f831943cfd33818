"""Edits of a valid image that break one rule of docs/image-format.md each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from reds.image import write_image
from tests.reds.image_examples import small_image
from tests.reds.image_fields import Field, field_value, with_field

Edit = Callable[[bytes], bytes]


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
    edit: Edit
    status: str
    message: str

    def data(self) -> bytes:
        """The bytes that break the rule."""
        return self.edit(write_image(small_image(self.precision)))


class Rules:
    """Edits of one precision's image that end with one status."""

    def __init__(self, precision: str, status: str, record: str = "", layer: int = 0, level: int = -1) -> None:
        self.precision, self.status = precision, status
        self.record, self.layer, self.level = record, layer, level

    def field(self, name: str) -> Field:
        """A field of the record that the rules are about."""
        return Field(self.record, name, self.layer, self.level)

    def edit(self, name: str, edit: Edit, message: str) -> BrokenRule:
        """Any edit of the bytes."""
        where = f"{self.record or 'file'}{self.layer or ''}{'' if self.level < 0 else f'@{self.level}'}"
        return BrokenRule(f"{self.precision}-{where}-{name}", self.precision, edit, self.status, message)

    def set(self, name: str, *values: object, message: str | None = None) -> list[BrokenRule]:
        """The field holds one of the values; the reader's message names the field unless another is given."""
        return [
            self.edit(f"{name}={value!r}", lambda data, value=value: with_field(data, self.field(name), value), message or name)
            for value in values
        ]

    def shift(self, name: str, *amounts: int, message: str | None = None) -> list[BrokenRule]:
        """The field holds that much more than it should."""
        return [
            self.edit(
                f"{name}{amount:+d}",
                lambda data, amount=amount: with_field(data, self.field(name), field_value(data, self.field(name)) + amount),
                message or name,
            )
            for amount in amounts
        ]

    def together(self, name: str, message: str, **values: float) -> list[BrokenRule]:
        """Several fields hold other values, which fit one another."""

        def edit(data: bytes) -> bytes:
            return reduce(lambda edited, item: with_field(edited, self.field(item[0]), item[1]), values.items(), data)

        return [self.edit(name, edit, message)]

    def at_end(self, name: str, message: str) -> list[BrokenRule]:
        """The field holds the end of the level's section: no byte from there on belongs to the level."""

        def edit(data: bytes) -> bytes:
            return with_field(data, self.field(name), field_value(data, Field("level", "end_offset", level=self.level)))

        return [self.edit(f"{name}=end_offset", edit, message)]

    def reserved(self, name: str, count: int) -> list[BrokenRule]:
        """Reserved bytes that are not zero: the first, one in the middle, the last."""
        ones = np.eye(count, dtype=np.uint8)
        values = {position: ones[position] if count > 1 else 1 for position in (0, count // 2, count - 1)}
        return [
            self.edit(f"{name}[{at}]", lambda data, value=value: with_field(data, self.field(name), value), "reserved")
            for at, value in values.items()
        ]
