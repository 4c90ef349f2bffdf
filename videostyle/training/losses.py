"""The losses that need no loss network: lightness, colours, smoothness, and change from frame to frame.

All are pure functions on tensors, in ``keras.ops``. Pictures are float RGB 0..1, ``[N, H, W, 3]``. Every loss is a
mean over pixels and channels (over valid pixels, where there is a mask) or a ratio of energies. The same loss weights
therefore suit every painting, picture size and loss network. The losses on features are in ``network.perceptual``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from videostyle.network.sliced import directions, ordered_along, quantiles
from videostyle.training.warping import warp

Tensor = Any

LUMA = (0.2126, 0.7152, 0.0722)  # relative luminance of linear BT.709 RGB, as ReCoNet uses it
TINY = 1e-8
TONE_CELL = 16  # side of the cells of the tone loss, pixels
NEIGHBOURHOOD = 13  # side of the neighbourhoods of the local tone loss, cells
AREAS = 8  # areas along the shorter side of a picture, whose colours the interpolation loss compares
KEPT_CONTRAST = 0.8  # share of the original's local contrast that is enough


def _lightness(x: Tensor, cell: int) -> Tensor:
    """Mean of the channels in cells of ``cell`` x ``cell`` pixels, ``[N, h, w, 1]``."""
    return ops.average_pool(ops.mean(x, axis=-1, keepdims=True), cell, cell, padding="valid")


def tone_loss(painted: Tensor, original: Tensor) -> Tensor:
    """1 - correlation of the lightness of large cells: dark areas of the scene stay darker than light ones.

    Args:
        painted: ``[N, H, W, 3]``.
        original: the unpainted pictures, of the same shape.

    Returns:
        A scalar: 0 where painted lightness is a rising linear function of the original's, 2 for a negative.
    """
    a, b = (_lightness(x, TONE_CELL) for x in (painted, original))
    a, b = (z - ops.mean(z, axis=(1, 2), keepdims=True) for z in (a, b))
    axes = (1, 2, 3)
    energy = ops.sum(a * a, axis=axes) * ops.sum(b * b, axis=axes)
    return 1.0 - ops.mean(ops.sum(a * b, axis=axes) * ops.rsqrt(energy + 1e-6))


def local_tone_loss(painted: Tensor, original: Tensor, cell: int) -> Tensor:
    """1 - correlation of lightness within neighbourhoods: a face keeps its features, whatever its mean lightness.

    A neighbourhood counts by the original's contrast in it: where the original is even, nothing is compared. Where the
    painted contrast is less than ``KEPT_CONTRAST`` of the original's, the correlation counts less by as much: features
    that are there but pale are lost to the eye.

    Args:
        painted: ``[N, H, W, 3]``.
        original: the unpainted pictures, of the same shape.
        cell: side of a cell, pixels.

    Returns:
        A scalar, 0 (perfect correlation in every neighbourhood) to 2 (negatives).
    """

    def mean(z: Tensor) -> Tensor:
        return _box_mean(z, NEIGHBOURHOOD)

    u, v = (_lightness(x, cell) for x in (painted, original))
    mean_u, mean_v = mean(u), mean(v)
    covariance = mean(u * v) - mean_u * mean_v
    variance_u, variance_v = ops.relu(mean(u * u) - mean_u**2), ops.relu(mean(v * v) - mean_v**2)
    weight = variance_v / (variance_v + 4e-4)
    correlation = covariance * ops.rsqrt(variance_u * variance_v + 1e-6)
    enough = KEPT_CONTRAST**2 * variance_v
    correlation = correlation * ops.sqrt((ops.minimum(variance_u, enough) + 1e-5) / (enough + 1e-5))
    return 1.0 - ops.sum(weight * correlation) / (ops.sum(weight) + 1e-3)


def colour_directions() -> NDArray[np.float32]:
    """Fixed random unit vectors in RGB space, float32 ``[3, 24]``."""
    return directions(3, 24, seed=7)


def colour_quantiles(picture: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Quantiles of a painting's colours along ``colour_directions``, the target of ``colour_loss``.

    Args:
        picture: float32 ``[H, W, 3]``, RGB 0..1.
        count: number of quantiles: the number of pixels of the painted pictures that will be compared.

    Returns:
        float32 ``[count, directions]``, ascending.
    """
    projected = picture.reshape(-1, 3) @ colour_directions()
    return quantiles(projected, (np.arange(count) + 0.5) / count)


