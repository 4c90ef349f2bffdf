"""The common part of the processors that work on faces: the detector, and the mask of the faces."""

from __future__ import annotations

from typing import Generic, TypeVar

from videostyle.frames import VideoInfo
from videostyle.processors.protocol import Configured, Needs
from videostyle.processors.regions.faces import Faces, FacesOptions
from videostyle.processors.regions.mask import RegionMask

Chosen = TypeVar("Chosen", bound=FacesOptions)


class OnFaces(Configured[Chosen], Generic[Chosen]):
    """Base of processors that work on faces.

    Attributes:
        mask: the faces in the frames of a batch.
    """

    def __init__(self, options: Chosen) -> None:
        super().__init__(options)
        self.mask = RegionMask(Faces(options))

    @property
    def needs(self) -> Needs:
        """The clip's own frames, also those around a batch: a face may be found there that is missed here."""
        return self.mask.needs

    def check(self) -> None:
        """Looks for the detector."""
        self.mask.region.check()

    def open(self, info: VideoInfo) -> VideoInfo:
        """Loads the detector."""
        self.mask.open(info)
        return info

    def close(self) -> None:
        """Frees the detector."""
        self.mask.close()
