"""Keeps the colours of the clip: luminance of the painted frame, chroma of the original frame."""

from __future__ import annotations

import numpy as np

from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.media.opencv import load_cv2
from videostyle.processors.protocol import Processor


def with_chroma_of(painted: UInt8Array, original: UInt8Array) -> UInt8Array:
    """A frame with the luminance of ``painted`` and the chroma of ``original``, all uint8 ``[H, W, 3]`` RGB."""
    cv2 = load_cv2()
    mixed = cv2.cvtColor(painted, cv2.COLOR_RGB2YCrCb)
    mixed[..., 1:] = cv2.cvtColor(original, cv2.COLOR_RGB2YCrCb)[..., 1:]
    return np.asarray(cv2.cvtColor(mixed, cv2.COLOR_YCrCb2RGB), np.uint8)


class PreserveColor:
    """Runs another processor and replaces the chroma of its result by that of its input.

    Args:
        inner: the style processor; it must deliver rgb24 frames of unchanged size.
    """

    def __init__(self, inner: Processor) -> None:
        self.inner = inner

    def open(self, info: VideoInfo) -> VideoInfo:
        """Opens the inner processor."""
        return self.inner.open(info)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Runs the inner processor on a batch and restores the chroma of the batch."""
        painted = self.inner(batch)
        frames = np.stack([with_chroma_of(p, o) for p, o in zip(painted.frames, batch.frames, strict=True)])
        return FrameBatch(frames, batch.pts, batch.index)

    def close(self) -> None:
        """Closes the inner processor."""
        self.inner.close()
