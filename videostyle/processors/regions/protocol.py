"""What a region is: it says of each frame which pixels belong to it."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from pydantic import Field

from videostyle.frames import UInt8Array, VideoInfo
from videostyle.processors.protocol import Options
from videostyle.processors.regions.window import Window


class RegionOptions(Options):
    """Options that all regions have."""

    feather: float = Field(6.0, ge=0, le=500, description="pixels over which its edge is soft, to each side")
    grow: int = Field(0, ge=0, le=500, description="pixels by which it is made larger")
    shrink: int = Field(0, ge=0, le=500, description="pixels by which it is made smaller")
    smooth: int = Field(0, ge=0, le=12, description="frames over which its edge is smoothed, along the motion")
    invert: bool = Field(False, description="everything but the region")


Chosen = TypeVar("Chosen", bound=RegionOptions)


class Region(Generic[Chosen]):
    """Base of all kinds of regions; the first line of the docstring of each is what a list says of it.

    Args:
        options: of the class's own ``schema``.

    Attributes:
        schema: what the options are.
        history: frames before a frame that it looks at.
        lookahead: frames behind it, likewise. Live there are none.
        files: names of files that it reads.
    """

    schema: ClassVar[type[RegionOptions]] = RegionOptions

    def __init__(self, options: Chosen) -> None:
        self.options = options
        self.history, self.lookahead = 0, 0
        self.files: tuple[str, ...] = ()

    def check(self) -> None:
        """Makes sure that it can be found, before anything slow begins.

        Raises:
            VideostyleError: if a file or a package is missing.
        """

    def open(self, info: VideoInfo) -> None:
        """Prepares for a clip described by ``info``."""

    def find(self, window: Window, at: int) -> UInt8Array:
        """Where the region is in frame ``at`` of a window.

        It looks at ``history`` frames before and ``lookahead`` behind, as far as there are any, at no others.

        Returns:
            uint8 ``[h, w]``, 255 inside, of any size.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Frees what ``open`` allocated."""
