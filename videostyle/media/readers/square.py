"""Makes pixels square for live pictures: windows, pages and streams know no other pixel aspect ratio."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from videostyle.frames import UInt8Array, VideoInfo
from videostyle.media.opencv import load_cv2

WIDEST = 8  # a pixel that is said to be longer than this is a mistake


def square_info(info: VideoInfo) -> VideoInfo:
    """The description of frames after ``squared``: their shorter direction is stretched, to an even size."""
    aspect = info.sample_aspect
    if aspect == 1 or not Fraction(1, WIDEST) <= aspect <= WIDEST:
        return info
    if aspect > 1:
        return replace(info, width=2 * round(info.width * aspect / 2), sample_aspect=Fraction(1))
    return replace(info, height=2 * round(info.height / aspect / 2), sample_aspect=Fraction(1))


def squared(picture: UInt8Array, info: VideoInfo) -> UInt8Array:
    """A frame, uint8 ``[H, W, 3]``, of the size that ``info`` states."""
    if picture.shape[:2] == (info.height, info.width):
        return picture
    cv2 = load_cv2()
    return np.asarray(cv2.resize(picture, (info.width, info.height), interpolation=cv2.INTER_LINEAR), np.uint8)
