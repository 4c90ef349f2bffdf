"""Finds the module of the backend that Keras runs on."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

import keras

from videostyle.inference.backends.protocol import Backend


@lru_cache(maxsize=1)
def backend() -> Backend:
    """The module of the backend in use; no other is imported."""
    module: Backend = import_module(f"videostyle.inference.backends.{keras.backend.backend()}")
    return module
