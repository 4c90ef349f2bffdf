"""Keeps the colours of the clip: luminance of the painted frame, chroma of the original frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from videostyle.frames import AnyArray, FrameBatch, VideoInfo
from videostyle.media.opencv import load_cv2
from videostyle.processors.protocol import Processor

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def with_chroma_of(painted: AnyArray, original: AnyArray) -> AnyArray:
    """Luminance of ``painted`` with the chroma of ``original``.

    Args:
        painted: uint8 ``[H, W, 3]`` RGB, or uint16 0..65535.
        original: the same, or the other.

    Returns:
        Of the shape and dtype of ``painted``.
    """
    if painted.dtype == np.uint8 and original.dtype == np.uint8:
        cv2 = load_cv2()
        mixed = cv2.cvtColor(painted, cv2.COLOR_RGB2YCrCb)
        mixed[..., 1:] = cv2.cvtColor(original, cv2.COLOR_RGB2YCrCb)[..., 1:]
        return np.asarray(cv2.cvtColor(mixed, cv2.COLOR_YCrCb2RGB), np.uint8)
    white = float(np.iinfo(painted.dtype).max)
    one, other = painted / np.float32(white), original / np.float32(np.iinfo(original.dtype).max)
    # The same amount added to red, green and blue changes luminance alone.
    mixed = other + ((one - other) @ LUMA)[..., None]
    return np.rint(np.clip(mixed, 0.0, 1.0) * white).astype(painted.dtype)


class PreserveColor:
    """Runs another processor and replaces the chroma of its result by that of its input.

    Args:
        inner: the style processor; it must deliver RGB frames of unchanged size.
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
        return replace(painted, frames=frames)

    def close(self) -> None:
        """Closes the inner processor."""
        self.inner.close()
