"""The losses a style is trained with: pure functions on tensors, in ``keras.ops``.

Pictures are float RGB 0..1, ``[N, H, W, 3]``. Every loss is a mean over pixels and channels (over the valid
ones, where there is a mask) or a ratio of energies, so that one set of weights serves every painting, every
size and every loss network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

Tensor = Any

LUMA = (0.2126, 0.7152, 0.0722)  # relative luminance of linear BT.709 RGB, as ReCoNet uses it
TINY = 1e-8


def _lightness(x: Tensor, cell: int) -> Tensor:
    """Mean of the channels in cells of ``cell`` x ``cell`` pixels, ``[N, h, w, 1]``."""
    return ops.average_pool(ops.mean(x, axis=-1, keepdims=True), cell, cell, padding="valid")


def tone_loss(painted: Tensor, original: Tensor, cell: int = 16) -> Tensor:
    """1 - correlation of the lightness of large cells: what is dark stays darker than what is light.

    Args:
        painted: ``[N, H, W, 3]``.
        original: of the same shape.
        cell: side of a cell, pixels.

    Returns:
        0 (values in the same order and proportion) to 2 (a negative).
    """
    a, b = (_lightness(x, cell) for x in (painted, original))
    a, b = (z - ops.mean(z, axis=(1, 2), keepdims=True) for z in (a, b))
    axes = (1, 2, 3)
    energy = ops.sum(a * a, axis=axes) * ops.sum(b * b, axis=axes)
    return 1.0 - ops.mean(ops.sum(a * b, axis=axes) * ops.rsqrt(energy + 1e-6))


def local_tone_loss(painted: Tensor, original: Tensor, cell: int, window: int = 13) -> Tensor:
    """1 - correlation of lightness within neighbourhoods: a face keeps its features, whatever its complexion.

    Args:
        painted: ``[N, H, W, 3]``.
        original: of the same shape. Neighbourhoods count as far as it has values of its own there.
        cell: side of a cell, pixels.
        window: side of a neighbourhood, cells.

    Returns:
        0 (the same values everywhere) to 2.
    """

    def mean(z: Tensor) -> Tensor:
        return _box_mean(z, window)

    u, v = (_lightness(x, cell) for x in (painted, original))
    mean_u, mean_v = mean(u), mean(v)
    covariance = mean(u * v) - mean_u * mean_v
    variance_u, variance_v = ops.relu(mean(u * u) - mean_u**2), ops.relu(mean(v * v) - mean_v**2)
    weight = variance_v / (variance_v + 4e-4)
    correlation = covariance * ops.rsqrt(variance_u * variance_v + 1e-6)
    return 1.0 - ops.sum(weight * correlation) / (ops.sum(weight) + 1e-3)


def colour_directions(count: int = 24) -> NDArray[np.float32]:
    """Fixed directions in RGB space, float32 ``[3, count]``, of length 1."""
    directions = np.random.default_rng(7).normal(size=(3, count))
    return (directions / np.linalg.norm(directions, axis=0)).astype(np.float32)


def colour_quantiles(picture: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """What ``colour_loss`` aims at: quantiles of a painting's colours along ``colour_directions``.

    Args:
        picture: float32 ``[H, W, 3]``, RGB 0..1.
        count: quantiles, as many as pixels are compared in a painted picture.

    Returns:
        float32 ``[count, directions]``, ascending.
    """
    projected = picture.reshape(-1, 3) @ colour_directions()
    return np.quantile(projected, (np.arange(count) + 0.5) / count, axis=0).astype(np.float32)


def colour_loss(painted: Tensor, quantiles: Tensor) -> Tensor:
    """Squared sliced Wasserstein distance between the painted colours and the painting's.

    Args:
        painted: ``[N, h, w, 3]``, ``h * w`` pixels for as many ``quantiles``.
        quantiles: from ``colour_quantiles``.

    *Source:* Heitz et al. 2021, a sliced Wasserstein loss for neural texture synthesis, on colours.
    """
    pixels = painted.shape[1] * painted.shape[2]
    projected = ops.matmul(ops.reshape(painted, (-1, pixels, 3)), colour_directions())
    ordered = ops.sort(ops.transpose(projected, (0, 2, 1)), axis=-1)
    return ops.mean(ops.square(ordered - ops.transpose(quantiles)))


def total_variation(x: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, both directions. *Source:* Johnson et al. 2016, 3.2."""
    return ops.mean(ops.square(x[:, 1:] - x[:, :-1])) + ops.mean(ops.square(x[:, :, 1:] - x[:, :, :-1]))


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
