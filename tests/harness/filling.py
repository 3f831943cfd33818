"""A writer whose disk fills up: no file may grow beyond the bytes that are left.

    python -m tests.harness.filling FILE BYTES_LEFT

Appends one record and prints the error.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from harness import run_file
from reds.errors import MissingError
from tests.harness.examples import a_measurement


def main(name: str, bytes_left: str) -> None:
    """Append until the disk is full."""
    path = Path(name)
    limit_bytes = path.stat().st_size + int(bytes_left)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    try:
        run_file.append(path, a_measurement(value=2))
    except MissingError as error:
        print(error)


if __name__ == "__main__":
    main(*sys.argv[1:])
