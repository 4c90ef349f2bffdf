"""Keeps faces readable in a painting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from videostyle.frames import FrameBatch, VideoInfo
from videostyle.processors.limited import within
from videostyle.processors.protocol import Configured, Needs
from videostyle.processors.regions.faces import Faces, FacesOptions
from videostyle.processors.regions.mask import RegionMask


class ProtectOptions(FacesOptions):
    """How much of a face to keep."""

    amount: float = Field(0.6, ge=0, le=1, description="0 paints faces as all else, 1 leaves them as they are")
    feather: float = Field(12.0, ge=0, le=500, description="pixels over which its edge is soft, to each side")


class Protect(Configured[ProtectOptions]):
    """Paints faces lightly, so that they and what they express stay readable."""

    schema = ProtectOptions

    def __init__(self, options: ProtectOptions) -> None:
        super().__init__(options)
        self._mask = RegionMask(Faces(options))

    @property
    def needs(self) -> Needs:
        """The clip's own frames, those around a batch as well."""
        return self._mask.needs

    def check(self) -> None:
        """Looks for the detector."""
        self._mask.region.check()

    def open(self, info: VideoInfo) -> VideoInfo:
        """Loads the detector."""
        self._mask.open(info)
        return info

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Puts some of the clip's own faces over those of the painting."""
        masks = self._mask(batch)
        if batch.original is None or not masks.any():
            return batch
        share = np.rint(masks * np.float32(self.options.amount)).astype(np.uint8)
        # The dtype of the painting is kept.
        return replace(batch, frames=within(np.asarray(255 - share, np.uint8), batch.frames, batch.original))

    def close(self) -> None:
        """Frees the detector."""
        self._mask.close()
