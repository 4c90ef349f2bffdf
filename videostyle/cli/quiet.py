"""Imports TensorFlow without its remarks."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def _no_stderr() -> Iterator[None]:
    """Sends the process's stderr nowhere: TensorFlow's C++ part writes there before its log level is read."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def load_tensorflow() -> None:
    """Imports TensorFlow and Keras.

    Raises:
        ImportError: if they cannot be loaded.
    """
    with _no_stderr():
        import keras  # noqa: F401
        import tensorflow  # noqa: F401
