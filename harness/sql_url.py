"""URLs of databases as they may be shown and stored: without their secrets. Needs no SQLAlchemy."""

from __future__ import annotations

import re

MARK = "://"
HIDDEN = "***"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+._-]*://.*", re.DOTALL)


def hidden(url: str) -> str:
    """The URL as it may be shown: without password and options, among which may be passwords too.

    Where a password is not written as it should be (an @ or ? in it that is no %40 or %3F), rather too much is hidden.
    """
    scheme, mark, rest = url.partition(MARK)
    if not mark:
        return f"{scheme.partition(':')[0]}{MARK}..."
    place, _, options = rest.partition("?")
    user, colon, _ = place.partition("@")[0].partition(":")
    if not colon or "/" in user or "@" not in rest:
        return f"{scheme}{MARK}{place}"
    # With an @ among the options the password may have a question mark, and nobody can tell where it ends.
    where = "..." if "@" in options else place.rpartition("@")[2]
    return f"{scheme}{MARK}{user}:{HIDDEN}@{where}"


def redacted(word: str) -> str:
    """A word of a command line as it may be stored: the URL in it, alone or after "--option=", without its secrets."""
    found = _URL.search(word)
    if found is None:
        return word
    url, sign, run = found[0].rpartition("#")
    return word[: found.start()] + hidden(url or run) + (sign + run if url else "")
