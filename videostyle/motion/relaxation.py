"""Lets distorted places of the canvas slip back into shape, slowly where it is seen."""

from __future__ import annotations

import numpy as np

from videostyle.motion.layers import Layers, Mask
from videostyle.motion.mesh import Complex

STRIDES = (6, 3, 1)  # cells; sides of the squares whose distortion is looked at, so that large things relax as a whole
FINE_UP_TO, FULLY_FROM = 0.2, 0.5  # distortion that is left alone, and that is relaxed with full strength
CREEP = 1.0  # units in a frame that a place may slip for the sake of squares of one size, fully distorted


def relax(layers: Layers, fixed: Mask, unit: float) -> None:
    """One step of both layers, where they are seen distorted, towards a conformal map.

    A step down the gradient of the conformal energy, the sum of ``|b|^2`` (``mesh.jacobians``): turning and scaling
    cost nothing, stretching and shearing do. *Source:* Levy et al. 2002 (least squares conformal maps).

    Args:
        layers: changed in place.
        fixed: ``[2, rows, columns]``, vertices of each layer that must not move.
        unit: a unit in frame heights.
    """
    second = layers.second()
    for places, own, still in zip(layers.places, (~second, second), fixed, strict=True):
        z = places.view(np.complex64)[..., 0]
        for stride in STRIDES:
            if min(z.shape) > stride and (own & ~still).any():
                z += _slip(z, own, still, (layers.pitch[0] * stride, layers.pitch[1] * stride), stride, unit)


def _slip(
    z: Complex, own: Mask, still: Mask, pitch: tuple[float, float], stride: int, unit: float
) -> Complex | np.complex64:
    """How far vertices slip for the sake of squares of ``stride`` cells, ``[rows, columns]`` in frame heights."""
    low, high = slice(None, -stride), slice(stride, None)
    falling, rising = z[high, high] - z[low, low], z[low, high] - z[high, low]
    along_x = (falling + rising) * np.float32(0.25 / pitch[0])
    along_y = (falling - rising) * np.complex64(0.25j / pitch[1])
    size, b = np.abs(along_x - along_y), along_x + along_y
    strain = np.abs(b) / np.maximum(size, np.float32(1e-12))
    pull = np.clip((strain - FINE_UP_TO) / (FULLY_FROM - FINE_UP_TO), 0, 1)
    pull *= own[low, low] & own[low, high] & own[high, low] & own[high, high]
    if not pull.any():
        return np.complex64(0)
    corner = np.complex64(0.25 / pitch[0] + 0.25j / pitch[1])  # derivative of b by the lower right corner
    # On the screen a slip appears enlarged as the canvas is.
    most = size * np.float32(CREEP * unit) * (strain / np.float32(FULLY_FROM)) ** 2
    force = b * (pull * np.float32(1 / (16 * abs(corner) ** 2)))
    force *= np.minimum(1, most / np.maximum(abs(corner) * np.abs(force), np.float32(1e-12)))
    slip = np.zeros_like(z)
    slip[high, high] -= np.conj(corner) * force
    slip[low, low] += np.conj(corner) * force
    slip[low, high] -= corner * force
    slip[high, low] += corner * force
    slip[still] = 0
    return slip
