"""Strokes of another size: a frame is scaled, painted at that size, and its painting scaled back.

The network's strokes have a size in pixels. Painted at half its size, a frame gets strokes that are twice as large on
it, for a quarter of the network's work.

Scaling down and up again would blur what the painting keeps of the scene: edges, and nearly everything at a low
strength. So a painting is divided, in each channel, into the frame's part of it, which is the frame times the share of
local detail that the painting has kept, and the rest. Share and rest are scaled up; the frame is there at full size.
*Source:* He, Sun, Tang 2013, Guided image filtering, and He, Sun 2015, Fast guided filter: q = a I + b with the frame
as the guide I, the share as a and the rest as b, which is not averaged, because strokes are to stay as they are.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import keras
from keras import ops

from videostyle.inference.picture_scaling import UNIT, scaling, to_bytes, to_words
from videostyle.inference.stroke_size import painted_size

WINDOW = 5  # side of the square in which detail of frame and painting are compared, painted pixels
NOISE = 4.0  # detail of this standard deviation, levels of 255, is added by half: below it is mostly noise


def kept_share(painted: Any, frames: Any) -> Any:
    """The share of the local detail of frames that their painting has kept, in each channel.

    Args:
        painted: ``[B, h, w, C]``, 0..255, of any dtype.
        frames: of the same shape.

    Returns:
        uint8 of the same shape, 0 (none) to ``UNIT`` (all).
    """
    p, f = ops.cast(painted, "float32"), ops.cast(frames, "float32")
    means = ops.average_pool(ops.concatenate([p, f, p * f, f * f], axis=-1), WINDOW, 1, "same", "channels_last")
    mean_p, mean_f, mean_pf, mean_ff = ops.split(means, 4, axis=-1)
    slope = (mean_pf - mean_p * mean_f) / (mean_ff - mean_f * mean_f + NOISE**2)
    slope = ops.average_pool(slope, WINDOW, 1, "same", "channels_last")
    return ops.cast(ops.clip(slope, 0.0, 1.0) * UNIT + 0.5, "uint8")


def _dtype(x: Any) -> str:
    return str(keras.backend.standardize_dtype(x.dtype))


class StrokeScaling:
    """The way of frames of one size to their painted size and back.

    Args:
        size: height and width of the frames.
        painted_size: height and width at which they are painted.

    Attributes:
        painted_size: as given.
    """

    def __init__(self, size: tuple[int, int], painted_size: tuple[int, int]) -> None:
        self.painted_size = painted_size
        self._scaled, self._back = scaling(size, painted_size), scaling(painted_size, size)
        self._loses_detail = painted_size[0] < size[0]

    def scaled(self, frames: Any) -> Any:
        """Frames ``[B, H, W, 3]`` at their painted size ``[B, h, w, 3]``, uint8 or float32 0..255 like them."""
        values = self._scaled(frames)
        return to_bytes(values) if _dtype(frames) == "uint8" else ops.clip(values, 0.0, 255.0)

    def restored(self, painted: Any, scaled: Any, frames: Any) -> Any:
        """Paintings at the size of the frames.

        Args:
            painted: ``[B, h, w, 3]``, uint8, or uint16 0..65535.
            scaled: what was painted, as ``scaled`` gave it.
            frames: what it was scaled from, ``[B, H, W, 3]``.

        Returns:
            ``[B, H, W, 3]`` of the dtype of ``painted``.
        """
        whole = _dtype(painted) == "uint8"
        rounded = to_bytes if whole else to_words
        levels = ops.cast(painted, "float32") / (1.0 if whole else 257.0)
        if not self._loses_detail:
            return rounded(self._back(levels))
        low = ops.cast(scaled, "float32")
        share = kept_share(levels, low)
        rest = levels - ops.cast(share, "float32") / UNIT * low
        if whole:  # of halves, sums are exact in any order (``picture_scaling``)
            rest = ops.floor(2.0 * rest + 0.5) / 2.0
        found = self._back(rest) + self._back(share) / UNIT * ops.cast(frames, "float32")
        return rounded(found)


@lru_cache(maxsize=16)
def stroke_scaling(size: tuple[int, int], stroke_size: float | None) -> StrokeScaling | None:
    """How frames of one size get strokes of another size; None if they are painted at their own size.

    Args:
        size: height and width of the frames.
        stroke_size: as in ``stroke_size.painted_size``.
    """
    painted = painted_size(*size, stroke_size)
    return None if painted == size else StrokeScaling(size, painted)
