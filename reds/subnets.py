"""Nested subnetworks: named width tuples, largest first, each component-wise at most the one before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reds.architecture import Architecture
from reds.errors import ConfigError, unknown_name
from reds.layers import Widths


def budget_name(fraction: float) -> str:
    """The name of a budget: the percentage, without needless zeros (0.125 -> "12.5")."""
    return f"{100 * fraction:g}"


@dataclass(frozen=True)
class Subnet:
    """One subnetwork: the budget it was made for ("25") and one width for each channel group."""

    name: str
    widths: Widths


@dataclass(frozen=True)
class Subnets:
    """The nested subnetworks of one network; the first is the whole network.

    Raises:
        ConfigError: none, repeated names, or widths that do not nest.
    """

    items: tuple[Subnet, ...]

    def __post_init__(self) -> None:
        names = [subnet.name for subnet in self.items]
        if not names or len(set(names)) != len(names):
            raise ConfigError("subnetworks need distinct names, and at least one", seen=", ".join(names) or "none")
        for larger, smaller in zip(self.items, self.items[1:], strict=False):
            if any(a < b for a, b in zip(larger.widths, smaller.widths, strict=True)):
                raise ConfigError(
                    f"subnetwork {smaller.name!r} is not nested in {larger.name!r}",
                    seen=f"{smaller.widths} is not at most {larger.widths} in every group",
                )

    def __iter__(self) -> Iterator[Subnet]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, level: int) -> Subnet:
        return self.items[level]

    def level(self, name: str) -> int:
        """Position of the subnetwork `name`; 0 is the whole network."""
        for level, subnet in enumerate(self.items):
            if subnet.name == name:
                return level
        raise unknown_name("subnetwork", name, [subnet.name for subnet in self.items])

    def to_list(self) -> list[dict[str, Any]]:
        """JSON-ready form."""
        return [{"name": subnet.name, "widths": list(subnet.widths)} for subnet in self.items]

    @classmethod
    def from_list(cls, data: Sequence[Mapping[str, Any]], architecture: Architecture) -> Subnets:
        """What `to_list` wrote, checked against the architecture."""
        try:
            return cls(tuple(Subnet(str(item["name"]), architecture.check_widths(item["widths"])) for item in data))
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError("the list of subnetworks is not well formed", seen=f"{type(error).__name__}: {error}") from error


def whole_network(architecture: Architecture) -> Subnets:
    """The network alone, as one subnetwork."""
    return Subnets((Subnet("100", architecture.full_widths),))


def halving(architecture: Architecture, fractions: Sequence[float], groups: Collection[str]) -> Subnets:
    """Subnetworks that keep a fraction of the channels of the named groups and all of the others (the poster's rule).

    Args:
        architecture: the network.
        fractions: share of channels kept, largest first, 1 first; widths are rounded to the nearest, at least one.
        groups: names of the groups that are cut.
    """
    known = {group.name for group in architecture.groups if not group.whole}
    for name in groups:
        if name not in known:
            raise unknown_name(f"group of {architecture.name}", name, known)

    def widths(fraction: float) -> Widths:
        return tuple(max(1, round(g.size * fraction)) if g.name in groups else g.size for g in architecture.groups)

    return Subnets(tuple(Subnet(budget_name(fraction), widths(fraction)) for fraction in fractions))
