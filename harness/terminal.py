"""How much room there is to print."""

from __future__ import annotations

import shutil
import sys

UNLIMITED = 100_000  # columns where no terminal is: nobody folds what another program reads


def columns() -> int:
    """Columns of the terminal that standard output goes to; `UNLIMITED` where it goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
