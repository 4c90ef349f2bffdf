"""Removes grain before painting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from videostyle.frames import Float32Array, FrameBatch
from videostyle.media.opencv import load_cv2
from videostyle.processors.filters import luminance, smoothed, stored, unit
from videostyle.processors.protocol import Configured, Needs, Options

RADIUS = 2  # pixels; grain is smaller
SAME = 2.0  # multiple of the grain's deviation by which the lightness of a thing may differ between frames


class DegrainOptions(Options):
    """How much grain there is."""

    grain: float = Field(
        4.0,
        ge=0,
        le=50,
        description="deviation of the grain, in levels of 255: 2 fine, 4 film, 10 a camera in the dark",
    )
    frames: int = Field(
        1, ge=0, le=4, description="frames before and behind with which a frame is averaged where nothing moves"
    )


class Degrain(Configured[DegrainOptions]):
    """Removes grain and noise of the clip before it is painted: over neighbouring frames first, then within each."""

    schema = DegrainOptions

    @property
    def needs(self) -> Needs:
        """Frames on both sides."""
        return Needs(place="before", history=self.options.frames, lookahead=self.options.frames)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Removes the grain of each frame."""
        if not self.options.grain:
            return batch
        around = [part for part in (batch.before, replace(batch, before=None, after=None), batch.after) if part]
        pictures = [unit(frame) for part in around for frame in part.frames]
        first, reach = len(batch.before) if batch.before else 0, self.options.frames
        frames = np.empty_like(batch.frames)
        for number, found in enumerate(frames, first):
            near = [*pictures[max(0, number - reach) : number], *pictures[number + 1 : number + 1 + reach]]
            found[:] = stored(degrained(pictures[number], near, self.options.grain / 255), found.dtype)
        return replace(batch, frames=frames)


def degrained(picture: Float32Array, near: list[Float32Array], grain: float) -> Float32Array:
    """A picture without its grain.

    Args:
        picture: float32 0..1 ``[H, W, 3]``.
        near: pictures before and behind it.
        grain: deviation of the grain, 0..1.
    """
    cv2 = load_cv2()
    total, weights, light = picture.copy(), np.ones(picture.shape[:2], np.float32), luminance(picture)
    for other in near:
        apart = cv2.blur(cv2.absdiff(luminance(other), light), (3, 3), borderType=cv2.BORDER_REFLECT)
        share = np.clip(1.5 - apart / np.float32(SAME * grain), 0, 1)
        total = cv2.add(total, cv2.multiply(cv2.merge([share, share, share]), other))
        weights += share
    total = cv2.divide(total, cv2.merge([weights, weights, weights]))
    # Averaging leaves less grain, by the root of the number of pictures.
    left = grain / np.sqrt(float(weights.mean()))
    return smoothed(total, RADIUS, left)
