"""A place for one item, always the newest: how stages of different pace are joined without a queue."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestSlot(Generic[T]):
    """Holds at most one item; putting another drops, and counts, what nobody took."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: T | None = None
        self._closed = False
        self.dropped = 0

    def put(self, item: T) -> None:
        """Leaves an item."""
        with self._condition:
            if self._item is not None:
                self.dropped += 1
            self._item = item
            self._condition.notify_all()

    def get(self, timeout: float) -> T | None:
        """Takes the item, waiting for one at most ``timeout`` seconds; None if none came, or all is over."""
        with self._condition:
            if self._item is None and not self._closed:
                self._condition.wait(timeout)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Says that nothing will come any more; what is there can still be taken."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    @property
    def over(self) -> bool:
        """Whether it is closed and empty."""
        with self._condition:
            return self._closed and self._item is None
