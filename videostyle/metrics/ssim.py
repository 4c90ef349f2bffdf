"""Structural similarity of edges: whether the scene is still recognisable when it is painted."""

from __future__ import annotations

from typing import Any

import numpy as np

from videostyle.frames import UInt8Array
from videostyle.media.opencv import load_cv2

SIGMA, RADIUS = 1.5, 5  # of the Gaussian window, pixels
K1, K2 = 0.01, 0.03


def ssim(a: Any, b: Any, span: float) -> float:
    """Mean structural similarity of two pictures of one channel, ``[H, W]``.

    ``(2 m_a m_b + C1)(2 s_ab + C2) / ((m_a^2 + m_b^2 + C1)(s_a^2 + s_b^2 + C2))`` with means, variances and
    covariance in an 11x11 Gaussian window of deviation 1.5 and ``C = (K span)^2``; borders are mirrored. 1 for
    equal pictures; for two constant ones (2 a b + C1) / (a^2 + b^2 + C1).

    Args:
        a: values of any real dtype.
        b: the same shape.
        span: difference between the largest and the smallest possible value.

    *Source:* Wang et al. 2004, eq. 13, K1 = 0.01, K2 = 0.03.
    """
    cv2 = load_cv2()
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)

    def local_mean(values: Any) -> Any:
        size = (2 * RADIUS + 1, 2 * RADIUS + 1)
        return cv2.GaussianBlur(values, size, SIGMA, borderType=cv2.BORDER_REFLECT_101)

    mean_x, mean_y = local_mean(x), local_mean(y)
    var_x = local_mean(x * x) - mean_x**2
    var_y = local_mean(y * y) - mean_y**2
    covariance = local_mean(x * y) - mean_x * mean_y
    c1, c2 = (K1 * span) ** 2, (K2 * span) ** 2
    upper = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    lower = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return float((upper / lower).mean())


def edges(frame: UInt8Array) -> Any:
    """Strength of the luminance gradient, float64 ``[H, W]`` in levels a pixel (central differences)."""
    luma = frame.astype(np.float64) @ np.array([0.2126, 0.7152, 0.0722])
    down, right = np.gradient(luma)
    return np.hypot(down, right)


def edge_ssim(painted: UInt8Array, original: UInt8Array) -> float:
    """SSIM of the edges of two frames uint8 ``[H, W, 3]``, each scaled to its own root mean square.

    Scaling removes the overall contrast, which a painting may change. 1 = every edge is in its place with its share of
    the strength, about 0 = the edges are unrelated. The span is 4, which few scaled edges exceed.
    """
    scaled = [e / (np.sqrt((e**2).mean()) + 1e-8) for e in (edges(painted), edges(original))]
    return ssim(scaled[0], scaled[1], 4.0)
