"""A slot for the latest value: joins threads of different speed without a queue."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestSlot(Generic[T]):
    """Holds at most one item; a new item replaces one that has not been taken.

    Attributes:
        dropped: number of items that were replaced before they were taken.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: T | None = None
        self._closed = False
        self.dropped = 0

    def put(self, item: T) -> None:
        """Stores an item for the next ``get``."""
        with self._condition:
            if self._item is not None:
                self.dropped += 1
            self._item = item
            self._condition.notify_all()

    def get(self, timeout: float) -> T | None:
        """Takes the item out of the slot, and waits up to ``timeout`` seconds for one.

        Returns:
            The item; None if none arrived in time, or if the slot is closed and empty.
        """
        with self._condition:
            if self._item is None and not self._closed:
                self._condition.wait(timeout)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Declares that no more items will be put. An item that is in the slot can still be taken."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    @property
    def exhausted(self) -> bool:
        """Whether the slot is closed and empty."""
        with self._condition:
            return self._closed and self._item is None
