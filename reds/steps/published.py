"""File of a published network -> bundle."""

from __future__ import annotations

from pathlib import Path

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.importing import import_network
from reds.provenance import tool_versions


def published(path: Path, digest: str, architecture: Architecture, split: Split, seed: int) -> Bundle:
    """The whole network of a file, which is used with a split from here on.

    Args:
        path: of the file, or of a checkpoint.
        digest: of its content, for provenance.
        architecture: the network that it holds.
        split: the data.
        seed: of what is done with it.

    Raises:
        MissingError, ProtocolError, ConfigError: as `import_network`.
    """
    bundle = import_network(path, architecture)
    source = {**bundle.provenance["imported"], "sha256": digest}
    return bundle.with_provenance(seed=seed, data=split.facts(), tools=tool_versions(), imported=source)
