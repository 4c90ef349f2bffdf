"""The version of this package, in a module below all others, so that every module may import it."""

from __future__ import annotations

__version__ = "0.1.0"
