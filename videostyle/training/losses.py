"""The losses a style is trained with: pure functions on tensors, in ``keras.ops``.

Content and style losses are those of ``network.perceptual``, under the same names here. Pictures are float RGB 0..1,
``[N, H, W, 3]``. Every loss is a mean over pixels and channels (over the valid ones, where there is a mask) or a ratio
of energies, so that one set of weights serves every painting, every size and every loss network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from videostyle.network.perceptual import (
    content_features as content_features,
)
from videostyle.network.perceptual import (
    content_loss as content_loss,
)
from videostyle.network.perceptual import (
    half_size as half_size,
)
from videostyle.network.perceptual import (
    perceptual_losses as perceptual_losses,
)
from videostyle.network.perceptual import (
    style_loss as style_loss,
)
from videostyle.network.perceptual import (
    style_targets as style_targets,
)

Tensor = Any

LUMA = (0.2126, 0.7152, 0.0722)  # relative luminance of linear BT.709 RGB, as ReCoNet uses it
TINY = 1e-8


def total_variation(x: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, both directions. *Source:* Johnson et al. 2016, 3.2."""
    return ops.mean(ops.square(x[:, 1:] - x[:, :-1])) + ops.mean(ops.square(x[:, :, 1:] - x[:, :, :-1]))


def grid_loss(x: Tensor, period: int = 8, tile: int = 16) -> Tensor:
    """Energy of the pattern that repeats every ``period`` pixels: the trace of sub-pixel upsampling.

    In each ``tile`` x ``tile`` region the pixels, less their local mean, are averaged by their place within a
    period. A grid gives the same averages in neighbouring regions; a texture of the painting does not, as
    it has no fixed phase. So the products of neighbours' averages are counted, as far as they are positive.

    Args:
        x: ``[N, H, W, 3]``; H and W at least two tiles.
        period: pixels after which the suspected grid repeats (its divisors are found as well).
        tile: side of a region, a multiple of ``period``.

    Returns:
        Mean energy of the common pattern, in squared units of ``x``.
    """
    n, h, w, c = x.shape
    n = -1 if n is None else n
    x = x - _box_mean(x, period)
    rows, columns, cells = h // tile, w // tile, tile // period
    x = x[:, : rows * tile, : columns * tile]
    x = ops.reshape(x, (n, rows, cells, period, columns, cells, period, c))
    phases = ops.mean(x, axis=(2, 5))  # [N, rows, period, columns, period, C]
    phases = phases - ops.mean(phases, axis=(2, 4), keepdims=True)
    below = ops.mean(phases[:, 1:] * phases[:, :-1], axis=(2, 4, 5))
    beside = ops.mean(phases[:, :, :, 1:] * phases[:, :, :, :-1], axis=(2, 4, 5))
    return 0.5 * (ops.mean(ops.relu(below)) + ops.mean(ops.relu(beside)))


def _box_mean(x: Tensor, size: int) -> Tensor:
    return ops.average_pool(x, size, 1, padding="same")


def warp(x: Tensor, flow: Tensor) -> Tensor:
    """Samples ``x`` at each pixel's place plus its flow, bilinearly; places outside take the nearest edge.

    Args:
        x: ``[N, H, W, C]``, frame t-1.
        flow: float32 ``[N, H, W, 2]``, pixels (dx, dy): a pixel p of frame t was at p + flow in frame t-1.

    Returns:
        ``[N, H, W, C]``: frame t-1 as seen at time t.
    """
    _, h, w, c = x.shape
    column = ops.clip(flow[..., 0] + np.arange(w, dtype=np.float32)[None, None, :], 0.0, w - 1.0)
    row = ops.clip(flow[..., 1] + np.arange(h, dtype=np.float32)[None, :, None], 0.0, h - 1.0)
    left, top = ops.minimum(ops.floor(column), w - 2.0), ops.minimum(ops.floor(row), h - 2.0)
    right_share, lower_share = (column - left)[..., None], (row - top)[..., None]
    first = ops.cast(top, "int32") * w + ops.cast(left, "int32")
    first = first + ops.arange(ops.shape(x)[0], dtype="int32")[:, None, None] * (h * w)
    flat = ops.reshape(x, (-1, c))

    def corner(offset: int) -> Tensor:
        return ops.take(flat, first + offset, axis=0)

    upper = corner(0) * (1.0 - right_share) + corner(1) * right_share
    lower = corner(w) * (1.0 - right_share) + corner(w + 1) * right_share
    return upper * (1.0 - lower_share) + lower * lower_share


def temporal_output_loss(
    painted: Tensor, painted_before: Tensor, original: Tensor, original_before: Tensor, flow: Tensor, mask: Tensor
) -> Tensor:
    """What the painting changes by from one frame to the next, beyond its motion and the light.

    ``mean over valid pixels, channels of ((O_t - W(O_t-1))_c - (I_t - W(I_t-1))_Y)^2``. The luminance
    difference is averaged over 9x9 pixels: light changes smoothly, while the grain that changes from pixel to
    pixel is what the painting must not follow.

    Args:
        painted: O_t, ``[N, H, W, 3]``.
        painted_before: O_t-1.
        original: I_t.
        original_before: I_t-1.
        flow: as in ``warp``.
        mask: ``[N, H, W, 1]``, 1 where a pixel is visible in both frames.

    *Source:* Gao et al. 2018 (ReCoNet), eq. 5 and 6, divided by the valid pixels and channels.
    """
    luma = np.asarray(LUMA, np.float32)
    light = ops.sum((original - warp(original_before, flow)) * luma, axis=-1, keepdims=True)
    weight = _box_mean(mask, 9)
    light = _box_mean(light * mask, 9) / (weight + 1e-3)
    change = painted - warp(painted_before, flow) - light
    return ops.sum(mask * ops.square(change)) / (3.0 * ops.sum(mask) + 1.0)


def area_loss(painted: Tensor, wanted: Tensor, cells: int = 8) -> Tensor:
    """Mean squared difference of the mean colours of large areas, whatever is drawn in them.

    Args:
        painted: ``[N, H, W, 3]``, sides of at least ``cells`` pixels.
        wanted: of the same shape.
        cells: areas along the shorter side.
    """
    size = min(painted.shape[1:3]) // cells
    return ops.mean(ops.square(ops.average_pool(painted - wanted, size, size, "valid")))


def temporal_feature_loss(current: Tensor, before: Tensor, flow: Tensor, mask: Tensor) -> Tensor:
    """The same for features of the style network: squared change along the motion over the features' energy.

    Args:
        current: F_t, ``[N, h, w, C]``, at a fraction of the picture's size.
        before: F_t-1.
        flow: full-size flow as in ``warp``; averaged and scaled down to the features' size here.
        mask: full-size mask; a feature counts as far as its pixels are valid.

    *Source:* Gao et al. 2018, eq. 7, divided by the valid places and by the mean energy of F.
    """
    factor = flow.shape[1] // current.shape[1]
    flow = ops.average_pool(flow, factor, factor, padding="valid") / factor
    mask = ops.average_pool(mask, factor, factor, padding="valid")
    change = ops.square(current - warp(before, flow))
    energy = ops.mean(ops.square(current)) + TINY
    return ops.sum(mask * change) / ((ops.sum(mask) + 1.0) * current.shape[-1] * energy)
