"""Bilinear sampling of tensors, in ``keras.ops``: pictures read between their pixels, and warped along a flow."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

Tensor = Any


def sampled(pictures: Tensor, columns: Tensor, rows: Tensor, which: Tensor | None = None) -> Tensor:
    """Samples pictures bilinearly; outside a picture, its nearest edge pixel.

    Args:
        pictures: ``[P, H, W, C]``, H and W at least 2.
        columns: float32 ``[N, h, w]``, where to sample, in pixels.
        rows: the same.
        which: int32 ``[N]``, the picture that each of the N reads; where None, the n-th reads the n-th.

    Returns:
        ``[N, h, w, C]``.
    """
    _, h, w, c = pictures.shape
    columns, rows = ops.clip(columns, 0.0, w - 1.0), ops.clip(rows, 0.0, h - 1.0)
    left, top = ops.minimum(ops.floor(columns), w - 2.0), ops.minimum(ops.floor(rows), h - 2.0)
    right_share, lower_share = (columns - left)[..., None], (rows - top)[..., None]
    first = ops.cast(top, "int32") * w + ops.cast(left, "int32")
    which = ops.arange(ops.shape(columns)[0], dtype="int32") if which is None else which
    first = first + which[:, None, None] * (h * w)
    flat = ops.reshape(pictures, (-1, c))

    def corner(offset: int) -> Tensor:
        return ops.take(flat, first + offset, axis=0)

    upper = corner(0) * (1.0 - right_share) + corner(1) * right_share
    lower = corner(w) * (1.0 - right_share) + corner(w + 1) * right_share
    return upper * (1.0 - lower_share) + lower * lower_share


def warp(x: Tensor, flow: Tensor) -> Tensor:
    """Samples ``x`` bilinearly at each pixel's position plus its flow; outside the picture, the nearest edge pixel.

    Args:
        x: ``[N, H, W, C]``, frame t-1.
        flow: float32 ``[N, H, W, 2]``, pixels (dx, dy): pixel p of frame t was at p + flow in frame t-1.

    Returns:
        ``[N, H, W, C]``: frame t-1 warped to time t.
    """
    _, h, w, _ = x.shape
    columns = flow[..., 0] + np.arange(w, dtype=np.float32)[None, None, :]
    return sampled(x, columns, flow[..., 1] + np.arange(h, dtype=np.float32)[None, :, None])
