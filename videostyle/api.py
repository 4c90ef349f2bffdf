"""The Python interface: ``videostyle.render``, ``videostyle.Stylizer`` and ``videostyle.paint``."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.media.timecode import TimePoint
from videostyle.media.writers.base import EncodeOptions
from videostyle.rendering.pipeline import RunReport
from videostyle.rendering.runner import iterate
from videostyle.rendering.runner import render as _render
from videostyle.rendering.settings import RenderSettings

if TYPE_CHECKING:
    from videostyle.styles.style_file import Style

ENCODING = ("codec", "crf", "preset", "pixel_format", "audio", "overwrite", "threads")


def _settings(style: str, options: dict[str, Any]) -> RenderSettings:
    encode = EncodeOptions(**{key: options.pop(key) for key in ENCODING if key in options})
    for key in ("start", "end"):
        if isinstance(options.get(key), int | float):
            options[key] = TimePoint(seconds=float(options[key]))
    if isinstance(options.get("frame_rate"), int | float):
        options["frame_rate"] = Fraction(options["frame_rate"]).limit_denominator(1001)
    return RenderSettings(style=style, encode=encode, **options)


def render(source: str | Path, style: str, output: str | Path | None = None, **options: Any) -> RunReport:
    """Paints a video, a still, a folder of pictures or a numbered sequence into a file.

    Args:
        source: what to paint.
        style: a style's name, a style file, a picture, or a mix such as "great-wave:0.7,starry-night:0.3".
        output: what to write; None = ``CLIP_stylized_STYLE.mp4`` beside the input.
        options: fields of ``RenderSettings`` (strength, preserve_color, start and end in seconds, max_size,
            frame_rate, batch_size, device, precision, strict) and of ``EncodeOptions`` (codec, crf, preset,
            pixel_format, audio, overwrite).

    Returns:
        The finished file, frames, seconds and warnings.

    Raises:
        VideostyleError: if anything went wrong; nothing is left behind then.
    """
    return _render(source, output, _settings(style, options))


def paint(source: str | Path, style: str, **options: Any) -> Iterator[FrameBatch]:
    """Painted frames of a video, batch by batch, for use in another program.

    Args:
        source: what to paint.
        style: as in ``render``.
        options: as in ``render``; those on encoding have no effect.

    Yields:
        ``FrameBatch``: ``frames`` uint8 ``[T, H, W, 3]`` RGB, ``pts`` float64 ``[T]`` seconds, ``index``.
    """
    return iterate(source, _settings(style, options))


class Stylizer:
    """Paints arrays of frames.

    The statistics of the first call (up to four of its frames, evenly spread) are kept, so that a shot that is
    handed over in pieces is painted alike; ``reset`` begins a new shot.

    Args:
        style: a style's name, a style file, a mix, or a ``Style``.
        strength: 0 leaves the picture as it is, 1 paints fully.
        options: ``precision``, ``batch_size``, ``device``, ``tile`` as in ``processors.style.StyleProcessor``.
    """

    def __init__(self, style: str | Style, strength: float = 1.0, **options: Any) -> None:
        from videostyle.styles import gallery
        from videostyle.styles.style_file import Style as StyleClass

        if isinstance(style, StyleClass):
            self._style = gallery.weakened(style, strength)
        else:
            self._style = gallery.resolve(style, strength)
        self._options = options
        self._processor: Any = None
        self._size: tuple[int, int] | None = None

    def __call__(self, frames: UInt8Array) -> UInt8Array:
        """Paints uint8 ``[T, H, W, 3]`` RGB; returns the same shape. Frames of another size begin a new shot."""
        from videostyle.processors.style import StyleProcessor

        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
            raise ValueError(f"frames must be uint8 [T, H, W, 3], not {frames.dtype} {frames.shape}")
        if self._processor is None or self._size != frames.shape[1:3]:
            self._size = (frames.shape[1], frames.shape[2])
            self._processor = StyleProcessor(self._style, **self._options)
            self._processor.open(VideoInfo(width=self._size[1], height=self._size[0]))
        if not len(frames):
            return frames.copy()
        painted: FrameBatch = self._processor(FrameBatch(frames, np.zeros(len(frames)), 0))
        return painted.frames

    def reset(self) -> None:
        """Forgets the statistics: the next frames are the first of a new shot."""
        self._processor = None
