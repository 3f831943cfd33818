"""Early exits: classifiers on what a network has computed after some of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reds.architecture import Architecture
from reds.errors import BudgetError
from reds.layers import Dense, GlobalAveragePooling2D, Layer, Shape

POOL, CLASSES = "exit_pool", "exit_classes"
MAP_DIMENSIONS = 3  # height, width, channels


@dataclass(frozen=True)
class Exit:
    """A place where a network may stop.

    Attributes:
        depth: layers of the backbone before it, at least one.
        network: these layers and the exit's own; the backbone itself at its end.
        head: the exit's own layers as a network from there on; None at the end of the backbone.
    """

    depth: int
    network: Architecture
    head: Architecture | None

    @property
    def macs(self) -> int:
        """Multiply-adds of an inference that stops here."""
        return self.network.cost(self.network.full_widths).macs

    @property
    def parameters(self) -> int:
        """Weights and biases in use when it stops here."""
        return self.network.cost(self.network.full_widths).parameters


def exit_after(architecture: Architecture, depth: int) -> Exit:
    """The exit after the first `depth` layers: for a map the mean of each channel, then one dense layer of the classes."""
    if depth == len(architecture.layers):
        return Exit(depth, architecture, None)
    shape = architecture.placed[depth - 1].output_shape
    layers, name = _head(shape, architecture.classes), f"{architecture.name}_exit{depth}"
    network = Architecture(name, architecture.input_shape, (*architecture.layers[:depth], *layers))
    return Exit(depth, network, Architecture(f"exit{depth}", shape, layers))


def _head(shape: Shape, classes: int) -> tuple[Layer, ...]:
    dense = Dense(CLASSES, classes)
    return (GlobalAveragePooling2D(POOL), dense) if len(shape) == MAP_DIMENSIONS else (dense,)


def deepest_exits(architecture: Architecture, limits_macs: Mapping[str, int]) -> dict[str, Exit]:
    """By name of a budget, the deepest exit within its multiply-adds; budgets that even the first exit exceeds are left out.

    Raises:
        BudgetError: all budgets but those of the whole network are left out.
    """
    exits = [exit_after(architecture, depth) for depth in range(len(architecture.layers), 0, -1)]
    within = {name: next((each for each in exits if each.macs <= limit), None) for name, limit in limits_macs.items()}
    found = {name: each for name, each in within.items() if each is not None}
    if all(each.head is None for each in found.values()):
        least = min(each.macs for each in exits)
        limits = ", ".join(f"{limit:,}" for name, limit in limits_macs.items() if name not in found)
        raise BudgetError(
            f"no early exit of {architecture.name} keeps a budget of {limits} MACs",
            seen=f"the first one takes {least:,}, the whole network {exits[0].macs:,}",
            do="raise a budget",
        )
    return found
