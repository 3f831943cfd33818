"""Orders in which an image may hold a matrix of weights, and what each core is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """One order of a matrix of weights (docs/image-format.md, "Weights").

    Attributes:
        name: "rows", "transposed", "panels" or "shells".
        panel_rows: rows of a panel; 0 in the other layouts.
    """

    name: str
    panel_rows: int = 0


ROWS, TRANSPOSED, SHELLS = Layout("rows"), Layout("transposed"), Layout("shells")


@dataclass(frozen=True)
class Orders:
    """The orders of one precision, by what a layer multiplies: one window, or many."""

    dense: Layout
    convolution: Layout


@dataclass(frozen=True)
class Layouts:
    """The orders that an exporter gives the layers of an image."""

    int8: Orders
    float32: Orders

    def of(self, precision: str, windows: int) -> Layout:
        """The order for a layer of this precision ("int8" or "float32") with so many windows."""
        orders = {"int8": self.int8, "float32": self.float32}[precision]
        return orders.dense if windows == 1 else orders.convolution

    def has(self, layout: Layout, precision: str) -> bool:
        """Whether any layer of an image of this precision may have this order."""
        return layout in (self.of(precision, 1), self.of(precision, 2))


def _everywhere(layout: Layout) -> Layouts:
    return Layouts(Orders(layout, layout), Orders(layout, layout))


CHOICES: Mapping[str, Layouts] = {
    "rows": _everywhere(ROWS),
    "transposed": _everywhere(TRANSPOSED),
    "shells": _everywhere(SHELLS),
    "cortex-m4": Layouts(int8=Orders(Layout("panels", 6), ROWS), float32=Orders(ROWS, ROWS)),
    "cortex-m0plus": Layouts(int8=Orders(TRANSPOSED, ROWS), float32=Orders(ROWS, ROWS)),
    "host": _everywhere(Layout("panels", 16)),
}
"""By the name that `python -m reds export --layout` takes; a core stands for what measured best there (docs/runtime.md)."""
