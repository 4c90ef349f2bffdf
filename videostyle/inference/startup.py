"""Imports TensorFlow without its remarks."""

from __future__ import annotations

import contextlib
import ctypes
import logging
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


def _keep_memory() -> None:
    """Asks glibc to reuse large blocks instead of handing them back: each layer's buffer is tens of megabytes.

    Fresh pages have to be cleared by the kernel, which took a tenth of the time of a frame.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        trim_threshold, mmap_threshold, most = -1, -3, 1 << 28
        libc.mallopt(mmap_threshold, most)
        libc.mallopt(trim_threshold, 2 * most)


def load_tensorflow(*, frames_side_by_side: bool = False) -> None:
    """Imports TensorFlow and Keras.

    Args:
        frames_side_by_side: compute each operation on one thread, so that frames are painted in parallel instead.

    Raises:
        ImportError: if they cannot be loaded.
    """
    _keep_memory()
    with _no_stderr():
        import keras  # noqa: F401
        import tensorflow

        if frames_side_by_side:
            with contextlib.suppress(RuntimeError):  # running in this process already, with the threads it has
                tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    # "Retracing" is what a program for another frame size is.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
