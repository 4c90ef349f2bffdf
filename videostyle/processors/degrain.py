"""Removes grain before painting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from videostyle.frames import Float32Array, FrameBatch
from videostyle.media.opencv import load_cv2
from videostyle.processors.filters import smoothed, stored, unit
from videostyle.processors.protocol import Configured, Needs, Options

RADIUS = 2  # pixels; grain is smaller
SAME = 3.0  # multiple of the grain's deviation by which pixels of two frames may differ and be the same thing


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
    total, weights = picture.copy(), np.ones((*picture.shape[:2], 1), np.float32)
    for other in near:
        apart = cv2.blur(np.abs(other - picture).mean(axis=2), (3, 3), borderType=cv2.BORDER_REFLECT)
        # The difference of two grains has 1.4 times their deviation, and 0.8 times that as its mean amount.
        share = np.clip(1.5 - apart / np.float32(SAME * grain), 0, 1)[..., None]
        total += share * other
        weights += share
    total /= weights
    # Averaging leaves less grain, by the root of the number of pictures.
    left = grain / np.sqrt(float(weights.mean()))
    return smoothed(total, RADIUS, left)
