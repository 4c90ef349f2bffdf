"""Limits a processor to a region: outside of it, frames stay what they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from videostyle.frames import AnyArray, FrameBatch, UInt8Array, VideoInfo, to_bytes, to_words
from videostyle.media.opencv import load_cv2
from videostyle.processors.protocol import Needs, Processor, needs_of

# The region of each frame of a batch: uint8 ``[T, H, W]``, 255 inside, 0 outside, between them at a soft edge.
MaskOf = Callable[[FrameBatch], UInt8Array]


def within(mask: UInt8Array, inside: AnyArray, outside: AnyArray) -> AnyArray:
    """Frames put together of two by a mask; exact where the mask is 0 or 255.

    Args:
        mask: uint8 ``[T, H, W]``.
        inside: ``[T, H, W, 3]``, uint8 or uint16.
        outside: of the same shape, uint8 or uint16.

    Returns:
        Of the dtype of ``inside``.
    """
    outside = to_words(outside) if inside.dtype == np.uint16 else to_bytes(outside)
    found = np.ascontiguousarray(outside).copy()
    for number, one in enumerate(mask):
        rows = np.flatnonzero(one.any(axis=1))
        if not len(rows):
            continue
        columns = np.flatnonzero(one.any(axis=0))
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        found[number][part] = _blended(one[part], inside[number][part], outside[number][part])
    return found


def _blended(mask: UInt8Array, inside: AnyArray, outside: AnyArray) -> AnyArray:
    """One part of a frame, ``[h, w]`` and twice ``[h, w, 3]``."""
    cv2 = load_cv2()
    share = cv2.merge([mask, mask, mask]).astype(np.float32) * np.float32(1 / 255)
    # float32 holds all values of 16 bits exactly, and 1 / 255 * 255 is 1.
    below = outside.astype(np.float32)
    above = cv2.multiply(share, cv2.subtract(inside.astype(np.float32), below))
    found = np.rint(cv2.add(below, above)).astype(inside.dtype)
    return np.where((mask == 255)[..., None], inside, found)


class Limited:
    """Runs another processor, and keeps what it does inside a region only.

    Args:
        inner: the processor; it may not change the size, and delivers RGB.
        mask_of: gives the region. It may look at the neighbours of a batch: ``needs`` says how many there are.
        needs: what ``mask_of`` needs of the chain; None = nothing.
    """

    def __init__(self, inner: Processor, mask_of: MaskOf, needs: Needs | None = None) -> None:
        self._inner, self._mask_of, self._own = inner, mask_of, needs or Needs()

    @property
    def needs(self) -> Needs:
        """What the processor and its region need together."""
        inner = needs_of(self._inner)
        return replace(
            inner,
            history=max(inner.history, self._own.history),
            lookahead=max(inner.lookahead, self._own.lookahead),
            chunkable=inner.chunkable and self._own.chunkable,
            original=inner.original or self._own.original,
        )

    def open(self, info: VideoInfo) -> VideoInfo:
        """Opens the inner processor."""
        return self._inner.open(info)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Processes a batch, and puts its own pixels back outside the region."""
        mask = self._mask_of(batch)
        done = self._inner(batch)
        return replace(done, frames=within(mask, done.frames, batch.frames))

    def restart(self) -> None:
        """Restarts the inner processor, which must be stateful."""
        self._inner.restart()  # type: ignore[attr-defined]

    def close(self) -> None:
        """Closes the inner processor."""
        self._inner.close()
