"""Pictures made smaller."""

from __future__ import annotations

import numpy as np

from videostyle.frames import UInt8Array
from videostyle.media.opencv import load_cv2


def shrunk(picture: UInt8Array, side: int) -> UInt8Array:
    """A picture, uint8 ``[H, W]`` or ``[H, W, 3]``, made smaller if its longer side has more than ``side`` pixels."""
    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    cv2 = load_cv2()
    size = tuple(max(1, round(length * scale)) for length in (picture.shape[1], picture.shape[0]))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
