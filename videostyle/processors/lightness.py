"""Paints dark, middle and light parts with different strength."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from videostyle.frames import FrameBatch
from videostyle.processors.filters import between, blurred, luminance, stored, unit
from videostyle.processors.protocol import Configured, Needs, Options

EDGE = 3.0  # pixels; deviation of the blur that keeps grain and edges of the clip out of the borders


class LightnessOptions(Options):
    """How much of the painting is seen."""

    shadows: float = Field(0.4, ge=0, le=1, description="how much of the painting is seen in black parts of the clip")
    midtones: float = Field(1.0, ge=0, le=1, description="the same in grey ones")
    highlights: float = Field(1.0, ge=0, le=1, description="the same in white ones")


class Lightness(Configured[LightnessOptions]):
    """Paints dark, middle and light parts of the clip with different strength."""

    schema = LightnessOptions

    @property
    def needs(self) -> Needs:
        """The clip's own frames."""
        return Needs(original=True)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Mixes each frame with its original."""
        originals = batch.frames if batch.original is None else batch.original
        shares = (self.options.shadows, self.options.midtones, self.options.highlights)
        frames = np.empty_like(batch.frames)
        for found, frame, original in zip(frames, batch.frames, originals, strict=True):
            light = blurred(luminance(original), EDGE)
            # Straight lines between the three.
            dark, bright = np.clip(1 - 2 * light, 0, 1), np.clip(2 * light - 1, 0, 1)
            share = np.float32(shares[1]) + np.float32(shares[0] - shares[1]) * dark
            share += np.float32(shares[2] - shares[1]) * bright
            found[:] = stored(between(unit(original), unit(frame), share), frame.dtype)
        return replace(batch, frames=frames)
