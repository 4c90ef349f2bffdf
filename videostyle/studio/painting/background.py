"""Slow results that a page asks for, made one at a time in a thread: what was asked for last comes first."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from videostyle.errors import VideostyleError
from videostyle.studio.web.problems import bug

log = logging.getLogger("videostyle")

KEPT = 8  # results
REPORTS = 20  # in all, while a result is being made

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


@dataclass
class Progress(Generic[Result]):
    """How far a result is.

    Attributes:
        share: of the work that is done, 0..1.
        result: None until it is made.
        error: why it cannot be made.
    """

    share: float = 0.0
    result: Result | None = None
    error: VideostyleError | None = None

    @property
    def over(self) -> bool:
        """Whether the result is made, or cannot be made."""
        return self.result is not None or self.error is not None


class _NotWanted(Exception):
    """Nobody waits for the result that is being made."""


Count = Callable[[int, int | None], None]


@dataclass(frozen=True)
class _Order(Generic[Key, Result]):
    key: Key
    make: Callable[[Count], Result]
    on_change: Callable[[Progress[Result]], None]


class Background(Generic[Key, Result]):
    """Makes results in a thread of its own, and keeps the last ``KEPT`` that were asked for.

    Args:
        name: of the thread.
        latest_only: drop what was asked for before, even while it is being made; otherwise it is made later.
    """

    def __init__(self, name: str, *, latest_only: bool) -> None:
        self._name, self._latest_only = name, latest_only
        self._lock = threading.Lock()
        self._found: OrderedDict[Key, Progress[Result]] = OrderedDict()
        self._waiting: list[_Order[Key, Result]] = []
        self._making: Key | None = None  # None also when what is being made is not wanted any more
        self._thread: threading.Thread | None = None
        self._closed = False

    def find(self, key: Key) -> Result | None:
        """A result; None if it is not made."""
        progress = self._found.get(key)
        return progress.result if progress is not None else None

    def ask(
        self, key: Key, make: Callable[[Count], Result], on_change: Callable[[Progress[Result]], None]
    ) -> Progress[Result]:
        """Has a result made, unless there is one; returns how far it is.

        Args:
            key: tells results apart.
            make: makes it, in the thread. It must often call the function that it gets, with the number of steps done
                since the last call, and the number of all steps or None: that call ends it, by an exception, when
                nobody waits for the result any more.
            on_change: called in the thread, ``REPORTS`` times at most while it is being made, and at its end.
        """
        with self._lock:
            progress = self._found.setdefault(key, Progress())
            self._found.move_to_end(key)
            if not progress.over:
                others = [] if self._latest_only else [order for order in self._waiting if order.key != key]
                new = [] if self._making == key else [_Order(key, make, on_change)]
                self._waiting = [*others, *new]
                if self._latest_only and new:
                    self._making = None
            while len(self._found) > KEPT:
                gone, _ = self._found.popitem(last=False)
                self._waiting = [order for order in self._waiting if order.key != gone]
                if self._making == gone:
                    self._making = None
            if self._waiting and self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        return progress

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or self._closed:
                    self._thread = None
                    return
                order = self._waiting.pop()
                self._making = order.key
                progress = self._found[order.key]
            try:
                progress.result = order.make(self._counter(order, progress))
                progress.share = 1.0
            except _NotWanted:
                continue
            except VideostyleError as error:
                progress.error = error
            except Exception as error:
                log.exception("a %s failed", self._name)
                progress.error = bug(error)
            finally:
                with self._lock:
                    self._making = None
            order.on_change(progress)

    def _counter(self, order: _Order[Key, Result], progress: Progress[Result]) -> Count:
        done = 0

        def count(steps: int, total: int | None) -> None:
            nonlocal done
            if self._closed or self._making != order.key:
                raise _NotWanted
            done += steps
            before, progress.share = progress.share, min(0.99, done / total) if total else 0.0
            if int(REPORTS * before) != int(REPORTS * progress.share):
                order.on_change(progress)

        return count

    def close(self) -> None:
        """Ends what is being made, and drops the rest."""
        self._closed = True
        if (thread := self._thread) is not None:
            thread.join(10)
