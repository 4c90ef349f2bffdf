"""videostyle paints video in the style of a painting, frame after frame, without flicker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Stylizer", "__version__", "paint", "render"]

if TYPE_CHECKING:
    from videostyle.api import Stylizer, paint, render


def __getattr__(name: str) -> Any:
    # The command line asks for --help far more often than anybody needs NumPy for it.
    if name in ("Stylizer", "paint", "render"):
        from importlib import import_module

        return getattr(import_module("videostyle.api"), name)
    raise AttributeError(f"module 'videostyle' has no attribute '{name}'")
