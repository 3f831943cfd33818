"""The manual names every module of the harness."""

import re

from tests.harness.running import ROOT


def test_every_module_is_in_the_manual() -> None:
    manual = (ROOT / "docs" / "harness.md").read_text()
    modules = {path.name for path in (ROOT / "harness").glob("[!_]*.py")}
    packages = {f"{path.parent.name}/" for path in (ROOT / "harness").glob("*/__init__.py")}

    assert modules | packages == set(re.findall(r"`([a-z_]+(?:\.py|/))`", manual)) - {"harness/", "suites/"}
