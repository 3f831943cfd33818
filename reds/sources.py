"""Which code decides a result: a module and every module of this package that it imports, directly or not.

The packages around a module count with it, for Python runs their `__init__` first, and so do the modules that those import; the
outermost, `reds`, holds nothing. Comments, docstrings and layout decide nothing and do not count; nor do the modules in
`WITHOUT_INFLUENCE`.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = __package__
WITHOUT_INFLUENCE = frozenset({"reds.errors", "reds.progress"})


@cache
def source_digest(module: str) -> str:
    """SHA-256 (hexadecimal) of the code that decides what `module` computes."""
    digest = hashlib.sha256()
    for name in sorted(dependencies(module)):
        digest.update(f"{name}\n{_code(name)}\n".encode())
    return digest.hexdigest()


def dependencies(module: str) -> frozenset[str]:
    """The module, the modules of this package that it imports wherever in their files they do, and the packages around them."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in WITHOUT_INFLUENCE:
            found.add(name)
            waiting += [*_packages(name), *_imports(_tree(name))]
    return frozenset(found)


def _packages(module: str) -> list[str]:
    """The packages around a module, but this one: of `reds.training.loop`, `reds.training`."""
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(2, len(parts))]


def _imports(tree: ast.Module) -> list[str]:
    """Modules of this package that the file imports."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]  # `from package import module`
    return [name for name in names if name.split(".")[0] == PACKAGE and name != PACKAGE and _path(name) is not None]


def _path(module: str) -> Path | None:
    """The file of a module, None where there is no such module (the name is that of a function, say)."""
    base = ROOT.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache
def _tree(module: str) -> ast.Module:
    path = _path(module)
    assert path is not None, f"no source file of {module}"
    return ast.parse(path.read_text(), filename=str(path))


def _code(module: str) -> str:
    """The module's code in one canonical layout, without docstrings."""
    tree = _tree(module)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