def colour_loss(painted: Tensor, quantiles: Tensor) -> Tensor:
    """Squared sliced Wasserstein distance between the painted colours and the painting's.

    Args:
        painted: ``[N, h, w, 3]``.
        quantiles: from ``colour_quantiles``, ``h * w`` of them.

    *Source:* Heitz et al. 2021, a sliced Wasserstein loss for neural texture synthesis, on colours.
    """
    pixels = painted.shape[1] * painted.shape[2]
    ordered = ordered_along(ops.reshape(painted, (-1, pixels, 3)), colour_directions())
    return ops.mean(ops.square(ordered - ops.transpose(quantiles)))


def total_variation(x: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, across and down. *Source:* Johnson et al. 2016, 3.2."""
    return ops.mean(ops.square(x[:, 1:] - x[:, :-1])) + ops.mean(ops.square(x[:, :, 1:] - x[:, :, :-1]))


def _box_mean(x: Tensor, size: int) -> Tensor:
    return ops.average_pool(x, size, 1, padding="same")


def temporal_output_loss(
    painted: Tensor, painted_before: Tensor, original: Tensor, original_before: Tensor, flow: Tensor, mask: Tensor
) -> Tensor:
    """Flicker: change of the painted pixels along the motion, less the change of the scene's light.

    ``mean over valid pixels and channels c of ((O_t - W(O_t-1))_c - (I_t - W(I_t-1))_Y)^2``, where W warps. The
    luminance difference of the inputs is averaged over 9x9 pixels: paint should follow a change of light, which is
    smooth, and not the camera's grain.

    Args:
        painted: O_t, the painted frame, ``[N, H, W, 3]``.
        painted_before: O_t-1, the painted frame before it.
        original: I_t, the unpainted frame.
        original_before: I_t-1.
        flow: as in ``warp``.
        mask: ``[N, H, W, 1]``, 1 where a pixel is visible in both frames.

    *Source:* Gao et al. 2018 (ReCoNet), eq. 5 and 6, divided by the number of valid pixels and channels.
    """
    luma = np.asarray(LUMA, np.float32)
    light = ops.sum((original - warp(original_before, flow)) * luma, axis=-1, keepdims=True)
    weight = _box_mean(mask, 9)
    light = _box_mean(light * mask, 9) / (weight + 1e-3)
    change = painted - warp(painted_before, flow) - light
    return ops.sum(mask * ops.square(change)) / (3.0 * ops.sum(mask) + 1.0)


def area_loss(painted: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared difference of the mean colours of large areas; details within an area do not count.

    Args:
        painted: ``[N, H, W, 3]``, sides of at least ``AREAS`` pixels.
        wanted: the target, of the same shape.
    """
    size = min(painted.shape[1:3]) // AREAS
    return ops.mean(ops.square(ops.average_pool(painted - wanted, size, size, "valid")))


def temporal_feature_loss(current: Tensor, before: Tensor, flow: Tensor, mask: Tensor) -> Tensor:
    """Flicker of the style network's features: squared change along the motion over the features' energy.

    Args:
        current: F_t, ``[N, h, w, C]``, at a fraction of the picture's resolution.
        before: F_t-1.
        flow: at the picture's resolution, as in ``warp``; scaled down here.
        mask: at the picture's resolution, as in ``temporal_output_loss``; averaged over the pixels of a feature here.

    *Source:* Gao et al. 2018, eq. 7, divided by the number of valid positions and by the mean energy of F.
    """
    factor = flow.shape[1] // current.shape[1]
    flow = ops.average_pool(flow, factor, factor, padding="valid") / factor
    mask = ops.average_pool(mask, factor, factor, padding="valid")
    change = ops.square(current - warp(before, flow))
    energy = ops.mean(ops.square(current)) + TINY
    return ops.sum(mask * change) / ((ops.sum(mask) + 1.0) * current.shape[-1] * energy)
