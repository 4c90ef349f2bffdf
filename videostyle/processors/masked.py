"""Composes two frames by a mask; pixels outside the mask stay exactly as they are."""

from __future__ import annotations

import numpy as np

from videostyle.frames import AnyArray, UInt8Array, to_bytes, to_words
from videostyle.media.opencv import load_cv2


def within(mask: UInt8Array, inside: AnyArray, outside: AnyArray) -> AnyArray:
    """Composes frames of two by a mask; exact where the mask is 0 or 255.

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
