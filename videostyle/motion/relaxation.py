"""Lets distorted places of the canvas slip back into shape, slowly where it is seen."""

from __future__ import annotations

import numpy as np

from videostyle.motion.layers import Layers, Mask
from videostyle.motion.mesh import Complex, squares

STRIDES = (6, 3, 1)  # cells; sides of the squares whose distortion is looked at, so that large things relax as a whole
FINE_UP_TO, FULLY_FROM = 0.2, 0.5  # distortion that is left alone, and that is relaxed with full strength
CREEP = 1.0  # units; largest slip of a place in a frame, for squares of one size that are fully distorted


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
    own = np.stack([~second, second])
    places, free = layers.places, own & ~fixed
    if not second.any():  # nothing is seen of the second layer
        places, own, free = places[:1], own[:1], free[:1]
    z = places.view(np.complex64)[..., 0]
    for stride in STRIDES:
        if min(z.shape[1:]) > stride and free.any():
            slip = _slip(z, own, (layers.pitch[0] * stride, layers.pitch[1] * stride), stride, unit)
            if slip is not None:
                slip[fixed[: len(z)]] = 0
                z += slip


def _slip(z: Complex, own: Mask, pitch: tuple[float, float], stride: int, unit: float) -> Complex | None:
    """How far vertices slip for the sake of squares of ``stride`` cells, in frame heights; None if none does.

    Args:
        z: canvas coordinates of layers ``[layers, rows, columns]``.
        own: vertices that belong to each layer.
        pitch: distance of columns and of rows that are ``stride`` cells apart.
        stride: in cells.
        unit: as in ``relax``.
    """
    low, high = slice(None, -stride), slice(stride, None)
    falling = z[:, high, high] - z[:, low, low]
    rising = z[:, low, high] - z[:, high, low]
    along_x = (falling + rising) * np.float32(0.25 / pitch[0])
    along_y = (falling - rising) * np.complex64(0.25j / pitch[1])
    b = along_x + along_y
    bent, size = squares(b), squares(along_x - along_y)
    strain = np.sqrt(bent / np.maximum(size, np.float32(1e-24)))
    rows = own[:, low] & own[:, high]
    pull = (strain - np.float32(FINE_UP_TO)) * np.float32(1 / (FULLY_FROM - FINE_UP_TO))
    pull = np.clip(pull, 0, 1) * (rows[:, :, low] & rows[:, :, high])
    if not pull.any():
        return None
    corner = np.complex64(0.25 / pitch[0] + 0.25j / pitch[1])  # derivative of b by the lower right corner
    away = np.float32(abs(corner))
    pull *= 1 / (16 * away**2)
    # On the screen a slip appears enlarged as the canvas is.
    most = np.sqrt(size) * (strain * strain) * np.float32(CREEP * unit / FULLY_FROM**2)
    pull *= np.minimum(1, most / np.maximum(away * pull * np.sqrt(bent), np.float32(1e-12)))
    force = b * pull
    slip = np.zeros_like(z)
    along, across = np.conj(corner) * force, corner * force
    slip[:, high, high] -= along
    slip[:, low, low] += along
    slip[:, low, high] -= across
    slip[:, high, low] += across
    return slip
