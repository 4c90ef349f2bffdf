"""The canvas: statistics of the noise, its octaves, and that strokes keep their size under zoom."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from videostyle.inference.canvas_sampling import remapped
from videostyle.motion.flow import grid
from videostyle.network import canvas


def places(height: int = 96, width: int = 128, scale: float = 1.0, origin: float = 50.0) -> np.ndarray:
    x, y = grid(height, width)
    return (np.stack([x, y], axis=-1) / np.float32(scale) + np.float32(origin)).astype(np.float32)


def wavelength(channel: np.ndarray) -> float:
    """Mean wavelength of a channel in cells, from where its power lies."""
    power = np.abs(np.fft.fft2(channel - channel.mean())) ** 2
    radius = np.hypot(np.fft.fftfreq(channel.shape[0])[:, None], np.fft.fftfreq(channel.shape[1])[None])
    return float(power.sum() / (power * radius).sum())


def test_the_tile_has_mean_zero_variance_one_and_no_seam() -> None:
    tile = canvas.tile(3, remapped)
    assert tile.shape == (canvas.TILE + 1, canvas.TILE + 1, canvas.VARIANTS)
    np.testing.assert_allclose(tile[:-1, :-1].mean(axis=(0, 1)), 0, atol=1e-3)
    np.testing.assert_allclose(tile[:-1, :-1].std(axis=(0, 1)), 1, rtol=1e-3)
    np.testing.assert_array_equal(tile[0], tile[-1])
    steps = np.abs(np.diff(tile, axis=0)).mean(axis=(1, 2))
    assert steps[-1] < 1.2 * steps.mean()
    assert (canvas.tile(4, remapped) != tile).mean() > 0.99


def test_a_tile_is_drawn_once_for_threads_that_need_it_together() -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda seed: canvas.tile(seed, remapped), (5, 5))
    assert first is second


def test_strokes_are_long_and_curved_and_spots_are_round() -> None:
    """Along its curves a stroke changes slowly; their direction changes from place to place."""
    spots, strokes = np.moveaxis(canvas.tile(3, remapped)[:512, :512], -1, 0)

    def directions(channel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How much one direction prevails (0..1) and which, in blocks of 32 texels, from the structure tensor."""
        down, across = np.gradient(channel)
        xx, yy, xy = (z.reshape(16, 32, 16, 32).mean(axis=(1, 3)) for z in (across**2, down**2, across * down))
        return np.hypot(xx - yy, 2 * xy) / (xx + yy), np.arctan2(2 * xy, xx - yy) / 2

    prevails, angle = directions(strokes)
    assert prevails.mean() > 1.6 * directions(spots)[0].mean()
    assert np.histogram(angle, 6, (-np.pi / 2, np.pi / 2))[0].min() > 10  # of 256 blocks; they go all ways


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.0, 1.3, 2.0, 3.0, 40.0])
def test_strokes_keep_their_size_and_strength_under_zoom(scale: float) -> None:
    noise = canvas.octaves(places(192, 256, scale), scale, remapped)
    assert noise.shape == (192, 256, canvas.CHANNELS)
    np.testing.assert_allclose(noise.std(axis=(0, 1)), 1, atol=0.2)
    for octave, wanted in enumerate(canvas.WAVELENGTHS):
        found = wavelength(noise[..., canvas.VARIANTS * octave])
        assert 0.6 * wanted < found < 1.5 * wanted


def test_a_zoom_has_no_jump() -> None:
    # About the centre; the outermost cells move by a quarter of a cell from one frame to the next.
    frames = [canvas.octaves(places(33, 33, s, -16 / s), s, remapped) for s in np.geomspace(0.7, 3.0, 100)]
    changes = [float(np.abs(b - a).mean()) for a, b in pairwise(frames)]
    assert max(changes) < 2 * float(np.median(changes))
    assert max(changes) < 0.2


def test_enlargement_is_that_of_the_places() -> None:
    np.testing.assert_allclose(canvas.enlargement(places(scale=1.7)), 1.7, rtol=1e-3)
    turned = places() @ np.float32([[0.6, -0.8], [0.8, 0.6]])
    np.testing.assert_allclose(canvas.enlargement(turned), 1.0, rtol=1e-3)


def test_layers_are_blended_with_their_variance_kept() -> None:
    one, other = (canvas.octaves(places(192, 256, origin=o), 1.0, remapped) for o in (0.0, 300.0))
    assert abs(float((one * other).mean())) < 0.1
    for share in (0.0, 0.3, 0.5, 1.0):
        mixed = canvas.blended(one, other, np.full(one.shape[:2], share, np.float32))
        np.testing.assert_allclose(mixed.var(axis=(0, 1)).mean(), 1, atol=0.12)
    np.testing.assert_allclose(canvas.blended(one, other, np.ones(one.shape[:2], np.float32)), other, atol=1e-6)


def test_layers_that_read_the_same_places_are_blended_to_the_same() -> None:
    rng = np.random.default_rng(2)
    one = rng.normal(size=(8, 8, canvas.CHANNELS)).astype(np.float32)
    for share in (0.2, 0.5, 0.8):
        mixed = canvas.blended(one, one, np.full((8, 8), share, np.float32), np.zeros((8, 8), np.float32))
        np.testing.assert_allclose(mixed, one, atol=1e-5)
    far = np.full((8, 8), 50, np.float32)
    half = np.full((8, 8), 0.5, np.float32)
    np.testing.assert_allclose(canvas.blended(one, -one, half, far), canvas.blended(one, -one, half), atol=1e-6)
