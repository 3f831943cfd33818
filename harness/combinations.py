"""What is measured on what: the axes that tests are parametrised over, and the ids they get."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.matrix import Matrix

Facts = Mapping[str, str | None]


@dataclass(frozen=True)
class Model:
    """A network trained on a data set."""

    architecture: str
    dataset: str

    @property
    def model(self) -> Model:
        """Itself, so that every subject has a model."""
        return self

    def __str__(self) -> str:
        return f"{self.architecture}-{self.dataset}"

    @property
    def facts(self) -> Facts:
        """The fields of a record that this determines."""
        return {"architecture": self.architecture, "dataset": self.dataset, "precision": None, "device": None, "subnet": None}


@dataclass(frozen=True)
class Placement:
    """A model in one precision on one device."""

    model: Model
    precision: str
    device: str

    @property
    def placement(self) -> Placement:
        """Itself, as a combination has one."""
        return self

    def __str__(self) -> str:
        return f"{self.model}-{self.precision}-{self.device}"

    @property
    def facts(self) -> Facts:
        """The fields of a record that this determines."""
        return {**self.model.facts, "precision": self.precision, "device": self.device}


@dataclass(frozen=True)
class Combination:
    """One subnetwork of a placement."""

    placement: Placement
    subnet: str

    @property
    def model(self) -> Model:
        """The model of the placement."""
        return self.placement.model

    def __str__(self) -> str:
        return f"{self.placement}-{self.subnet}"

    @property
    def facts(self) -> Facts:
        """The fields of a record that this determines."""
        return {**self.placement.facts, "subnet": self.subnet}


Subject = Model | Placement | Combination


def models(matrix: Matrix) -> Iterator[Model]:
    """Every model of the matrix."""
    for architecture, dataset in matrix.recipes:
        yield Model(architecture, dataset)


def placements(matrix: Matrix) -> Iterator[Placement]:
    """Every placement, one device after the other, so that each is given each model once."""
    for device in matrix.devices:
        for model in models(matrix):
            for precision in matrix.precisions:
                yield Placement(model, precision, device)


def combinations(matrix: Matrix) -> Iterator[Combination]:
    """Every subnetwork of every placement, the whole network first."""
    for placement in placements(matrix):
        for subnet in matrix.recipes[placement.model.architecture, placement.model.dataset].subnet_names:
            yield Combination(placement, subnet)


# Finest first: a test that asks for several axes is parametrised over the finest, the others follow from it.
AXES: Mapping[str, Callable[[Matrix], Iterator[Subject]]] = {
    "combination": combinations,
    "placement": placements,
    "model": models,
}


def finest_axis(fixture_names: Sequence[str]) -> str | None:
    """The axis that a test with these fixtures is parametrised over, None if it asks for none."""
    return next((axis for axis in AXES if axis in fixture_names), None)


class SubjectIndex:
    """Finds what a test measures by its id: what stands in the id's brackets names its subject."""

    def __init__(self, matrix: Matrix) -> None:
        self._named: dict[str, Subject] = {str(subject): subject for expand in AXES.values() for subject in expand(matrix)}

    def find(self, node_id: str) -> Subject | None:
        """What the test of this id measures, None for tests that measure nothing."""
        return self._named.get(node_id.partition("[")[2].partition("]")[0])
