"""Sharpens painted frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from videostyle.frames import FrameBatch
from videostyle.processors.filters import blurred, luminance, stored, unit, with_light
from videostyle.processors.protocol import Configured, Options


class SharpenOptions(Options):
    """How much to sharpen."""

    amount: float = Field(0.5, ge=0, le=3, description="how much of the fine contrast is added again; 0 adds nothing")
    radius: float = Field(1.0, ge=0.3, le=20, description="how wide an edge is, in pixels; about 2 for 4K")


class Sharpen(Configured[SharpenOptions]):
    """Sharpens edges of the painting (unsharp mask on its lightness; colours stay)."""

    schema = SharpenOptions

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Sharpens each frame."""
        if not self.options.amount:
            return batch
        frames = np.empty_like(batch.frames)
        for found, frame in zip(frames, batch.frames, strict=True):
            light = luminance(frame)
            edges = np.float32(self.options.amount) * (light - blurred(light, self.options.radius))
            found[:] = stored(with_light(unit(frame), edges), frame.dtype)
        return replace(batch, frames=frames)
