"""Measures how fast a job has been lately, from which the time left follows."""

from __future__ import annotations

import time
from collections import deque

WINDOW = 30.0  # seconds of which the rate is taken


class Rate:
    """Measures steps a second over the last ``WINDOW`` seconds of a phase."""

    def __init__(self) -> None:
        self._phase = ""
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, phase: str, count: int, now: float | None = None) -> float | None:
        """Takes how far a phase is; returns steps a second, None while that is not known.

        Args:
            phase: its name.
            count: steps of it that are done.
            now: ``time.monotonic()``; None = now.
        """
        now = time.monotonic() if now is None else now
        if phase != self._phase:
            self._phase = phase
            self._seen.clear()
        self._seen.append((now, count))
        while len(self._seen) > 2 and now - self._seen[0][0] > WINDOW:
            self._seen.popleft()
        (first, begun), seconds = self._seen[0], now - self._seen[0][0]
        del first
        return (count - begun) / seconds if seconds > 0.5 and count > begun else None
