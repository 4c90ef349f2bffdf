"""Every error that a user can meet says what to do about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from videostyle import errors

PACKAGE = Path(__file__).parent.parent / "videostyle"
KINDS = {name for name, kind in vars(errors).items() if isinstance(kind, type)}


def _made(path: Path) -> Iterator[ast.Call]:
    """Where errors of ours are made in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
            yield node


def test_every_error_has_a_hint() -> None:
    without = [
        f"{path.relative_to(PACKAGE)}:{call.lineno}: {ast.unparse(call)}"
        for path in PACKAGE.rglob("*.py")
        for call in _made(path)
        if len(call.args) < 3 and not any(keyword.arg == "hint" for keyword in call.keywords)
    ]
    assert without == []
