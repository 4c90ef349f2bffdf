"""Figures of a run that may last for days: delays and rates in memory that does not grow."""

from __future__ import annotations

import collections
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

BIN = 0.5e-3  # seconds, how finely delays are told apart
LONGEST = 20.0  # seconds; what took longer counts as this


class LatencyHistogram:
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


class RollingRate:
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


@dataclass
class LiveReport:
    """What a live run did.

    Attributes:
        captured: frames that the camera gave.
        painted: frames painted.
        dropped: frames that were too late to be painted.
        skipped: frames left out on purpose, as the camera is faster than the rate that is aimed at.
        seconds: from the first painted frame to the end.
        first_frame: seconds from the start of the program to the first painted frame.
        fps_in: captured frames a second.
        fps_out: painted frames a second.
        latency_p50: milliseconds from capture to having left through the slowest output.
        latency_p95: the same, 95th percentile.
        delay: seconds from the capture of a frame to its being painted, of late.
        longest_gap: seconds between two painted frames at most.
        rate: painted frames a second of late.
        reconnects: times that the camera was opened again.
        size: width and height at which frames were painted at the end.
        outputs: name -> frames, dropped, error.
        warnings: what was not as it should be.
    """

    captured: int = 0
    painted: int = 0
    dropped: int = 0
    skipped: int = 0
    seconds: float = 0.0
    first_frame: float = 0.0
    fps_in: float = 0.0
    fps_out: float = 0.0
    latency_p50: float = 0.0
    latency_p95: float = 0.0
    delay: float = 0.0
    longest_gap: float = 0.0
    rate: float = 0.0
    reconnects: int = 0
    size: tuple[int, int] = (0, 0)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """As JSON values."""
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()}
