"""Keeps faces readable in a painting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from videostyle.frames import FrameBatch
from videostyle.processors.masked import within
from videostyle.processors.on_faces import OnFaces
from videostyle.processors.regions.faces import FacesOptions


class ProtectOptions(FacesOptions):
    """How much of a face to keep."""

    amount: float = Field(0.6, ge=0, le=1, description="0 paints faces as all else, 1 leaves them as they are")
    feather: float = Field(12.0, ge=0, le=500, description="pixels over which its edge is soft, to each side")


class Protect(OnFaces[ProtectOptions]):
    """Paints faces lightly, so that they and what they express stay readable."""

    schema = ProtectOptions

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Puts some of the clip's own faces over those of the painting."""
        masks = self.mask(batch)
        if batch.original is None or not masks.any():
            return batch
        share = np.rint(masks * np.float32(self.options.amount)).astype(np.uint8)
        # The dtype of the painting is kept.
        return replace(batch, frames=within(np.asarray(255 - share, np.uint8), batch.frames, batch.original))
