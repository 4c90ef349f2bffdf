"""Content and style losses against an independent NumPy computation, and in the cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras")
from tests.network.test_loss_network import small_network
from videostyle.network import perceptual

RNG = np.random.default_rng(7)


def close(tensor: object, expected: float, tolerance: float = 1e-5) -> None:
    assert float(tensor) == pytest.approx(expected, rel=tolerance, abs=1e-9)


def test_content_loss() -> None:
    a, b = RNG.random((2, 3, 3, 4), np.float32), RNG.random((2, 3, 3, 4), np.float32)
    close(perceptual.content_loss(a, b), ((a - b) ** 2).mean() / (b**2).mean())
    close(perceptual.content_loss(b, b), 0.0)
    close(perceptual.content_loss(0 * b, b), 1.0)
    close(perceptual.content_loss(a, b, 3.0), ((a - b) ** 2).mean() / ((b**2).mean() + 3.0))


def test_style_loss() -> None:
    a, b = RNG.random((3, 4, 4), np.float32), RNG.random((1, 4, 4), np.float32)
    close(perceptual.style_loss(a, b), np.mean([((g - b[0]) ** 2).sum() / (b**2).sum() for g in a]))
    close(perceptual.style_loss(b, b), 0.0)


def test_perceptual_losses_of_the_painting_itself_are_zero() -> None:
    net, x = small_network(heads=True), RNG.random((1, 32, 32, 3), np.float32)
    content, style = perceptual.perceptual_losses(
        net, x, perceptual.content_features(net, x), perceptual.style_targets(net, x, 2)
    )
    assert float(content) == pytest.approx(0, abs=1e-6)
    assert float(style) == pytest.approx(0, abs=1e-6)
