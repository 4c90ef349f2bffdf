"""Loads the backend once; threads that need it wait until it is completely loaded."""

from __future__ import annotations

import threading

_LOADING = threading.Lock()


def load() -> None:
    """Loads the backend, as one that paints a picture at a time needs it: each operation uses all cores.

    Two threads that import TensorFlow at once may each see half of it, so all threads of the studio come here.

    Raises:
        DeviceError: if the backend is not installed.
        ImportError: if it cannot be loaded.
    """
    from videostyle.inference.startup import load_backend

    with _LOADING:
        load_backend()
