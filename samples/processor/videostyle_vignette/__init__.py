"""An example of a processor from another package: darkens the corners of painted frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from videostyle.frames import FrameBatch, VideoInfo
from videostyle.processors.protocol import Configured, Options


class VignetteOptions(Options):
    """How much to darken."""

    amount: float = Field(0.4, ge=0, le=1, description="how dark the corners become: 0 leaves them, 1 makes them black")


class Vignette(Configured[VignetteOptions]):
    """Darkens the corners of the painting."""

    schema = VignetteOptions

    def open(self, info: VideoInfo) -> VideoInfo:
        """Computes how far each pixel is from the middle."""
        y, x = np.ogrid[-1 : 1 : info.height * 1j, -1 : 1 : info.width * 1j]
        self._corner = ((x * x + y * y) / 2).astype(np.float32)[..., None]
        return info

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Darkens each frame, uint8 or uint16 ``[T, H, W, 3]``."""
        frames = batch.frames * (1 - self.options.amount * self._corner)
        return replace(batch, frames=np.rint(frames).astype(batch.frames.dtype))
