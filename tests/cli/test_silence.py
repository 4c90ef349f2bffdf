"""A terminal is never still: whatever takes long says meanwhile what is going on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT

VERBS = ROOT / "videostyle" / "cli"
# Modules of the command line that load the backend: each says so before; ``doctor`` does with all that it tries.
LOADING = [path for path in sorted(VERBS.glob("*.py")) if "load_backend(" in path.read_text(encoding="utf-8")]
LOADING = [path for path in LOADING if path.stem != "doctor"]
SHOWN = ("note", "timed")


def _calls(tree: ast.AST) -> list[tuple[int, str]]:
    """Lines and names of what is called, in the order of the file."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            found.append((node.lineno, node.func.id if isinstance(node.func, ast.Name) else node.func.attr))
    return sorted(found)


@pytest.mark.parametrize("path", LOADING, ids=lambda path: path.stem)
def test_the_backend_is_loaded_behind_a_note(path: Path) -> None:
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        calls = _calls(function)
        loads = [line for line, name in calls if name == "load_backend"]
        shows = [line for line, name in calls if name in SHOWN]
        if loads:
            assert shows, function.name
            assert shows[0] < loads[0], function.name
