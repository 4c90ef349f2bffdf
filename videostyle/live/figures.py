"""Figures of a run that may last for days: delays and rates in memory that does not grow."""

from __future__ import annotations

import collections

import numpy as np

BIN = 0.5e-3  # seconds, how finely delays are told apart
LONGEST = 20.0  # seconds; what took longer counts as this


class Delays:
    """How many frames took how long: percentiles of all of them, to within ``BIN``."""

    def __init__(self) -> None:
        self._counts = np.zeros(round(LONGEST / BIN) + 1, np.int64)

    def add(self, seconds: float) -> None:
        """Takes the delay of a frame."""
        self._counts[min(len(self._counts) - 1, max(0, int(seconds / BIN)))] += 1

    def __len__(self) -> int:
        return int(self._counts.sum())

    def percentile(self, percent: float) -> float:
        """Seconds that ``percent`` of the frames did not exceed; 0 without frames."""
        total = len(self)
        if not total:
            return 0.0
        rank = max(1, int(np.ceil(percent / 100.0 * total)))
        return float((np.searchsorted(np.cumsum(self._counts), rank) + 0.5) * BIN)


class RecentRate:
    """Frames a second over the last while, for a display.

    Args:
        window: seconds to look back.
    """

    def __init__(self, window: float = 2.0) -> None:
        self._window = window
        self._times: collections.deque[float] = collections.deque(maxlen=1024)

    def add(self, now: float) -> None:
        """Counts a frame at ``now``, in seconds."""
        self._times.append(now)
        while self._times[0] < now - self._window:
            self._times.popleft()

    @property
    def value(self) -> float:
        """Frames a second; 0 before there are two."""
        if len(self._times) < 2 or self._times[-1] <= self._times[0]:
            return 0.0
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])
