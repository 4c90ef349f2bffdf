"""Imports TensorFlow: without its messages, with a suitable number of threads, and so that memory is reused."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator

from videostyle.resources import usable_cores


@contextlib.contextmanager
def _held_stderr() -> Iterator[None]:
    """Holds back what is written to stderr, and shows it only if something goes wrong.

    The C++ part of TensorFlow writes messages there before it reads its log level; it also writes there why it ends the
    process.
    """
    sys.stderr.flush()
    real = os.dup(2)
    with tempfile.TemporaryFile() as held:

        def show() -> None:
            held.seek(0)
            os.write(real, held.read())

        os.dup2(held.fileno(), 2)
        try:
            with _before_death(show):
                yield
        except Exception:
            show()
            raise
        finally:
            os.dup2(real, 2)
            os.close(real)


@contextlib.contextmanager
def _before_death(action: Callable[[], None]) -> Iterator[None]:
    """Calls ``action`` before a library ends the process, by aborting or by an instruction that the processor lacks.

    Signal handlers of Python run between two lines of Python, which is too late. Those of the C library run at once.
    """
    try:
        libc = ctypes.CDLL(None)
    except (OSError, TypeError):  # no POSIX system
        yield
        return
    libc.signal.restype, libc.signal.argtypes = ctypes.c_void_p, (ctypes.c_int, ctypes.c_void_p)
    before: dict[int, int | None] = {}

    def die(number: int) -> None:
        action()
        # Then as without this handler: faulthandler, if enabled, reports where Python was, and the process ends.
        libc.signal(number, before[number])
        libc["raise"](number)

    handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(die)
    for number in map(int, (signal.SIGABRT, signal.SIGILL)):
        before[number] = libc.signal(number, ctypes.cast(handler, ctypes.c_void_p))
    try:
        yield
    finally:
        for number, previous in before.items():
            libc.signal(number, previous)


def _keep_memory() -> None:
    """Asks glibc to reuse large blocks instead of returning them to the kernel.

    The buffer of a layer has tens of megabytes. The kernel has to clear new pages, which took a tenth of the time of a
    frame.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        trim_threshold, mmap_threshold, most = -1, -3, 1 << 28
        libc.mallopt(mmap_threshold, most)
        libc.mallopt(trim_threshold, 2 * most)


class _NoRetracing(logging.Filter):
    """Drops TensorFlow's advice on "retracing": a program for another frame size is what that means here."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is something else."""
        return "retracing" not in str(record.msg)


def load_tensorflow(*, frames_side_by_side: bool = False) -> None:
    """Imports TensorFlow and Keras, without what they print while they are loaded; does nothing the second time.

    Args:
        frames_side_by_side: compute each operation on one thread, so that frames are painted in parallel instead.

    Raises:
        ImportError: if they cannot be loaded.
    """
    remarks = logging.getLogger("tensorflow")
    if not any(isinstance(found, _NoRetracing) for found in remarks.filters):
        remarks.addFilter(_NoRetracing())
    if "tensorflow" in sys.modules:  # another program's, whose threads are its own matter
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # messages about its build do not concern the user
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    _keep_memory()
    with _held_stderr():
        import keras  # noqa: F401
        import tensorflow
    remarks.setLevel(logging.ERROR)
    # TensorFlow respects the affinity mask, but neither quotas nor ``VIDEOSTYLE_THREADS``.
    threads = 1 if frames_side_by_side else usable_cores()
    with contextlib.suppress(
        RuntimeError
    ):  # TensorFlow is already running in this process, with its own number of threads
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
