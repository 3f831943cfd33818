"""Prepares a data set on a disk that fills up: no file may grow beyond the bytes that are given.

python -m tests.reds.filling_cache NAME DATA_DIR FILE_BYTES
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from reds.datasets.registry import dataset
from reds.datasets.request import Request
from reds.errors import MissingError
from reds.prepared import prepared_data


def main(name: str, data_dir: str, file_bytes: str) -> None:
    """Prepare, and print the error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(file_bytes), before[1]))
    try:
        prepared_data(name, Request(0, dataset(name).forms[0].shape, Path(data_dir)))
    except MissingError as error:
        print(error)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)  # what measures coverage writes a file at the end


if __name__ == "__main__":
    main(*sys.argv[1:])
