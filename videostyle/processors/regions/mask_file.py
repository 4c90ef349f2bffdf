"""A region given by a file: a picture, or a video of masks."""

from __future__ import annotations

import bisect
import os
from collections.abc import Iterator

import numpy as np
from pydantic import Field

from videostyle.errors import InputError
from videostyle.frames import UInt8Array, VideoInfo
from videostyle.media.opencv import load_cv2
from videostyle.media.packets import shown_times
from videostyle.media.readers.base import Input, ReadOptions
from videostyle.media.readers.open import look_at, open_reader
from videostyle.processors.regions.protocol import Region, RegionOptions
from videostyle.processors.regions.window import Window

FAR = 200  # frames; a mask further ahead is looked for from the next key frame before it
EARLY = 1e-3  # seconds by which a mask may come late, and still belong to a frame: times are rounded differently


class MaskFileOptions(RegionOptions):
    """Which file."""

    feather: float = Field(0.0, ge=0, le=500, description="pixels over which its edge is soft, to each side")
    file: str = Field("", description="a picture, or a video as long as the clip; white is inside, black outside")


class MaskFile(Region[MaskFileOptions]):
    """What is white in a picture or a video of masks; the same times of clip and mask belong together."""

    schema = MaskFileOptions

    def __init__(self, options: MaskFileOptions) -> None:
        super().__init__(options)
        self.files = (options.file,) if options.file else ()
        self._frames: Iterator[UInt8Array] | None = None
        self._last: UInt8Array | None = None
        self._next = 0

    def check(self) -> None:
        """Looks at the file.

        Raises:
            InputError: if it cannot be read, is several files, or none is given.
        """
        if not self.options.file:
            raise InputError("the region 'mask' has no file", hint="as in mask:file=mask.png")
        look_at(self.options.file)
        if not os.path.isfile(self.options.file):
            raise InputError(f"the mask '{self.options.file}' is not one file", hint="give a picture or a video")

    def open(self, info: VideoInfo) -> None:
        """Looks at the file and reads its times."""
        self.check()
        self._source: Input = look_at(self.options.file)
        self._start = info.start
        media = self._source.media
        self._times = shown_times(media) if media is not None else []
        self._begins = self._times[0] if self._times else 0.0
        self._next, self._frames, self._last = 0, None, None

    def find(self, window: Window, at: int) -> UInt8Array:
        """The mask that is shown at the time of the frame; the last one, if there are no more."""
        time = window.frames[at].time - self._start + self._begins
        return self._mask(max(0, bisect.bisect_right(self._times, time + EARLY) - 1))

    def _mask(self, number: int) -> UInt8Array:
        if self._last is not None and number == self._next - 1:
            return self._last
        if self._frames is None or number < self._next or number > self._next + FAR:
            self._close()
            self._next, self._frames = number, self._read(number)
        for mask in self._frames:
            self._last, self._next = mask, self._next + 1
            if self._next > number:
                return mask
        if self._last is None:
            raise InputError(f"the mask '{self.options.file}' has no frame {number}", hint="make it again")
        return self._last

    def _read(self, first: int) -> Iterator[UInt8Array]:
        cv2 = load_cv2()
        with open_reader(self._source, ReadOptions(batch_size=1)) as reader:
            if first:
                reader.read_part(first, len(self._times) - first, self._times)
            for batch in reader:
                yield np.asarray(cv2.cvtColor(batch.frames[0], cv2.COLOR_RGB2GRAY), np.uint8)

    def _close(self) -> None:
        if self._frames is not None:
            self._frames.close()  # type: ignore[attr-defined]
        self._frames = None

    def close(self) -> None:
        """Closes the file."""
        self._close()
        self._last = None
