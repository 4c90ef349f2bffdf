"""Keeps a live picture at its frame rate by changing the size at which frames are painted."""

from __future__ import annotations

from collections.abc import Sequence

STEPS = (1.0, 0.85, 0.7, 0.55, 0.4)  # sides of the painted frame as fractions of the full size
DOWN_AFTER = 0.7  # seconds for which frames must be too slow before the size goes down
UP_AFTER = 4.0  # seconds for which there must be time to spare before the size goes up
LONGEST_WAIT = 120.0  # seconds; limit of the wait before a size that was too slow is tried again
TOO_SLOW = 0.92  # fraction of the budget above which frames are too slow
FITS = 0.85  # fraction of the budget that a size must fit into to be chosen when going down
SPARE = 0.75  # fraction of the budget below which the next larger size must lie to be tried
SMOOTHING = 0.15  # weight of the newest frame in the running mean of frame times


class Pace:
    """Chooses one of ``STEPS`` from the time that frames take.

    To prevent oscillation, the size goes up only if the predicted time of the larger size leaves a margin. If the
    larger size turns out to be too slow, the wait before the next attempt is doubled.

    Args:
        budget: time that a frame may take, seconds.
        adaptive: whether the size may change.
    """

    def __init__(self, budget: float, *, adaptive: bool = True) -> None:
        self.step = 0
        self._budget, self._adaptive = budget, adaptive
        self._costs = [scale**2 for scale in STEPS]
        self._mean: float | None = None
        self._slow_since: float | None = None
        self._spare_since: float | None = None
        self._went_up: float | None = None
        self._waits = dict.fromkeys(range(len(STEPS)), UP_AFTER)  # seconds before each step is tried again

    @property
    def adaptive(self) -> bool:
        """Whether the size may change."""
        return self._adaptive

    def begin(self, costs: Sequence[float]) -> None:
        """Takes the measured seconds per frame at each step and starts with the largest size that fits."""
        if self._adaptive and len(costs) == len(STEPS):
            self._costs = list(costs)
            fitting = (i for i, cost in enumerate(costs) if cost <= FITS * self._budget)
            self.step = next(fitting, len(STEPS) - 1)

    def _predicted(self, step: int, seconds: float) -> float:
        """Seconds per frame at another step, given the seconds per frame at the current one."""
        smaller, larger = max(step, self.step), min(step, self.step)
        # Costs measured on a busy machine can be far off, so the ratio is limited: a larger size is never cheaper,
        # and its cost grows at most with its number of pixels.
        ratio = min(max(self._costs[larger] / self._costs[smaller], 1.0), (STEPS[larger] / STEPS[smaller]) ** 2)
        return seconds * ratio if step < self.step else seconds / ratio

    def add(self, seconds: float, now: float) -> bool:
        """Takes the time that a frame took and the current time, both in seconds; True if ``step`` has changed."""
        self._mean = seconds if self._mean is None else (1 - SMOOTHING) * self._mean + SMOOTHING * seconds
        if not self._adaptive:
            return False
        slow = self._mean > TOO_SLOW * self._budget and self.step + 1 < len(STEPS)
        spare = self.step > 0 and self._predicted(self.step - 1, self._mean) < SPARE * self._budget
        self._slow_since = (now if self._slow_since is None else self._slow_since) if slow else None
        self._spare_since = (now if self._spare_since is None else self._spare_since) if spare else None
        if self._went_up is not None and now - self._went_up > 5 * UP_AFTER:
            self._went_up, self._waits[self.step] = None, UP_AFTER  # the larger size has proved fast enough
        step = self.step
        if self._slow_since is not None and now - self._slow_since >= DOWN_AFTER:
            # Every change of size is visible, so all the steps that are needed are taken in one change.
            smaller = range(self.step + 1, len(STEPS))
            fitting = (i for i in smaller if self._predicted(i, self._mean) <= FITS * self._budget)
            step = next(fitting, len(STEPS) - 1)
            if self._went_up is not None:
                self._went_up, self._waits[self.step] = None, min(2 * self._waits[self.step], LONGEST_WAIT)
        elif self._spare_since is not None and now - self._spare_since >= self._waits[self.step - 1]:
            step, self._went_up = self.step - 1, now
        if step == self.step:
            return False
        self.step = step
        self._mean = self._slow_since = self._spare_since = None
        return True


def painted_size(width: int, height: int, step: int) -> tuple[int, int]:
    """Width and height at which a frame of ``width`` x ``height`` is painted.

    At step 0 that is the frame's own size; at other steps both sides are multiples of 8, at least 32.
    """
    scale = STEPS[step]
    if step == 0:
        return width, height
    return max(32, 8 * round(width * scale / 8)), max(32, 8 * round(height * scale / 8))
