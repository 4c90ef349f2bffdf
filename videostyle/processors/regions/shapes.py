"""Rectangles and polygons, with key frames."""

from __future__ import annotations

import itertools
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from videostyle.errors import UsageError
from videostyle.frames import Float64Array, UInt8Array, VideoInfo
from videostyle.media.opencv import load_cv2
from videostyle.media.timecode import parse_time
from videostyle.processors.regions.protocol import Region, RegionOptions
from videostyle.processors.regions.window import Window

LARGE = 1 << 20  # pixels of a frame; edges of larger ones are drawn less finely
FRACTION = 4  # bits of a pixel's fraction in which OpenCV takes places
LONG_AGO = "a time in seconds, as 2.5s or 0:01:30"


def key_frames(text: str, numbers: int | None) -> list[tuple[float, list[float]]]:
    """Key frames from "0s 0.1 0.2 0.5 0.6; 2.5s 0.4 0.2 0.8 0.6": a time, then places in shares of the frame.

    Args:
        text: key frames with semicolons between them; one alone needs no time.
        numbers: in each key frame; None = an even number of at least six, the same in all.

    Returns:
        Times in seconds from the beginning, rising, and numbers.

    Raises:
        ValueError: if it cannot be read.
    """
    found = []
    for part in filter(None, map(str.strip, text.split(";"))):
        words = part.replace("/", " ").split()
        time = 0.0
        if len(words) % 2:
            try:
                seconds = parse_time(words.pop(0).removesuffix("s")).seconds
            except UsageError as error:
                raise ValueError(f"cannot read '{part}'") from error
            if seconds is None:
                raise ValueError(f"'{part}' needs {LONG_AGO}")
            time = float(seconds)
        try:
            values = [float(word) for word in words]
        except ValueError as error:
            raise ValueError(f"cannot read '{part}'") from error
        if not np.isfinite(values).all():
            raise ValueError(f"'{part}' holds what is not a number")
        if (numbers is not None and len(values) != numbers) or len(values) < 4:
            raise ValueError(f"'{part}' has {len(values)} numbers")
        found.append((time, values))
    if not found:
        raise ValueError("there is no key frame")
    if numbers is None and (len({len(values) for _, values in found}) > 1 or len(found[0][1]) < 6):
        raise ValueError("all key frames need the same corners, three at least")
    if any(one[0] >= other[0] for one, other in itertools.pairwise(found)):
        raise ValueError("times of key frames must rise")
    return found


def at_time(keys: list[tuple[float, list[float]]], time: float) -> Float64Array:
    """The numbers of key frames at a time, in straight lines between them."""
    times = [key[0] for key in keys]
    return np.array([np.interp(time, times, column) for column in zip(*(key[1] for key in keys), strict=True)])


class RectangleOptions(RegionOptions):
    """Where it is."""

    box: str = Field(
        "0.25 0.25 0.75 0.75",
        description="left, top, right and bottom in shares of the frame; with key frames '0s 0 0 0.5 1; 4s 0.5 0 1 1'",
    )

    @field_validator("box")
    @classmethod
    def _readable(cls, text: str) -> str:
        for _, (left, top, right, bottom) in key_frames(text, 4):
            if left > right or top > bottom:
                raise ValueError("give left, top, right and bottom, in this order")
        return text


class PolygonOptions(RegionOptions):
    """Where its corners are."""

    points: str = Field(
        "0.5 0.1 0.9 0.9 0.1 0.9",
        description="x and y of each corner in shares of the frame; with key frames as the box of a rectangle",
    )

    @field_validator("points")
    @classmethod
    def _readable(cls, text: str) -> str:
        key_frames(text, None)
        return text


class _Drawn(Region[RegionOptions]):
    """A shape of some corners."""

    numbers: ClassVar[int | None] = None

    def open(self, info: VideoInfo) -> None:
        """Notes when the clip begins."""
        self._start = info.start
        self._keys = key_frames(self._text(), self.numbers)

    def _text(self) -> str:
        raise NotImplementedError

    def _corners(self, values: Float64Array) -> Float64Array:
        return values.reshape(-1, 2)

    def find(self, window: Window, at: int) -> UInt8Array:
        """The shape at the time of the frame."""
        seen = window.frames[at]
        height, width = seen.frame.shape[:2]
        corners = self._corners(at_time(self._keys, seen.time - self._start))
        # Corners lie between pixels, whose middles have whole numbers.
        places = np.clip(corners, -4, 5) * (width, height)
        cv2 = load_cv2()
        # OpenCV's own soft edge is two pixels wide. Shrunk from a larger picture, it is one.
        finer = 4 if height * width <= LARGE else 2
        mask = np.zeros((finer * height, finer * width), np.uint8)
        fixed = np.rint((places * finer - 0.5) * (1 << FRACTION)).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, shift=FRACTION)
        return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


class Rectangle(_Drawn):
    """A rectangle, which key frames may move."""

    schema = RectangleOptions
    numbers = 4

    def _text(self) -> str:
        return str(self.options.box)  # type: ignore[attr-defined]

    def _corners(self, values: Float64Array) -> Float64Array:
        left, top, right, bottom = values
        return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


class Polygon(_Drawn):
    """A polygon, which key frames may move and bend."""

    schema = PolygonOptions

    def _text(self) -> str:
        return str(self.options.points)  # type: ignore[attr-defined]
