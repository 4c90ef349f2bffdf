"""Every loss against an independent NumPy computation, and in the cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras")
from videostyle.network import perceptual
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


def test_structure_loss_sees_where_features_are_and_not_how_strong() -> None:
    original = RNG.normal(0, 1, (2, 12, 12, 5)).astype(np.float32)
    scale, shift = RNG.uniform(0.5, 2, 5).astype(np.float32), RNG.normal(0, 3, 5).astype(np.float32)
    assert float(perceptual.structure_loss(original * scale + shift, original)) < 1e-3
    elsewhere = RNG.normal(0, 1, original.shape).astype(np.float32)
    assert float(perceptual.structure_loss(elsewhere, original)) == pytest.approx(2.0, rel=0.1)


def test_tone_loss_keeps_what_is_dark_darker() -> None:
    picture = RNG.random((1, 64, 96, 3), np.float32)
    other = RNG.random(picture.shape, np.float32)
    a, b = (x.reshape(4, 16, 6, 16, 3).mean(axis=(1, 3, 4)) for x in (other, picture))
    a, b = a - a.mean(), b - b.mean()
    expected = 1 - (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum() + 1e-6)
    close(losses.tone_loss(other, picture), expected, 1e-3)
    dark = np.zeros((1, 64, 64, 3), np.float32)
    dark[:, :, 32:] = 1
    assert float(losses.tone_loss(0.2 * dark, dark)) < 1e-3
    assert float(losses.tone_loss(1 - dark, dark)) == pytest.approx(2.0, abs=1e-3)


def test_local_tone_loss_keeps_values_within_a_neighbourhood() -> None:
    """A dark half beside a light one, each with features of its own: turned round within the dark one, it is seen."""
    scene = np.full((1, 128, 256, 3), 0.2, np.float32)
    scene[:, :, 128:] = 0.8
    features = np.kron(RNG.uniform(-0.15, 0.15, (16, 32)), np.ones((8, 8)))[None, :, :, None].astype(np.float32)
    original = scene + features
    lost = original.copy()
    lost[:, :, :128] = 0.4 - lost[:, :, :128]  # mirrored about 0.2: the large order is the same
    assert float(losses.local_tone_loss(0.8 * original + 0.1, original, 8)) < 0.03
    pale = [float(losses.local_tone_loss(share * original + 0.4, original, 8)) for share in (0.4, 0.2)]
    assert 0.4 < pale[0] < pale[1] < 0.85
    assert float(losses.tone_loss(lost, original)) < 0.1
    assert float(losses.local_tone_loss(lost, original, 8)) > 0.5


def test_colour_loss_compares_distributions() -> None:
    painting = RNG.random((40, 40, 3), np.float32)
    quantiles = losses.colour_quantiles(painting, 400)
    shuffled = painting.reshape(-1, 3)[RNG.permutation(1600)[:400]].reshape(1, 20, 20, 3)
    assert float(losses.colour_loss(shuffled, quantiles)) < 1e-3
    directions = losses.colour_directions()
    np.testing.assert_allclose(np.linalg.norm(directions, axis=0), 1, rtol=1e-6)
    # A shift of all colours by d is a distance of (d . v)^2 along each direction v.
    shift = np.float32([0.1, -0.2, 0.05])
    same = np.sort(shuffled.reshape(-1, 3) @ directions, axis=0)
    close(losses.colour_loss(shuffled + shift, same), float(((shift @ directions) ** 2).mean()), 1e-3)


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
