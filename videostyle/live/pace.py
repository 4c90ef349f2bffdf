"""Keeps a live picture at its rate: chooses how large frames are painted, with hysteresis."""

from __future__ import annotations

from collections.abc import Sequence

STEPS = (1.0, 0.85, 0.7, 0.55, 0.4)  # of the full size
DOWN_AFTER, UP_AFTER = 0.7, 4.0  # seconds that it must be too slow, or have room to spare
LONGEST_WAIT = 120.0  # seconds that it waits at most before it tries a larger size again
FULL, ROOM, SPARE = 0.92, 0.85, 0.75  # of the budget: too slow beyond; aimed at; enough for a larger size
SMOOTHING = 0.15


class Pace:
    """Chooses one of ``STEPS`` from how long frames take.

    Going up needs room for the larger picture, foretold from what the sizes cost, with a margin; where that did
    not hold, the next attempt waits twice as long. So it does not swing.

    Args:
        budget: seconds a frame may take.
        adaptive: whether to change at all.
    """

    def __init__(self, budget: float, *, adaptive: bool = True) -> None:
        self.step = 0
        self._budget, self._adaptive = budget, adaptive
        self._costs = [scale**2 for scale in STEPS]
        self._mean: float | None = None
        self._slow_since: float | None = None
        self._quick_since: float | None = None
        self._went_up: float | None = None
        self._waits = dict.fromkeys(range(len(STEPS)), UP_AFTER)  # seconds before each size is tried again

    @property
    def adaptive(self) -> bool:
        """Whether it changes the size at all."""
        return self._adaptive

    def begin(self, costs: Sequence[float]) -> None:
        """Takes what a frame costs at each step, in seconds, and begins with the largest size that fits."""
        if self._adaptive and len(costs) == len(STEPS):
            self._costs = list(costs)
            fitting = (i for i, cost in enumerate(costs) if cost <= ROOM * self._budget)
            self.step = next(fitting, len(STEPS) - 1)

    def _foretold(self, step: int, seconds: float) -> float:
        """What a frame would take at another step, from what it takes at this one."""
        smaller, larger = max(step, self.step), min(step, self.step)
        # A busy machine spoils measurements. A larger size costs more, but not more than its pixels.
        ratio = min(max(self._costs[larger] / self._costs[smaller], 1.0), (STEPS[larger] / STEPS[smaller]) ** 2)
        return seconds * ratio if step < self.step else seconds / ratio

    def add(self, seconds: float, now: float) -> bool:
        """Takes what a frame took; True if ``step`` has changed."""
        self._mean = seconds if self._mean is None else (1 - SMOOTHING) * self._mean + SMOOTHING * seconds
        if not self._adaptive:
            return False
        slow = self._mean > FULL * self._budget and self.step + 1 < len(STEPS)
        quick = self.step > 0 and self._foretold(self.step - 1, self._mean) < SPARE * self._budget
        self._slow_since = (now if self._slow_since is None else self._slow_since) if slow else None
        self._quick_since = (now if self._quick_since is None else self._quick_since) if quick else None
        if self._went_up is not None and now - self._went_up > 5 * UP_AFTER:
            self._went_up, self._waits[self.step] = None, UP_AFTER  # the larger size has held
        step = self.step
        if self._slow_since is not None and now - self._slow_since >= DOWN_AFTER:
            # At once as far as it takes: each change can be seen.
            smaller = range(self.step + 1, len(STEPS))
            fitting = (i for i in smaller if self._foretold(i, self._mean) <= ROOM * self._budget)
            step = next(fitting, len(STEPS) - 1)
            if self._went_up is not None:
                self._went_up, self._waits[self.step] = None, min(2 * self._waits[self.step], LONGEST_WAIT)
        elif self._quick_since is not None and now - self._quick_since >= self._waits[self.step - 1]:
            step, self._went_up = self.step - 1, now
        if step == self.step:
            return False
        self.step = step
        self._mean = self._slow_since = self._quick_since = None
        return True


def painted_size(width: int, height: int, step: int) -> tuple[int, int]:
    """Width and height at which a frame of ``width`` x ``height`` is painted at a step: multiples of 8."""
    scale = STEPS[step]
    if step == 0:
        return width, height
    return max(32, 8 * round(width * scale / 8)), max(32, 8 * round(height * scale / 8))
