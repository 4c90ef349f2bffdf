"""Latency, frame rate and the report of a live run, in memory that does not grow with its length."""

from __future__ import annotations

import collections
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

BIN = 0.5e-3  # seconds; resolution of the histogram
RATE_WINDOW = 2.0  # seconds over which the rate on a display is averaged
LONGEST = 20.0  # seconds; longer latencies are counted in the last bin


class LatencyHistogram:
    """Counts the latencies of all frames in bins of ``BIN`` seconds and gives their percentiles."""

    def __init__(self) -> None:
        self._counts = np.zeros(round(LONGEST / BIN) + 1, np.int64)

    def add(self, seconds: float) -> None:
        """Counts the latency of one frame."""
        self._counts[min(len(self._counts) - 1, max(0, int(seconds / BIN)))] += 1

    def __len__(self) -> int:
        return int(self._counts.sum())

    def percentile(self, percent: float) -> float:
        """The latency in seconds that ``percent`` (0..100) of the frames did not exceed; 0 without frames."""
        total = len(self)
        if not total:
            return 0.0
        rank = max(1, int(np.ceil(percent / 100.0 * total)))
        return float((np.searchsorted(np.cumsum(self._counts), rank) + 0.5) * BIN)


class RollingRate:
    """Frames per second over the last ``RATE_WINDOW`` seconds, for a display."""

    def __init__(self) -> None:
        self._times: collections.deque[float] = collections.deque(maxlen=1024)

    def add(self, now: float) -> None:
        """Counts a frame at time ``now``, seconds."""
        self._times.append(now)
        while self._times[0] < now - RATE_WINDOW:
            self._times.popleft()

    @property
    def value(self) -> float:
        """Frames per second; 0 until there are two frames."""
        if len(self._times) < 2 or self._times[-1] <= self._times[0]:
            return 0.0
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])


@dataclass
class LiveReport:
    """Figures of a live run.

    Attributes:
        captured: frames that the camera delivered.
        painted: frames that were painted.
        dropped: frames that were replaced by a newer one before they could be painted.
        skipped: frames left out on purpose because the camera is faster than the target rate.
        seconds: time from the first painted frame to the last.
        first_frame: seconds from the start of the program to the first painted frame.
        fps_in: captured frames per second.
        fps_out: painted frames per second.
        latency_p50: median time from capture until the slowest output has written the frame, milliseconds.
        latency_p95: 95th percentile of the same, milliseconds.
        delay: recent mean time from the capture of a frame until it is painted, seconds.
        longest_gap: longest time between two painted frames, seconds.
        rate: recent painted frames per second.
        reconnects: number of times the camera was opened again.
        size: width and height at which the last frame was painted, pixels.
        outputs: name of the output -> "frames", "dropped", "error", "reconnects".
        warnings: what went wrong without ending the run.
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
        """The attributes as JSON values, numbers rounded to three decimals."""
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()}
