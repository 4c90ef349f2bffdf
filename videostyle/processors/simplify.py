"""Removes small details before painting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from videostyle.frames import FrameBatch
from videostyle.processors.filters import smoothed, stored, unit
from videostyle.processors.protocol import Configured, Needs, Options

STRONGEST = 0.2  # contrast, 0..1, of details of which an amount of 1 removes half


class SimplifyOptions(Options):
    """How much to remove."""

    amount: float = Field(
        0.5, ge=0, le=1, description="how strong the contrasts are that go: 0 none, 0.5 leaves and gravel, 1 bold ones"
    )
    size: int = Field(4, ge=1, le=64, description="how large the details are, in pixels")


class Simplify(Configured[SimplifyOptions]):
    """Removes small details of the clip before it is painted, so that strokes follow its large shapes; edges stay."""

    schema = SimplifyOptions

    @property
    def needs(self) -> Needs:
        """It belongs before the painting."""
        return Needs(place="before")

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Simplifies each frame."""
        if not self.options.amount:
            return batch
        contrast = STRONGEST * self.options.amount**2
        frames = np.empty_like(batch.frames)
        for found, frame in zip(frames, batch.frames, strict=True):
            found[:] = stored(smoothed(unit(frame), self.options.size, contrast), frame.dtype)
        return replace(batch, frames=frames)
