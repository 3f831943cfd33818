"""What may be a seed: a number that every library here takes."""

from __future__ import annotations

from typing import Any

from reds.errors import ConfigError

LARGEST = 2**31 - 1


def check_seed(seed: Any) -> int:
    """The seed itself.

    Raises:
        ConfigError: it is not a whole number from 0 to `LARGEST`.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST:
        raise ConfigError(f"the seed is a whole number from 0 to {LARGEST}", seen=repr(seed))
    return seed
