"""What every data set states about itself, and what it is given to prepare itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reds.datasets.layout import Files, Layout
from reds.datasets.request import Form
from reds.progress import Amounts


@dataclass(frozen=True)
class Preparation:
    """One preparation of a data set.

    Attributes:
        name: of the data set.
        folder: empty; takes the prepared split.
        form: of the examples.
        seed: of the split.
        files: the published files; None for a set that comes with a package.
        amounts: is told how far the work is.
    """

    name: str
    folder: Path
    form: Form
    seed: int
    files: Files | None
    amounts: Amounts

    @property
    def source(self) -> Files:
        """The published files of a set that has some."""
        assert self.files is not None, f"{self.name} is prepared without its files"
        return self.files


@dataclass(frozen=True)
class DataSet:
    """A data set by name.

    Attributes:
        name: what users call it.
        summary: what it is, in a few words.
        classes: their names, in label order.
        module: whose code, with all that it imports, decides the prepared arrays.
        forms: shapes it is offered in.
        prepare: writes the split into the folder of a preparation.
        layout: of the published files; None for a set that comes with a package.
        seed: of its split where that is the same for everyone; None where it is the user's to choose.
    """

    name: str
    summary: str
    classes: tuple[str, ...]
    module: str
    forms: Sequence[Form]
    prepare: Callable[[Preparation], None]
    layout: Layout | None = None
    seed: int | None = None
