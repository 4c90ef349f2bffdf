"""Puts the grain of the clip back onto the painting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from videostyle.frames import AnyArray, Float32Array, FrameBatch
from videostyle.processors.degrain import RADIUS
from videostyle.processors.filters import luminance, smoothed, stored, unit, with_light
from videostyle.processors.protocol import Configured, Needs, Options

WIDEST = 2.5  # multiple of the grain's deviation; stronger contrasts are edges of the clip, not grain


class GrainOptions(Options):
    """How much grain to put back."""

    amount: float = Field(1.0, ge=0, le=3, description="0 none, 1 as much as the clip has")
    grain: float = Field(
        4.0, ge=0.5, le=50, description="deviation of the clip's grain, in levels of 255, as with degrain"
    )


class Grain(Configured[GrainOptions]):
    """Puts the grain of the clip onto the painting, as film has it; degrain takes it away before."""

    schema = GrainOptions

    @property
    def needs(self) -> Needs:
        """The clip's own frames."""
        return Needs(original=True)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Adds each frame's grain."""
        if not self.options.amount:
            return batch
        originals = batch.frames if batch.original is None else batch.original
        frames = np.empty_like(batch.frames)
        for found, frame, original in zip(frames, batch.frames, originals, strict=True):
            grain = np.float32(self.options.amount) * grain_of(original, self.options.grain / 255)
            found[:] = stored(with_light(unit(frame), grain), frame.dtype)
        return replace(batch, frames=frames)


def grain_of(frame: AnyArray, deviation: float) -> Float32Array:
    """The grain in the lightness of a frame ``[H, W, 3]`` of 8 or 16 bits: float32 ``[H, W]``, mean about 0.

    Args:
        frame: with its grain.
        deviation: of the grain, 0..1.
    """
    light = luminance(frame)
    grain = light - smoothed(light, RADIUS, 2 * deviation)
    limit = np.float32(WIDEST * deviation)
    return np.clip(grain, -limit, limit)
