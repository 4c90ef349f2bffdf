"""Painters of the regions that are painted otherwise than the rest of a live picture."""

from __future__ import annotations

from videostyle.frames import UInt8Array
from videostyle.live.painter import LivePainter


class FollowingPainter:
    """Paints with the style that another painter paints with, at a strength of its own.

    Args:
        painter: paints; it has the same styles.
        leader: whose style it takes.
        crossfade: duration of a change of style, seconds.
    """

    def __init__(self, painter: LivePainter, leader: LivePainter, crossfade: float) -> None:
        self._painter, self._leader, self._crossfade = painter, leader, crossfade

    @property
    def step(self) -> int:
        """Index into ``pace.STEPS`` of the size that it paints at."""
        return self._painter.step

    @step.setter
    def step(self, step: int) -> None:
        self._painter.step = step

    def prepare(self, frame: UInt8Array, now: float) -> tuple[float, ...]:
        """Prepares the painter with the first frame."""
        return self._painter.prepare(frame, now)

    def __call__(self, frame: UInt8Array, now: float) -> UInt8Array:
        """Paints one frame."""
        if self._painter.style_index != self._leader.style_index:
            self._painter.select_style(self._leader.style_index, now, self._crossfade)
        return self._painter(frame, now)

    def set_step(self, step: int, now: float) -> None:
        """Changes the size at which it paints."""
        self._painter.set_step(step, now)

    def close(self) -> None:
        """Frees the compiled programs."""
        self._painter.close()
