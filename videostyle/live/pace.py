"""Keeps a live picture at its rate: chooses how large frames are painted, with hysteresis."""

from __future__ import annotations

STEPS = (1.0, 0.85, 0.7, 0.55, 0.4)  # of the full size
DOWN_AFTER, UP_AFTER = 0.7, 4.0  # seconds that it must be too slow, or have room to spare
SMOOTHING = 0.15


class Pace:
    """Chooses one of ``STEPS`` from how long frames take.

    Going up needs room for the larger picture, foretold from the pixels, with a margin; so it does not swing.

    Args:
        budget: seconds a frame may take.
        adaptive: whether to change at all.
    """

    def __init__(self, budget: float, *, adaptive: bool = True) -> None:
        self.step = 0
        self._budget, self._adaptive = budget, adaptive
        self._mean: float | None = None
        self._slow_since: float | None = None
        self._quick_since: float | None = None

    def add(self, seconds: float, now: float) -> bool:
        """Takes what a frame took; True if ``step`` has changed."""
        self._mean = seconds if self._mean is None else (1 - SMOOTHING) * self._mean + SMOOTHING * seconds
        if not self._adaptive:
            return False
        slow = self._mean > 0.95 * self._budget and self.step + 1 < len(STEPS)
        larger = (STEPS[self.step - 1] / STEPS[self.step]) ** 2 if self.step else 1.0
        quick = self.step > 0 and self._mean * larger < 0.8 * self._budget
        self._slow_since = (now if self._slow_since is None else self._slow_since) if slow else None
        self._quick_since = (now if self._quick_since is None else self._quick_since) if quick else None
        change = 0
        if self._slow_since is not None and now - self._slow_since >= DOWN_AFTER:
            change = 1
        elif self._quick_since is not None and now - self._quick_since >= UP_AFTER:
            change = -1
        if change:
            self.step += change
            self._mean = self._slow_since = self._quick_since = None
        return bool(change)


def painted_size(width: int, height: int, step: int) -> tuple[int, int]:
    """Width and height at which a frame of ``width`` x ``height`` is painted at a step: multiples of 8."""
    scale = STEPS[step]
    if step == 0:
        return width, height
    return max(32, 8 * round(width * scale / 8)), max(32, 8 * round(height * scale / 8))
