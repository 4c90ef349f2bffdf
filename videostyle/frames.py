"""The data that passes through the program: frames with their times, and the description of their video.

In every other module pictures are uint8, RGB, full range, ``[T, H, W, 3]``, unless it says otherwise. Conversions
between uint8 and float, and between BGR and RGB, are here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

UInt8Array = NDArray[np.uint8]
UInt16Array = NDArray[np.uint16]
AnyArray = NDArray[Any]  # uint8 or uint16
Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]


# How frames of a batch are laid out, and their dtype.
PIXEL_FORMATS = {"rgb24": np.uint8, "rgb48": np.uint16, "i420": np.uint8, "i420p10": np.uint16}


@dataclass(frozen=True)
class ColorInfo:
    """Colour description of a stream, in ffmpeg's names (``bt709``, ``smpte170m``...); "" = unknown.

    Attributes:
        matrix: from RGB to YUV.
        primaries: of RGB.
        transfer: function from light to values.
        full_range: whether samples have full range; None = unknown.
        guessed: whether the matrix is not stated by the stream but what players take it for.
        mastering: the display that HDR was made on, in x265's words (``media.hdr``).
        content_light: largest and mean light of HDR in cd/m2, as "1000,200".
    """

    matrix: str = ""
    primaries: str = ""
    transfer: str = ""
    full_range: bool | None = None
    guessed: bool = False
    mastering: str = ""
    content_light: str = ""

    @property
    def is_hdr(self) -> bool:
        """Whether the transfer function is one of high dynamic range (PQ or HLG)."""
        return self.transfer in ("smpte2084", "arib-std-b67")


@dataclass(frozen=True)
class VideoInfo:
    """The description of a video, known before its frames are read.

    Attributes:
        width: width of a delivered frame in pixels, rotation applied, sample aspect not applied.
        height: height of a delivered frame in pixels, rotation applied.
        fps: average frame rate; None if the container does not state it.
        frame_count: number of frames according to the container, which may be wrong; None if unknown.
        duration: seconds; None if unknown.
        time_base: unit of the container's timestamps in seconds.
        start: presentation time of the first frame in seconds, on the container's clock.
        sample_aspect: width of a pixel over its height, after rotation.
        rotation: clockwise degrees that the reader applied (0, 90, 180, 270).
        mirrored: whether the reader mirrored the stored pictures as well.
        color: colour description of the stored stream.
        pixel_format: ffmpeg's name of the stored pixel format; "" where unknown.
        bit_depth: bits of a stored sample.
        has_alpha: whether the stored stream has an alpha channel (dropped by the readers).
        interlaced: whether any stored frame is interlaced (the readers deliver progressive frames).
        changes: whether the size or the pixel format changes within the stream (the first size is delivered).
        codec: ffmpeg's name of the video codec; "" for pictures.
        still: whether this is one picture and not a video.
    """

    width: int
    height: int
    fps: Fraction | None = None
    frame_count: int | None = None
    duration: float | None = None
    time_base: Fraction = Fraction(1, 1000)
    start: float = 0.0
    sample_aspect: Fraction = Fraction(1)
    rotation: int = 0
    mirrored: bool = False
    color: ColorInfo = field(default_factory=ColorInfo)
    pixel_format: str = ""
    bit_depth: int = 8
    has_alpha: bool = False
    interlaced: bool = False
    changes: bool = False
    codec: str = ""
    still: bool = False


@dataclass(frozen=True)
class FrameBatch:
    """A run of consecutive frames.

    Attributes:
        frames: by ``pixel_format``: "rgb24", uint8 ``[T, H, W, 3]``, RGB, full range; "rgb48", the same in uint16,
            0..65535; "i420", uint8 ``[T, H * 3 // 2, W]`` (planes Y, U, V as OpenCV lays them out; H and W even);
            "i420p10", the same in uint16, 10 bits.
        pts: float64 ``[T]``, presentation times in seconds on the source's clock.
        index: number of the first frame in the source, counted from 0.
        pixel_format: one of ``PIXEL_FORMATS``.
        alpha: ``[T, H, W]`` of the frames' dtype, its largest value = opaque; None where there is no alpha channel. Of
            HDR that is kept, what makes the frames as bright again as they were (``media.hdr``).
        original: the same frames before any processor, ``[T, h, w, 3]`` RGB, uint8 or uint16; None outside a chain.
        before: the frames before these, at most as many as a processor asks for; None = none.
        after: the frames after these, likewise.
    """

    frames: AnyArray
    pts: Float64Array
    index: int
    pixel_format: str = "rgb24"
    alpha: AnyArray | None = None
    original: AnyArray | None = None
    before: FrameBatch | None = None
    after: FrameBatch | None = None

    def __post_init__(self) -> None:
        if self.frames.dtype != PIXEL_FORMATS[self.pixel_format]:
            raise ValueError(f"frames must be {np.dtype(PIXEL_FORMATS[self.pixel_format])}, not {self.frames.dtype}")
        rank = 4 if self.pixel_format.startswith("rgb") else 3
        if self.frames.ndim != rank or (rank == 4 and self.frames.shape[3] != 3):
            raise ValueError(f"frames of format {self.pixel_format} cannot have shape {self.frames.shape}")
        if self.alpha is not None and self.alpha.shape != self.frames.shape[:3]:
            raise ValueError(f"frames of shape {self.frames.shape} with alpha of shape {self.alpha.shape}")
        if self.pts.shape != (self.frames.shape[0],):
            raise ValueError(f"{self.frames.shape[0]} frames with pts of shape {self.pts.shape}")
        if self.original is not None and len(self.original) != len(self.frames):
            raise ValueError(f"{self.frames.shape[0]} frames with {len(self.original)} originals")

    def __len__(self) -> int:
        return int(self.frames.shape[0])

    def part(self, first: int, last: int) -> FrameBatch:
        """The frames at ``first`` to ``last - 1`` of this batch, without their neighbours."""
        at = slice(first, last)
        alpha, original = (None if array is None else array[at] for array in (self.alpha, self.original))
        start = self.index + at.indices(len(self))[0]
        return FrameBatch(self.frames[at], self.pts[at], start, self.pixel_format, alpha, original)

    def __repr__(self) -> str:
        first = f"{self.pts[0]:.3f}s" if len(self) else "-"
        return f"FrameBatch({self.frames.shape}, {self.pixel_format}, index={self.index}, pts={first}...)"


def joined(batches: Sequence[FrameBatch]) -> FrameBatch:
    """Consecutive batches of one format as one batch, without neighbours.

    Args:
        batches: at least one, in order.
    """
    if len(batches) == 1:
        return batches[0]

    def together(arrays: list[AnyArray | None]) -> AnyArray | None:
        found = [array for array in arrays if array is not None]
        return np.concatenate(found) if len(found) == len(arrays) else None

    return FrameBatch(
        np.concatenate([batch.frames for batch in batches]),
        np.concatenate([batch.pts for batch in batches]),
        batches[0].index,
        batches[0].pixel_format,
        together([batch.alpha for batch in batches]),
        together([batch.original for batch in batches]),
    )


@dataclass(frozen=True)
class CanvasMesh:
    """The positions on the canvas of the vertices of a coarse mesh over a frame.

    Vertex ``(i, j)`` lies at ``x = j / (columns - 1) * W``, ``y = i / (rows - 1) * H`` of a frame of ``H`` by ``W``
    pixels: the frame's corners are vertices. Between vertices everything is interpolated.

    Attributes:
        places: float32 ``[2, rows, columns, 2]``, canvas coordinates (x, y) of two layers, in units of the frame's
            height, so that they hold for any painting size.
        share: float32 ``[rows, columns]``, 0..1: weight of the second layer.
    """

    places: Float32Array
    share: Float32Array

    def __post_init__(self) -> None:
        if self.places.shape != (2, *self.share.shape, 2):
            raise ValueError(f"places of shape {self.places.shape} with a share of shape {self.share.shape}")

    def __repr__(self) -> str:
        return f"CanvasMesh({self.share.shape[0]}x{self.share.shape[1]} vertices)"


def evenly_spread(total: int, count: int) -> NDArray[np.intp]:
    """Numbers of up to ``count`` frames of ``total``, evenly spread from the first to the last."""
    return np.linspace(0, total - 1, min(count, total)).round().astype(np.intp)


def bgr_to_rgb(picture: AnyArray) -> AnyArray:
    """Swaps the channel order of ``[..., 3]``; returns a view."""
    return picture[..., ::-1]


def to_float(frames: UInt8Array) -> Float32Array:
    """uint8 0..255 to float32 0..1, same shape."""
    return frames.astype(np.float32) / np.float32(255.0)


def to_bytes(frames: AnyArray) -> UInt8Array:
    """Frames of 8 or 16 bits, 0..255 or 0..65535, as uint8 of the same shape, rounded."""
    if frames.dtype == np.uint8:
        return frames
    return ((frames.astype(np.uint32) + 128) // 257).astype(np.uint8)


def to_words(frames: AnyArray) -> UInt16Array:
    """Frames of 8 or 16 bits as uint16 0..65535 of the same shape."""
    return frames if frames.dtype == np.uint16 else frames.astype(np.uint16) * np.uint16(257)


def on_white(picture: AnyArray, alpha: AnyArray) -> AnyArray:
    """A picture ``[H, W, 3]`` RGB, uint8 or uint16, on white where its alpha ``[H, W]`` is below the largest value."""
    white = float(np.iinfo(picture.dtype).max)
    share = alpha[..., None].astype(np.float32) / np.float32(np.iinfo(alpha.dtype).max)
    return np.rint(picture * share + white * (1.0 - share)).astype(picture.dtype)
