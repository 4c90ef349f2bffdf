"""Imports the backend: without its messages, with a suitable number of threads, and so that memory is reused."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from videostyle.errors import DeviceError

VARIABLE = "KERAS_BACKEND"  # environment variable that Keras reads when it is imported
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}  # by Keras' names


@contextlib.contextmanager
def held_stderr() -> Iterator[None]:
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
        # Then the signal has its usual effect: faulthandler, if enabled, reports where Python was; the process ends.
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


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Suspends Python's garbage collector: loading modules leaves no garbage, and looking for it takes time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# Libraries of a backend that take long to open, in the order in which they need each other, by Keras' name.
LIBRARIES = {"tensorflow": ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2")}


def _open_libraries(name: str) -> None:
    """Opens the libraries of a backend without holding the lock of Python, so that other threads go on meanwhile."""
    found = importlib.util.find_spec(name)
    folder = Path(found.origin).parent if found is not None and found.origin else None
    with contextlib.suppress(OSError, AttributeError, TypeError):  # import opens them otherwise
        dlopen = ctypes.CDLL(None).dlopen  # ``ctypes.CDLL`` itself would hold the lock
        dlopen.restype, dlopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
        for library in LIBRARIES.get(name, ()):
            if folder is not None and (folder / library).exists():
                dlopen(os.fsencode(folder / library), os.RTLD_NOW | os.RTLD_LOCAL)


class _NoRetracing(logging.Filter):
    """Drops TensorFlow's advice on "retracing": a program for another frame size is what that means here."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is something else."""
        return "retracing" not in str(record.msg)


def installed_backends() -> list[str]:
    """Those of ``BACKENDS`` that can be imported; none is."""
    return [name for name in BACKENDS if importlib.util.find_spec(name) is not None]


def chosen_backend() -> str:
    """The Keras backend that computes: one of ``BACKENDS``.

    It is the one that Keras runs on, if a program has imported Keras already; else what ``KERAS_BACKEND`` says.

    Raises:
        DeviceError: if it is not one of these, or not installed.
    """
    keras = sys.modules.get("keras")
    name = keras.backend.backend() if keras is not None else os.environ.get(VARIABLE, "") or "tensorflow"
    if name not in BACKENDS:
        raise DeviceError(f"cannot paint with the Keras backend '{name}'", hint=f"use one of {', '.join(BACKENDS)}")
    if name not in (others := installed_backends()):
        package = "videostyle" if name == "tensorflow" else f"videostyle[{name}]"
        instead = f", or use `backend` {others[0]}" if others else ""
        raise DeviceError(f"{BACKENDS[name]} is not installed", hint=f"pip install '{package}'{instead}")
    return name


def backend_title() -> str:
    """The name of the backend that computes, as users know it.

    Raises:
        DeviceError: if it is not installed.
    """
    return BACKENDS[chosen_backend()]


def load_backend(*, frames_side_by_side: bool = False) -> None:
    """Imports Keras and its backend, without what they print while they are loaded; does nothing the second time.

    Args:
        frames_side_by_side: compute each operation on one thread, where the backend can, so that frames are painted in
            parallel instead.

    Raises:
        DeviceError: if the backend is not installed.
        ImportError: if it cannot be loaded.
    """
    remarks = logging.getLogger("tensorflow")
    if not any(isinstance(found, _NoRetracing) for found in remarks.filters):
        remarks.addFilter(_NoRetracing())
    name = chosen_backend()
    os.environ.setdefault(VARIABLE, name)  # processes that this one starts compute alike
    if name in sys.modules:  # another program's, whose threads are its own matter
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # messages about its build do not concern the user
    _keep_memory()
    with held_stderr(), _no_collection():
        _open_libraries(name)
        importlib.import_module(name)
        from videostyle.inference.backends.current import backend
    remarks.setLevel(logging.ERROR)
    from videostyle.resources import usable_cores

    # Backends respect the affinity mask, but neither quotas nor ``VIDEOSTYLE_THREADS``.
    backend().prepare(1 if frames_side_by_side else usable_cores())
