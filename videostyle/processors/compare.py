"""Shows original and painted frames together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from videostyle.frames import FrameBatch, VideoInfo
from videostyle.processors.protocol import Processor

MODES = ("side", "split")


def compared_info(info: VideoInfo, mode: str | None) -> VideoInfo:
    """The description of compared frames: twice as wide where they lie side by side.

    Args:
        info: description of the frames before.
        mode: one of ``MODES``, or None for frames that are not compared.
    """
    return replace(info, width=2 * info.width) if mode == "side" else info


class Compare:
    """Runs another processor and shows its result beside its input.

    Args:
        inner: the processor that paints; it must deliver rgb24 frames of unchanged size.
        mode: "side": the original on the left, the painted frame on the right; "split": the left half of the original
            and the right half of the painted frame, with a white line between.
    """

    def __init__(self, inner: Processor, mode: str) -> None:
        self._inner, self._mode = inner, mode

    def open(self, info: VideoInfo) -> VideoInfo:
        """Opens the inner processor."""
        return compared_info(self._inner.open(info), self._mode)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Runs the inner processor on a batch and puts both together."""
        painted = self._inner(batch).frames
        if self._mode == "side":
            return FrameBatch(np.concatenate([batch.frames, painted], axis=2), batch.pts, batch.index)
        frames = painted.copy()
        middle = frames.shape[2] // 2
        frames[:, :, :middle] = batch.frames[:, :, :middle]
        frames[:, :, max(middle - 1, 0) : middle + 1] = 255
        return FrameBatch(frames, batch.pts, batch.index)

    def close(self) -> None:
        """Closes the inner processor."""
        self._inner.close()
