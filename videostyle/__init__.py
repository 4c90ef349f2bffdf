"""videostyle paints video in the style of a painting, frame after frame, without flicker.

``render`` paints a file, ``paint`` gives painted frames to another program, ``Stylizer`` paints arrays, ``train`` makes
a style from a painting, ``list_styles`` says which there are. What goes wrong raises ``VideostyleError``, whose text
says what, why, and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from videostyle.errors import VideostyleError
from videostyle.version import __version__

__all__ = ["Stylizer", "VideostyleError", "__version__", "list_styles", "paint", "render", "train"]

if TYPE_CHECKING:
    from videostyle.api import Stylizer, list_styles, paint, render, train


def __getattr__(name: str) -> Any:
    # The command line asks for --help far more often than anybody needs NumPy for it.
    if name in ("Stylizer", "list_styles", "paint", "render", "train"):
        from importlib import import_module

        return getattr(import_module("videostyle.api"), name)
    raise AttributeError(f"module 'videostyle' has no attribute '{name}'")


def __dir__() -> list[str]:
    # help() shows what this lists.
    return sorted({*globals(), *__all__})
