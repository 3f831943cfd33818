"""What every subnetwork must keep to besides its budget, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from reds.architecture import Architecture, Cost
from reds.errors import BudgetError, ConfigError, unknown_name
from reds.layers import Widths
from reds.search.activations import DEFINITIONS, INPUT_OUTPUT
from reds.search.tables import layer_flash_bytes, total

ELEMENT_BYTES: Mapping[str, int] = {"float32": 4, "int8": 1}


@dataclass(frozen=True)
class Limits:
    """Absolute limits; they hold for every subnetwork that is searched, the whole network is what it is.

    Attributes:
        peak_activation_bytes: the most bytes of activations held at once, None for no limit.
        peak_definition: name in `reds.search.activations.DEFINITIONS`.
        flash_bytes: the most bytes of the subnetwork's own kernels (in elements) and vectors (biases and batch norm, 32-bit
            numbers), None for no limit.
        element: type of activations and kernels, "float32" or "int8".

    Raises:
        ConfigError: an unknown name, or a limit that is no whole number above zero.
    """

    peak_activation_bytes: int | None = None
    peak_definition: str = INPUT_OUTPUT
    flash_bytes: int | None = None
    element: str = "float32"

    def __post_init__(self) -> None:
        for what, known, value in (
            ("peak definition", DEFINITIONS, self.peak_definition),
            ("element", ELEMENT_BYTES, self.element),
        ):
            if value not in known:
                raise unknown_name(what, str(value), known)
        for what, value in (("peak_activation_bytes", self.peak_activation_bytes), ("flash_bytes", self.flash_bytes)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigError(f"{what} is a whole number, at least 1", seen=repr(value))

    @property
    def element_bytes(self) -> int:
        """Bytes of one element."""
        return ELEMENT_BYTES[self.element]

    def peak_bytes(self, cost: Cost) -> int:
        """What a subnetwork of this cost holds at once, by the chosen definition."""
        return self.element_bytes * DEFINITIONS[self.peak_definition].elements(cost)

    def weight_bytes(self, architecture: Architecture, widths: Widths) -> int:
        """Bytes of a subnetwork's own weights."""
        return int(total(architecture, widths, layer_flash_bytes(self.element_bytes)))

    def check_least(self, architecture: Architecture, least: Widths) -> None:
        """Raise BudgetError naming a limit that even the least admissible widths break; no wider ones could keep to it."""
        cost = architecture.cost(least)
        needs = (
            (
                f"peak activation bytes ({self.peak_definition}, {self.element})",
                self.peak_activation_bytes,
                self.peak_bytes(cost),
            ),
            (f"flash bytes ({self.element})", self.flash_bytes, self.weight_bytes(architecture, least)),
        )
        for what, limit, needed in needs:
            if limit is not None and needed > limit:
                raise BudgetError(
                    f"the limit of {limit} {what} cannot be met by {architecture.name}",
                    seen=f"the least admissible widths {least} need {needed}",
                    do="raise the limit, or lower the minimum width or the alignment",
                )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)


def limits_from_dict(data: Mapping[str, Any]) -> Limits:
    """What `Limits.to_dict` wrote; what is not given takes its default.

    Raises:
        ConfigError: an unknown key, or a value out of range.
    """
    for key in data:
        if key not in Limits.__dataclass_fields__:
            raise unknown_name("key of the limits", str(key), Limits.__dataclass_fields__)
    return Limits(**data)
