"""From what the user has, or from where it is published, to the unpacked files of a data set."""

from __future__ import annotations

from pathlib import Path

from reds.datasets.layout import Files, Layout, chosen_folder, find
from reds.progress import Amounts


def obtain(layout: Layout, data_dir: Path | None, amounts: Amounts) -> Files:
    """The files of a set.

    Raises:
        MissingError: they are not there and cannot be had.
    """
    found = find(layout, data_dir)
    if found is not None:
        return found
    raise layout.missing(f"nothing in {chosen_folder(data_dir)}")
