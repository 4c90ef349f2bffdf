"""A change of style, strength or canvas that is spread over several frames of a live painting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from videostyle.network.statistics import Statistics, between
from videostyle.processors.timeline import eased
from videostyle.styles.card import Style
from videostyle.styles.interpolation import blend

CROSSFADE_RATE = 24  # changes of the weights per second of a crossfade; each one costs time

# The statistics of the current frame for a style and an amount of canvas.
Measure = Callable[[Style, float], Statistics]


@dataclass
class Transition:
    """A change from one style, at its strength, and amount of canvas to others.

    Attributes:
        start: style at its beginning.
        end: style at its end.
        start_canvas: amount of the canvas at its beginning, 0..1.
        end_canvas: amount of the canvas at its end, 0..1.
        began: time of its beginning, seconds.
        seconds: its duration; 0 = the next frame is painted with ``end``.
        curve: its course, one of ``timeline.CURVES``.
        start_statistics: statistics for ``start``; None = to be measured.
        end_statistics: statistics for ``end``; None = to be measured.
        steps_done: changes of the weights made so far.
    """

    start: Style
    end: Style
    start_canvas: float
    end_canvas: float
    began: float
    seconds: float
    curve: str = "linear"
    start_statistics: Statistics | None = None
    end_statistics: Statistics | None = None
    steps_done: int = 0

    def remaining(self, now: float) -> float:
        """Seconds that are left of it."""
        return max(0.0, self.began + self.seconds - now)

    def progress(self, now: float) -> float:
        """How much of the change is done at a time, 0..1."""
        done = 1.0 if self.seconds <= 0 else (now - self.began) / self.seconds
        return 1.0 if done >= 1.0 else min(1.0, eased(self.curve, done))

    def forget_statistics(self) -> None:
        """Has both ends measured again: another scene has begun, or strokes have another size."""
        self.start_statistics = self.end_statistics = None

    def advance(self, now: float, measure: Measure) -> tuple[Style, float, Statistics] | None:
        """Goes on by one frame, while ``progress`` is below 1.

        Statistics of mixed weights lie close to the straight line between those of both ends. Measuring an end takes
        as long as painting one or two frames, so at most one is measured per frame.

        Returns:
            Style, amount of canvas and statistics to paint with; None if they stay as they are.
        """
        progress = self.progress(now)
        step = int(progress * CROSSFADE_RATE * max(1.0, self.seconds))
        if self.start_statistics is None:
            self.start_statistics = measure(self.start, self.start_canvas)
        elif self.end_statistics is None:
            self.end_statistics = measure(self.end, self.end_canvas)
        elif step <= self.steps_done:
            return None
        self.steps_done = step
        amount = self.start_canvas + progress * (self.end_canvas - self.start_canvas)
        statistics = between(self.start_statistics, self.end_statistics or self.start_statistics, progress)
        return blend(self.start, self.end, progress), amount, statistics
