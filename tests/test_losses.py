"""Every loss against an independent NumPy computation, and in the cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras")
from videostyle.training import losses

RNG = np.random.default_rng(7)


def close(tensor: object, expected: float, tolerance: float = 1e-5) -> None:
    assert float(tensor) == pytest.approx(expected, rel=tolerance, abs=1e-9)


def numpy_warp(x: np.ndarray, flow: np.ndarray) -> np.ndarray:
    n, h, w, _ = x.shape
    out = np.zeros_like(x)
    for b in range(n):
        for i in range(h):
            for j in range(w):
                u = min(max(j + flow[b, i, j, 0], 0), w - 1)
                v = min(max(i + flow[b, i, j, 1], 0), h - 1)
                x0, y0 = min(int(u), w - 2), min(int(v), h - 2)
                a, c = u - x0, v - y0
                out[b, i, j] = (1 - c) * ((1 - a) * x[b, y0, x0] + a * x[b, y0, x0 + 1]) + c * (
                    (1 - a) * x[b, y0 + 1, x0] + a * x[b, y0 + 1, x0 + 1]
                )
    return out


def test_total_variation_of_a_ramp_is_its_slope_squared() -> None:
    ramp = np.broadcast_to(np.arange(8, dtype=np.float32)[None, None, :, None] * 0.1, (1, 8, 8, 3))
    close(losses.total_variation(ramp), 0.01, 1e-4)


def test_grid_loss_sees_a_grid_and_not_a_texture_or_a_slope() -> None:
    grid = np.zeros((1, 64, 64, 3), np.float32)
    grid[:, ::4, ::4] = 0.2
    texture = RNG.permutation(grid.reshape(-1, 3)).reshape(grid.shape)
    slope = np.broadcast_to(np.linspace(0, 1, 64, dtype=np.float32)[None, None, :, None], grid.shape)
    strength = float(losses.grid_loss(grid, 4, 16))
    # One pixel of 16 deviates by 0.2; the box mean at the picture's edge changes that a little.
    assert strength == pytest.approx(0.2**2 / 16 * (1 - 1 / 16), rel=0.15)
    assert float(losses.grid_loss(grid, 8, 16)) == pytest.approx(strength, rel=0.3)
    assert float(losses.grid_loss(texture, 4, 16)) < 0.1 * strength
    assert float(losses.grid_loss(slope[:, :, 8:56], 4, 16)) < 0.01 * strength


def test_area_loss_sees_colours_of_areas_and_not_what_is_drawn_in_them() -> None:
    wanted = RNG.random((2, 64, 96, 3), np.float32)
    stripes = np.where(np.arange(64) % 2, 0.2, -0.2)[None, :, None, None]
    assert float(losses.area_loss((wanted + stripes).astype(np.float32), wanted)) < 1e-12
    painted = RNG.random((2, 64, 96, 3), np.float32)
    areas = (painted - wanted).reshape(2, 8, 8, 12, 8, 3).mean(axis=(2, 4))
    close(losses.area_loss(painted, wanted), float((areas**2).mean()), 1e-4)


def test_warp_matches_a_plain_loop() -> None:
    x = RNG.random((2, 7, 9, 2), np.float32)
    flow = RNG.normal(0, 3, (2, 7, 9, 2)).astype(np.float32)
    np.testing.assert_allclose(losses.warp(x, flow), numpy_warp(x, flow), rtol=1e-4, atol=1e-5)


def test_temporal_output_loss_is_zero_for_paint_that_moves_along() -> None:
    before = RNG.random((1, 32, 32, 3), np.float32)
    flow = np.zeros((1, 32, 32, 2), np.float32)
    flow[..., 0] = -3.0  # what is at x now was at x - 3
    now = np.roll(before, 3, axis=2)
    mask = np.ones((1, 32, 32, 1), np.float32)
    mask[:, :, :3] = 0
    close(losses.temporal_output_loss(now, before, now, before, flow, mask), 0.0)


def test_temporal_output_loss_counts_flicker_on_valid_pixels_only() -> None:
    picture = RNG.random((1, 32, 32, 3), np.float32)
    flow, mask = np.zeros((1, 32, 32, 2), np.float32), np.zeros((1, 32, 32, 1), np.float32)
    mask[:, :, :16] = 1
    painted = picture.copy()
    painted[:, :, :16] += 0.1
    painted[:, :, 16:] += 9.0
    close(losses.temporal_output_loss(painted, picture, picture, picture, flow, mask), 0.01, 2e-3)


def test_temporal_output_loss_lets_the_light_change() -> None:
    picture = RNG.random((1, 48, 48, 3), np.float32)
    flow, mask = np.zeros((1, 48, 48, 2), np.float32), np.ones((1, 48, 48, 1), np.float32)
    loss = losses.temporal_output_loss(picture + 0.1, picture, picture + 0.1, picture, flow, mask)
    assert float(loss) < 1e-5


def test_temporal_feature_loss() -> None:
    a, b = RNG.random((1, 4, 4, 5), np.float32), RNG.random((1, 4, 4, 5), np.float32)
    flow, mask = np.zeros((1, 32, 32, 2), np.float32), np.ones((1, 32, 32, 1), np.float32)
    expected = ((a - b) ** 2).sum() / ((16 + 1.0) * 5 * (a**2).mean())
    close(losses.temporal_feature_loss(a, b, flow, mask), expected, 1e-4)
