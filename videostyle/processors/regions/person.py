"""Persons, as a segmentation network finds them."""

from __future__ import annotations

from pydantic import Field

from videostyle.frames import UInt8Array, VideoInfo
from videostyle.processors.detectors.persons import PersonFinder, model_file, person_finder
from videostyle.processors.regions.protocol import Region, RegionOptions
from videostyle.processors.regions.window import Window


class PersonOptions(RegionOptions):
    """With which model."""

    smooth: int = Field(3, ge=0, le=12, description="frames over which its edge is smoothed, along the motion")
    model: str = Field("", description="a segmentation model of your own (.tflite)")
    sha256: str = Field("", description="checksum of that file, 12 digits at least")


class Person(Region[PersonOptions]):
    """Persons; best where they are near the camera."""

    schema = PersonOptions

    def __init__(self, options: PersonOptions) -> None:
        super().__init__(options)
        self.files = (options.model,) if options.model else ()
        self._find: PersonFinder | None = None

    def check(self) -> None:
        """Looks for the model."""
        model_file(self.options.model, self.options.sha256)

    def open(self, info: VideoInfo) -> None:
        """Loads the model."""
        if self._find is None:
            self._find = person_finder(model_file(self.options.model, self.options.sha256))

    def find(self, window: Window, at: int) -> UInt8Array:
        """Where persons are."""
        if self._find is None:
            raise ValueError("open() comes first")
        return self._find(window.frames[at].frame)

    def close(self) -> None:
        """Frees the model."""
        self._find = None
