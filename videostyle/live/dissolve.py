"""Hides the moment at which frames begin to be painted at another size: strokes are laid anew then."""

from __future__ import annotations

from typing import Any

import numpy as np

from videostyle.frames import UInt8Array
from videostyle.media.opencv import load_cv2

SECONDS = 0.5  # that a change takes
STILL, MOVING = 4.0, 16.0  # levels of 255 between frames: below, a place counts as still; above, as moving
SHRINK = 4  # pixels at which frames are compared, each the mean of this many squared: noise cancels out


class Dissolve:
    """Lets still places pass over slowly into the new painting; moving ones are new at once and leave no trail.

    What is passed over from is the picture shown last, so no frame is painted twice.
    """

    def __init__(self) -> None:
        self._cv2 = load_cv2()
        self._shown: UInt8Array | None = None
        self._original: UInt8Array | None = None
        self._began: float | None = None
        self._share = 0.0

    def begin(self, now: float) -> None:
        """Says that from ``now`` on (seconds) frames are painted in another way."""
        if self._shown is not None:
            self._began, self._share = now, 0.0

    def __call__(self, painted: UInt8Array, original: UInt8Array, now: float) -> UInt8Array:
        """Takes a painted frame and what it was painted from, uint8 ``[H, W, 3]``; returns what to show."""
        shown = painted
        if self._began is not None and self._shown is not None and self._original is not None:
            share = min(1.0, max(0.0, (now - self._began) / SECONDS))
            # The picture shown last holds so much of the old one already.
            kept = (1.0 - share) / (1.0 - self._share) if self._share < 1.0 else 0.0
            self._share = share
            if share >= 1.0:
                self._began = None
            else:
                old = np.float32(kept) * self._still(original)
                shown = self._cv2.blendLinear(self._shown, painted, old, np.float32(1.0) - old)
        self._shown, self._original = shown, original
        return shown

    def _still(self, original: UInt8Array) -> Any:
        """1 where nothing moves, 0 where something does: float32 ``[H, W]``."""
        cv2 = self._cv2
        height, width = original.shape[:2]
        small = max(1, width // SHRINK), max(1, height // SHRINK)
        now, before = (cv2.resize(f, small, interpolation=cv2.INTER_AREA) for f in (original, self._original))
        change = cv2.dilate(cv2.absdiff(now, before).max(axis=2), np.ones((3, 3), np.uint8)).astype(np.float32)
        still = np.clip((MOVING - change) / (MOVING - STILL), 0.0, 1.0)
        return cv2.resize(still, (width, height), interpolation=cv2.INTER_LINEAR)
