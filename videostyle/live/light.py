"""Statistics of a live shot: a slow mean that does not breathe, and jumps when the scene is another."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import UInt8Array
from videostyle.models.style_network import Statistics
from videostyle.render.plan import CutDetector

MEASURE_EVERY = 1.0  # seconds between two measurements of a scene that stays
SETTLE = 8.0  # seconds in which a slow change is followed to two thirds
JUMP = 0.06  # change of the mean light, of 1, beyond which the scene counts as lit anew


class LightWatch:
    """Says when statistics are due: at the start, at a cut, when the light has changed, else now and then."""

    def __init__(self) -> None:
        self._cuts = CutDetector()
        self._light: float | None = None
        self._measured = -math.inf

    def __call__(self, frame: UInt8Array, now: float) -> str | None:
        """Takes a frame, uint8 ``[H, W, 3]``, and its time in seconds: "anew", "slowly" or None."""
        cut = self._cuts(frame)
        light = float(frame[::8, ::8].mean()) / 255.0
        changed = self._light is None or abs(light - self._light) > JUMP
        if cut or changed:
            self._light, self._measured = light, now
            return "anew"
        if now - self._measured >= MEASURE_EVERY:
            self._light, self._measured = light, now
            return "slowly"
        return None


class SlowMean:
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
            self.value = {
                layer: (_blend(self.value[layer][0], mean, share), _blend(self.value[layer][1], variance, share))
                for layer, (mean, variance) in found.items()
            }
        self._time = now
        return self.value


def _blend(old: NDArray[np.float32], new: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    return np.asarray((1.0 - share) * old + share * new, np.float32)
