"""Hides a change of the painted size, which changes all brush strokes, behind a short dissolve."""

from __future__ import annotations

from typing import Any

import numpy as np

from videostyle.frames import UInt8Array
from videostyle.media.opencv import load_cv2

SECONDS = 0.5  # duration of a dissolve
STILL, MOVING = 4.0, 16.0  # change between frames, levels of 255: below STILL a place is still, above MOVING it moves
SHRINK = 4  # frames are compared at a quarter of their sides, where camera noise averages out


class Dissolve:
    """Fades still places into the new painting; moving places change at once, so that they leave no trail.

    The fade starts from the picture shown last, so no frame has to be painted twice.
    """

    def __init__(self) -> None:
        self._cv2 = load_cv2()
        self._shown: UInt8Array | None = None
        self._original: UInt8Array | None = None
        self._began: float | None = None
        self._progress = 0.0

    def begin(self, now: float) -> None:
        """Starts a dissolve at time ``now``, seconds: from here on frames are painted differently."""
        if self._shown is not None:
            self._began, self._progress = now, 0.0

    def __call__(self, painted: UInt8Array, original: UInt8Array, now: float) -> UInt8Array:
        """Blends a painted frame with the one shown last.

        Args:
            painted: uint8 ``[H, W, 3]``.
            original: the camera's frame that it was painted from, uint8 ``[H, W, 3]``.
            now: time, seconds.

        Returns:
            The picture to show, uint8 ``[H, W, 3]``; ``painted`` itself if no dissolve is in progress.
        """
        shown = painted
        if self._began is not None and self._shown is not None and self._original is not None:
            progress = min(1.0, max(0.0, (now - self._began) / SECONDS))
            # The picture shown last contains (1 - self._progress) of the old painting; this weight makes it
            # (1 - progress).
            weight = (1.0 - progress) / (1.0 - self._progress) if self._progress < 1.0 else 0.0
            self._progress = progress
            if progress >= 1.0:
                self._began = None
            else:
                old = np.float32(weight) * self._stillness(original)
                shown = self._cv2.blendLinear(self._shown, painted, old, np.float32(1.0) - old)
        self._shown, self._original = shown, original
        return shown

    def _stillness(self, original: UInt8Array) -> Any:
        """1 where nothing moves, 0 where something does: float32 ``[H, W]``."""
        cv2 = self._cv2
        height, width = original.shape[:2]
        small = max(1, width // SHRINK), max(1, height // SHRINK)
        now, before = (cv2.resize(f, small, interpolation=cv2.INTER_AREA) for f in (original, self._original))
        change = cv2.dilate(cv2.absdiff(now, before).max(axis=2), np.ones((3, 3), np.uint8)).astype(np.float32)
        still = np.clip((MOVING - change) / (MOVING - STILL), 0.0, 1.0)
        return cv2.resize(still, (width, height), interpolation=cv2.INTER_LINEAR)
