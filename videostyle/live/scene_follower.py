"""Follows the statistics of a live scene: measured at once when the scene changes, averaged slowly otherwise.

The painting must not become brighter and darker with every measurement, so changes within a scene enter through a slow
mean. A cut, or a light that is switched on, must take effect at once, so there the mean starts again.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from videostyle.frames import UInt8Array
from videostyle.motion.cuts import CutDetector
from videostyle.network.statistics import Statistics, between, pooled

MEASURE_EVERY = 1.0  # seconds between two measurements of a scene that stays
COLUMNS = 4  # vertical strips that such a measurement is split into, one at a time: a whole one would delay a frame
TIME_CONSTANT = 8.0  # seconds; the mean covers 63 % of a sudden change within a scene in this time
BRIGHTNESS_JUMP = 0.06  # change of the mean brightness (0..1) within a second that makes the scene count as new
MIN_JUMP_INTERVAL = 0.25  # seconds between two brightness jumps: measuring at every flash of a strobe takes too long


class SceneChangeDetector:
    """Detects the start of a scene: the first frame, a cut, a sudden change of brightness.

    Attributes:
        cut: whether a shot begins with the last frame; False where only the brightness has changed.
    """

    def __init__(self) -> None:
        self.cut = False
        self._cuts = CutDetector()
        self._brightness: float | None = None
        self._sampled = self._jumped = -math.inf

    def __call__(self, frame: UInt8Array, now: float) -> bool:
        """Whether a scene begins with this frame.

        Args:
            frame: uint8 ``[H, W, 3]``.
            now: its time, seconds.
        """
        self.cut = self._cuts(frame)
        brightness = float(frame[::8, ::8].mean()) / 255.0
        jump = self._brightness is None or (
            abs(brightness - self._brightness) > BRIGHTNESS_JUMP and now - self._jumped >= MIN_JUMP_INTERVAL
        )
        if self.cut or jump:
            self._brightness, self._sampled, self._jumped = brightness, now, now
            return True
        if now - self._sampled >= MEASURE_EVERY:
            self._brightness, self._sampled = brightness, now
        return False


class StatisticsAverage:
    """An exponential moving average of statistics, weighted by the seconds between measurements."""

    def __init__(self) -> None:
        self.value: Statistics | None = None
        self._time = 0.0

    def update(self, measured: Statistics, now: float, *, restart: bool) -> Statistics:
        """Adds a measurement of time ``now``, seconds.

        Args:
            measured: the new statistics.
            now: time of the measurement, seconds.
            restart: forget earlier measurements.

        Returns:
            The average; ``measured`` itself after a restart.
        """
        if restart or self.value is None:
            self.value = dict(measured)
        else:
            weight = 1.0 - math.exp(-(now - self._time) / TIME_CONSTANT)
            self.value = between(self.value, {**self.value, **measured}, weight)
        self._time = now
        return self.value


class SceneFollower:
    """Keeps the statistics of the scene up to date, at a bounded cost per frame.

    A new scene is measured on its first frame. A scene that stays is measured about once every ``MEASURE_EVERY``
    seconds, one column of the picture at a time.

    Args:
        measure: gives the statistics of a frame, uint8 ``[H, W, 3]`` (``StyleProcessor.statistics_of``).
        measure_column: the same for one of ``COLUMNS`` columns of the frame (``network.statistics.columns``), given
            its number. Statistics that it leaves out keep their values.
    """

    def __init__(
        self,
        measure: Callable[[UInt8Array], Statistics],
        measure_column: Callable[[UInt8Array, int], Statistics],
    ) -> None:
        self._measure, self._measure_column = measure, measure_column
        self._changes, self._average = SceneChangeDetector(), StatisticsAverage()
        self._columns: list[Statistics] = []  # measured so far in this round
        self._due = 0.0

    def __call__(self, frame: UInt8Array, now: float) -> Statistics | None:
        """Looks at a frame, uint8 ``[H, W, 3]``, of time ``now``, seconds; returns statistics if they have changed."""
        if self.is_new(frame, now):
            return self.restart(self._measure(frame), now)
        return self._measure_gradually(frame, now)

    def is_new(self, frame: UInt8Array, now: float) -> bool:
        """Whether a scene begins with this frame; must see every frame once."""
        return self._changes(frame, now)

    @property
    def cut(self) -> bool:
        """Whether a shot begins with the frame that was looked at last."""
        return self._changes.cut

    def restart(self, measured: Statistics, now: float) -> Statistics:
        """Takes ``measured`` as the statistics of a scene or style that begins at ``now``, seconds."""
        self._columns, self._due = [], now + MEASURE_EVERY / COLUMNS
        return self._average.update(measured, now, restart=True)

    def _measure_gradually(self, frame: UInt8Array, now: float) -> Statistics | None:
        if now < self._due:
            return None
        self._due = now + MEASURE_EVERY / COLUMNS
        self._columns.append(self._measure_column(frame, len(self._columns)))
        if len(self._columns) < COLUMNS:
            return None
        measured, self._columns = pooled(self._columns), []
        return self._average.update(measured, now, restart=False)
