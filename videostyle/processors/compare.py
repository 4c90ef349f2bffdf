"""Shows original and painted frames together."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from pydantic import Field

from videostyle.frames import AnyArray, FrameBatch, VideoInfo, to_bytes, to_words
from videostyle.processors.protocol import Configured, Needs, Options

Mode = Literal["side", "split", "wipe"]
MODES: tuple[str, ...] = get_args(Mode)
LINE = 2  # pixels; width of the line between original and painting


class CompareOptions(Options):
    """How to compare."""

    mode: Mode = Field(
        "side",
        description="side: the original on the left, the painting on the right, twice as wide; split: the left half of "
        "the original, the right half of the painting; wipe: as split, with a line that moves to and fro",
    )
    seconds: float = Field(6.0, ge=0.5, le=600, description="wipe: time for one way to the right and back")


class Compare(Configured[CompareOptions]):
    """Shows the clip beside its painting: side by side, split, or with a line that wipes over it."""

    schema = CompareOptions

    @property
    def needs(self) -> Needs:
        """Side by side, frames are twice as wide."""
        return Needs(original=True, resizes=self.options.mode == "side")

    def delivered(self, info: VideoInfo) -> VideoInfo:
        """Twice as wide, side by side."""
        return replace(info, width=2 * info.width) if self.options.mode == "side" else info

    def open(self, info: VideoInfo) -> VideoInfo:
        """Notes when the clip begins."""
        self._start = info.start
        return self.delivered(info)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Puts originals and frames together."""
        original = batch.frames if batch.original is None else batch.original
        original = to_words(original) if batch.frames.dtype == np.uint16 else to_bytes(original)
        if self.options.mode == "side":
            both = np.concatenate([original, batch.frames], axis=2)
            alpha = None if batch.alpha is None else np.concatenate([batch.alpha, batch.alpha], axis=2)
            return FrameBatch(both, batch.pts, batch.index, batch.pixel_format, alpha)
        frames, width = batch.frames.copy(), batch.frames.shape[2]
        for frame, one, time in zip(frames, original, batch.pts, strict=True):
            divide(frame, one, round(width * self._share(time)))
        return replace(batch, frames=frames)

    def _share(self, time: float) -> float:
        """The place of the line, 0..1 of the width, at a time of the clip's own clock."""
        if self.options.mode == "split":
            return 0.5
        return float(0.5 - 0.5 * np.cos(2 * np.pi * (time - self._start) / self.options.seconds))


def divide(painted: AnyArray, original: AnyArray, at: int) -> None:
    """Puts the original into what lies left of column ``at`` of a painted frame ``[H, W, 3]``, with a white line."""
    painted[:, :at] = original[:, :at]
    painted[:, max(at - LINE // 2, 0) : at + LINE // 2] = np.iinfo(painted.dtype).max
