"""Ctrl-C and its like: the first stops cleanly, the second at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from videostyle.errors import Interrupted


@contextlib.contextmanager
def stoppable() -> Iterator[threading.Event]:
    """Yields an event that the first SIGINT, SIGTERM or SIGHUP sets; the second one ends the program at once.

    SIGHUP comes when a terminal is closed; it goes on being ignored where it is, as behind ``nohup``. An
    ``Interrupted`` raised in the block gets the exit code of the signal: 130, 143 or 129.
    """
    event = threading.Event()
    received = []

    def handle(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if event.is_set():
            os._exit(128 + number)
        event.set()
        print(
            "\nvideostyle: stopping after the frames in work (press Ctrl-C again to stop at once)",
            file=sys.stderr,
            flush=True,
        )

    before = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [signal.SIGINT, signal.SIGTERM]
        closed = getattr(signal, "SIGHUP", None)  # Windows has none
        if closed is not None and signal.getsignal(closed) is not signal.SIG_IGN:
            numbers.append(closed)
        before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield event
    except Interrupted as error:
        if received:
            error.exit_code = 128 + received[0]
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
