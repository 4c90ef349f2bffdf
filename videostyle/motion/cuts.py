"""Where shots begin: cuts are found by comparing small pictures of neighbouring frames."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import UInt8Array
from videostyle.media.opencv import load_cv2

THUMBNAIL = (32, 18)  # width, height at which frames are compared
SOURCE_PIXELS = 4  # pixels of the frame per thumbnail pixel and axis, at least; more cost time and find no more cuts
CUT = 0.16  # mean change of a thumbnail's values, of 1, that a cut exceeds...
CUT_IN_THE_DARK = 0.06  # ...or this, where the thumbnails are not alike: dark scenes change by less
UNLIKE = 0.6  # correlation of thumbnails below which they are not alike; across cuts it is below 0.5
CUT_RATIO = 3.5  # times the recent change that either must exceed, so that a fast pan is not cut to pieces
SHORTEST = 8  # frames of the shortest shot, so that a flash or a strobe makes no shots


def thumbnail(frame: UInt8Array) -> NDArray[np.float32]:
    """A picture float32 ``[18, 32, 3]``, 0..1, of a frame uint8 ``[H, W, 3]``, computed from every few pixels of it."""
    cv2 = load_cv2()
    step = max(
        1, min(frame.shape[0] // (SOURCE_PIXELS * THUMBNAIL[1]), frame.shape[1] // (SOURCE_PIXELS * THUMBNAIL[0]))
    )
    sparse = np.ascontiguousarray(frame[::step, ::step])
    small = cv2.resize(sparse, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
    return np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.float32)


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Correlation of the lightness of two thumbnails, -1..1; 0 where one of them is even."""
    light, others = (picture.mean(axis=2) - picture.mean() for picture in (one, other))
    return float((light * others).mean()) / math.sqrt(float((light**2).mean() * (others**2).mean()) + 1e-12)


class CutDetector:
    """Says of each frame whether a new shot begins with it, by comparing it with the frame before."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._recent = 0.02
        self._length = 0

    def __call__(self, frame: UInt8Array) -> bool:
        """Takes the next frame, uint8 ``[H, W, 3]``, channels in any order; True if it is the first of a shot."""
        small = thumbnail(frame)
        before, self._before = self._before, small
        self._length += 1
        if before is None:
            return True
        change = float(np.abs(small - before).mean())
        sudden = change > CUT_RATIO * self._recent and self._length > SHORTEST
        cut = sudden and (change > CUT or (change > CUT_IN_THE_DARK and likeness(small, before) < UNLIKE))
        if cut:
            self._length = 0
        else:
            self._recent = max(0.8 * self._recent + 0.2 * change, 0.01)
        return cut
