"""Puts scripts and data into a page so that nothing in a record can become markup or run."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from reds.cache import cache_folder
from reds.errors import MissingError

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("charts.js", "table.js", "page.js")


def safe_json(value: Any) -> str:
    """JSON that may stand inside a <script> element: no "<", so that neither "</script" nor "<!--" can occur."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@dataclass(frozen=True)
class Script:
    """A script as the page holds it, and its hash, by which the page's Content-Security-Policy lets it run."""

    source: str

    @property
    def hash(self) -> str:
        """As the policy names it."""
        digest = hashlib.sha256(self.source.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"


def own_script() -> Script:
    """What the page does itself: it needs `vegaEmbed` only where it has charts."""
    return Script("\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS))


@cache
def vega_script() -> Script:
    """Vega, Vega-Lite and Vega-Embed with all that they need, as one script that defines `vegaEmbed`; 0.9 MB.

    Raises:
        MissingError: the package that brings them is not installed.
    """
    try:
        import vl_convert  # noqa: PLC0415  (45 MB, needed for reports only)
    except ImportError as error:
        raise MissingError("the package vl-convert-python is missing", do='pip install "reds-bench[bench]"') from error
    stored = cache_folder("report") / f"vega-{version('vl-convert-python')}.js"
    if not stored.is_file():  # putting it together takes a second or two
        bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
        partial = stored.with_suffix(f".{os.getpid()}")
        partial.write_text(bundle, encoding="utf-8")
        partial.replace(stored)
    return Script(stored.read_text(encoding="utf-8").replace("</script", "<\\/script").replace("<!--", "\\x3c!--"))


def policy(inlined: list[Script]) -> str:
    """A Content-Security-Policy under which the page runs these scripts, none that a record smuggled in, and loads nothing."""
    hashes = " ".join(script.hash for script in inlined)
    sources = {
        "default-src": "'none'",
        "script-src": hashes,
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in sources.items())
