"""Published figures (results/paper/*.csv), to be shown beside measured ones of the same network."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.matrix import SUITES
from reds.errors import ProtocolError

FOLDER = SUITES.parent / "results" / "paper"

# The published engines are TensorFlow Lite and TensorFlow Lite Micro with floating-point kernels.
PRECISION = "float32"


@dataclass(frozen=True)
class Published:
    """One published value.

    Attributes:
        network, dataset: as architectures and data sets are called here.
        subnet: budget that names the subnetwork, in percent of the whole network's multiply-adds; empty where there is none.
        std: standard deviation over training runs, None where not given.
        device, variant: empty where there is none; variants are ways of training (scratch, BU, TD) or of cutting (slices, masks).
        source: table or figure, and how the value was taken from it.
    """

    network: str
    dataset: str
    subnet: str
    metric: str
    unit: str
    value: float
    std: float | None
    device: str
    variant: str
    source: str

    @property
    def series(self) -> str:
        """Names the curve that the value belongs to."""
        return f"published: {', '.join(part for part in (self.device, self.variant) if part)}"


@dataclass(frozen=True)
class Cost:
    """Multiply-adds of a published subnetwork; `nominal` if only its budget is known, which true costs miss by a lot."""

    macs: float
    nominal: bool


def load(folder: Path = FOLDER) -> list[Published]:
    """All published values; none where the folder is missing.

    Raises:
        ProtocolError: a file without these columns, or with a value that is no number.
    """
    return [value for path in sorted(folder.glob("*.csv")) for value in _read(path)]


def _read(path: Path) -> Iterator[Published]:
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                yield _from_row(row)
            except (KeyError, TypeError, ValueError) as error:
                raise ProtocolError(f"{path}, line {number} is no published value", seen=str(error)) from error


def _from_row(row: Mapping[str, str]) -> Published:
    texts = (row["network"], row["dataset"], row["subnet"], row["metric"], row["unit"])
    std = float(row["std"]) if row["std"] else None
    return Published(*texts, float(row["value"]), std, row["device"], row["variant"], row["source"])


class Shelf:
    """The published values of one network on one data set."""

    def __init__(self, values: Iterable[Published], network: str, dataset: str) -> None:
        self._values = [value for value in values if (value.network, value.dataset) == (network, dataset)]
        self._macs = {value.subnet: value.value for value in self._values if value.metric == "macs"}

    def of(self, metric: str) -> Sequence[Published]:
        """Values of a metric."""
        return [value for value in self._values if value.metric == metric]

    def cost(self, value: Published) -> Cost | None:
        """Where a value stands on an axis of multiply-adds, None if not even the whole network's are known.

        True costs are known for the subnetworks whose widths were published; those of the ten-subnet experiments are not.
        """
        ten = "ten subnets" in value.variant and value.subnet != "100"
        if value.subnet in self._macs and not ten:
            return Cost(self._macs[value.subnet], nominal=False)
        if "100" not in self._macs or not value.subnet:
            return None
        return Cost(self._macs["100"] * float(value.subnet) / 100, nominal=True)
