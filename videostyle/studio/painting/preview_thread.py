"""The thread in which all previews are painted: one at a time, the most urgent first; cancelled ones are skipped."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

NOW, SOON, LATER = 0, 1, 2  # how urgent: what is looked at, the cells of a grid, what is prepared


class PreviewThread:
    """Does pieces of work in one thread, in order of urgency. TensorFlow is loaded by the first.

    A piece whose future is cancelled before it begins is never done.
    """

    def __init__(self) -> None:
        self._queue: queue.PriorityQueue[tuple[int, int, Callable[[], Any], Future[Any]]] = queue.PriorityQueue()
        self._number = itertools.count()
        self._closed = self._working = False
        self._thread = threading.Thread(target=self._run, name="preview", daemon=True)
        self._thread.start()

    def submit(self, urgency: int, work: Callable[[], T]) -> Future[T]:
        """Has a piece of work done.

        Args:
            urgency: ``NOW``, ``SOON`` or ``LATER``.
            work: what to do.
        """
        future: Future[T] = Future()
        if self._closed:
            future.cancel()
        else:
            self._queue.put((urgency, next(self._number), work, future))
        return future

    @property
    def busy(self) -> bool:
        """Whether it paints, or something waits."""
        return self._working or not self._queue.empty()

    def _run(self) -> None:
        while True:
            _, _, work, future = self._queue.get()
            if self._closed:
                future.cancel()
                return
            if not future.set_running_or_notify_cancel():
                continue
            self._working = True
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
            self._working = False
            del work, future  # else the last picture is held until the next one comes

    def close(self) -> None:
        """Ends the thread after the piece in work; what waits is cancelled."""
        self._closed = True
        self._queue.put((-1, next(self._number), lambda: None, Future()))
        self._thread.join(10)
        while not self._queue.empty():
            self._queue.get_nowait()[3].cancel()
