"""What differs between Keras backends: how a function is compiled, and what it runs on."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import keras


def backend_module() -> Any:
    """The module of this folder for the Keras backend in use; no other is imported."""
    return import_module(f"videostyle.training.device.{keras.backend.backend()}_steps")


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of tensors, as one program where the backend has programs."""
    made: Callable[..., Any] = backend_module().compiled(function)
    return made


def has_accelerator() -> bool:
    """Whether the Keras backend in use has a GPU or the like."""
    return bool(backend_module().has_accelerator())
