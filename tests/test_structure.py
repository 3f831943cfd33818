"""The rooms may import one another only in the directions that docs/architecture.md draws."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# room -> what it may import of the project and of the heavy libraries
ALLOWED = {
    "reds": {"reds"},
    "targets": {"targets", "reds"},
    "harness": {"harness", "targets", "reds"},
    "suites": set(),
}
ROOMS = {"reds", "targets", "harness", "suites", "tests"}
PYTEST = {"pytest", "_pytest", "xdist", "pytest_benchmark"}
TRAINING = {"tensorflow", "keras", "sklearn", "PIL"}


def imported_modules(path: Path) -> set[str]:
    """Top-level names of all modules that a file imports, wherever in the file it does."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(), filename=str(path))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


def sources(room: str) -> list[Path]:
    """The Python files of a room."""
    return sorted(path for path in (ROOT / room).rglob("*.py") if "node_modules" not in path.parts)


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_its_place_allows(room: str) -> None:
    offences = {
        str(path.relative_to(ROOT)): sorted(forbidden)
        for path in sources(room)
        if (forbidden := (imported_modules(path) & ROOMS) - ALLOWED[room])
    }
    assert not offences


@pytest.mark.parametrize("room", ["reds", "targets"])
def test_only_harness_and_suites_know_pytest(room: str) -> None:
    assert not {str(path.relative_to(ROOT)) for path in sources(room) if imported_modules(path) & PYTEST}


@pytest.mark.parametrize("room", ["reds", "targets", "harness", "suites"])
def test_training_libraries_are_imported_only_where_training_happens(room: str) -> None:
    homes = (ROOT / "reds" / "training", ROOT / "reds" / "datasets")
    offences = {
        str(path.relative_to(ROOT))
        for path in sources(room)
        if imported_modules(path) & TRAINING and not any(home in path.parents for home in homes)
    }
    assert not offences


def test_importing_the_rooms_that_talk_to_devices_leaves_training_libraries_out() -> None:
    program = (
        "import sys, pkgutil, importlib\n"
        "for room in ('targets', 'harness', 'reds'):\n"
        "    package = importlib.import_module(room)\n"
        "    for module in pkgutil.walk_packages(package.__path__, room + '.'):\n"
        "        parts = module.name.split('.')\n"
        "        if parts[-1] in ('__main__', 'bake_identity') or 'training' in parts:\n"
        "            continue\n"
        "        importlib.import_module(module.name)\n"
        f"print(sorted(set({sorted(TRAINING)!r}) & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def tracked_files() -> list[Path]:
    """Files under version control (all files where this is no git checkout)."""
    done = subprocess.run(["git", "ls-files", "-z"], capture_output=True, cwd=ROOT, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


def test_every_markdown_link_to_a_file_leads_somewhere() -> None:
    broken = {
        f"{path.relative_to(ROOT)} -> {target}"
        for path in tracked_files()
        if path.suffix == ".md" and path.exists()
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text())
        if not (path.parent / target).exists()
    }
    assert not broken
