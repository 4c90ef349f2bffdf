"""Statistics of a live shot: a slow mean that does not breathe, and jumps when the scene is another."""

from __future__ import annotations

import math
from collections.abc import Callable

from videostyle.frames import UInt8Array
from videostyle.motion.cuts import CutDetector
from videostyle.network.statistics import between, pooled
from videostyle.network.style_network import Statistics

MEASURE_EVERY = 1.0  # seconds between two measurements of a scene that stays
PARTS = 4  # in which such a measurement is taken, one after the other: all at once would make a frame late
SETTLE = 8.0  # seconds in which a slow change is followed to two thirds
JUMP = 0.06  # change of the mean light, of 1, within a second, beyond which the scene counts as lit anew
RELIGHT = 0.25  # seconds between two jumps of the light at least: a strobe must not take all the time there is


class SceneChangeDetector:
    """Says when a scene is another: at the start, at a cut, when a light was switched on or off."""

    def __init__(self) -> None:
        self._cuts = CutDetector()
        self._light: float | None = None
        self._looked = self._jumped = -math.inf

    def __call__(self, frame: UInt8Array, now: float) -> bool:
        """Takes a frame, uint8 ``[H, W, 3]``, and its time in seconds."""
        cut = self._cuts(frame)
        light = float(frame[::8, ::8].mean()) / 255.0
        lit = self._light is None or (abs(light - self._light) > JUMP and now - self._jumped >= RELIGHT)
        if cut or lit:
            self._light, self._looked, self._jumped = light, now, now
            return True
        if now - self._looked >= MEASURE_EVERY:
            self._light, self._looked = light, now
        return False


class StatisticsAverage:
    """A mean of statistics over time: exponential, by the seconds between measurements."""

    def __init__(self) -> None:
        self.value: Statistics | None = None
        self._time = 0.0

    def update(self, found: Statistics, now: float, *, anew: bool) -> Statistics:
        """Takes a measurement; returns the mean, which is the measurement itself if it is taken ``anew``."""
        if anew or self.value is None:
            self.value = dict(found)
        else:
            share = 1.0 - math.exp(-(now - self._time) / SETTLE)
            self.value = between(self.value, {**self.value, **found}, share)
        self._time = now
        return self.value


class SceneFollower:
    """Measures the scene at once where it is another, else a part of the frame now and then.

    Args:
        measure: statistics of a frame, uint8 ``[H, W, 3]`` (``StyleProcessor.statistics_of``).
        measure_part: the same for one of ``PARTS`` columns in a scene that stays, given its number
            (``network.statistics.columns``). What it leaves out stays as it was.
    """

    def __init__(
        self,
        measure: Callable[[UInt8Array], Statistics],
        measure_part: Callable[[UInt8Array, int], Statistics],
    ) -> None:
        self._measure, self._measure_part = measure, measure_part
        self._watch, self._mean = SceneChangeDetector(), StatisticsAverage()
        self._parts: list[Statistics] = []
        self._due = 0.0

    def __call__(self, frame: UInt8Array, now: float) -> Statistics | None:
        """Takes a frame, uint8 ``[H, W, 3]``, and its time in seconds; returns statistics where they have changed."""
        if self.is_new(frame, now):
            return self.restart(self._measure(frame), now)
        return self._follow(frame, now)

    def is_new(self, frame: UInt8Array, now: float) -> bool:
        """Whether a frame shows another scene, or another light, than the one before."""
        return self._watch(frame, now)

    def restart(self, found: Statistics, now: float) -> Statistics:
        """Takes statistics as they are, for a scene or a style that is another from ``now`` on."""
        self._parts, self._due = [], now + MEASURE_EVERY / PARTS
        return self._mean.update(found, now, anew=True)

    def _follow(self, frame: UInt8Array, now: float) -> Statistics | None:
        if now < self._due:
            return None
        self._due = now + MEASURE_EVERY / PARTS
        self._parts.append(self._measure_part(frame, len(self._parts)))
        if len(self._parts) < PARTS:
            return None
        found, self._parts = pooled(self._parts), []
        return self._mean.update(found, now, anew=False)
