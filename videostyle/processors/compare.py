"""Shows original and painted frames together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from videostyle.frames import FrameBatch, VideoInfo, to_bytes, to_words
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
        inner: the processor that paints; it must deliver RGB frames of unchanged size.
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
        painted = self._inner(batch)
        original = to_words(batch.frames) if painted.frames.dtype == np.uint16 else to_bytes(batch.frames)
        if self._mode == "side":
            both = np.concatenate([original, painted.frames], axis=2)
            alpha = None if painted.alpha is None else np.concatenate([painted.alpha, painted.alpha], axis=2)
            return replace(painted, frames=both, alpha=alpha)
        frames = painted.frames.copy()
        middle = frames.shape[2] // 2
        frames[:, :, :middle] = original[:, :, :middle]
        frames[:, :, max(middle - 1, 0) : middle + 1] = np.iinfo(frames.dtype).max
        return replace(painted, frames=frames)

    def close(self) -> None:
        """Closes the inner processor."""
        self._inner.close()
