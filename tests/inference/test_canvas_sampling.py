"""From a mesh to the noise that the network is given."""

from __future__ import annotations

import numpy as np
import pytest

from videostyle.errors import UsageError
from videostyle.frames import CanvasMesh
from videostyle.inference.canvas_sampling import CanvasSettings, sample_canvas, still_mesh
from videostyle.network.canvas import CHANNELS

SETTINGS = CanvasSettings()


def shifted(mesh: CanvasMesh, x: float, y: float) -> CanvasMesh:
    return CanvasMesh(mesh.places + np.float32([x, y]), mesh.share)


def test_the_canvas_moves_with_the_mesh() -> None:
    mesh = still_mesh(96, 160)
    here = sample_canvas(mesh, 96, 160, SETTINGS)
    assert here.shape == (24, 40, CHANNELS)
    # The scene moves 8 pixels to the left and 4 up: what lay at x + 8, y + 4 lies at x, y now.
    there = sample_canvas(shifted(mesh, 8 / 96, 4 / 96), 96, 160, SETTINGS)
    np.testing.assert_allclose(there[:-1, :-2], here[1:, 2:], atol=2e-3)


def test_a_fine_mesh_says_the_same_as_a_coarse_one() -> None:
    x, y = np.meshgrid(np.linspace(0, 160 / 96, 11), np.linspace(0, 1, 7))
    fine = np.stack([x, y], axis=-1).astype(np.float32)
    fine_mesh = CanvasMesh(np.stack([fine, fine]), np.zeros((7, 11), np.float32))
    expected = sample_canvas(still_mesh(96, 160), 96, 160, SETTINGS)
    np.testing.assert_allclose(sample_canvas(fine_mesh, 96, 160, SETTINGS), expected, atol=2e-3)


def test_margins_continue_the_canvas() -> None:
    mesh = still_mesh(94, 157)
    whole = sample_canvas(mesh, 94, 157, SETTINGS, (4, 6, 8, 3))
    assert whole.shape == (26, 42, CHANNELS)
    inner = sample_canvas(mesh, 94, 157, SETTINGS, (0, 2, 0, 3))
    np.testing.assert_allclose(whole[1:25, 2:42], inner[:24, :40], atol=2e-3)


def test_amount_scales_and_the_seed_changes_the_canvas() -> None:
    mesh = still_mesh(64, 96)
    full = sample_canvas(mesh, 64, 96, SETTINGS)
    np.testing.assert_allclose(sample_canvas(mesh, 64, 96, CanvasSettings(0.25)), 0.25 * full, rtol=1e-5)
    assert not sample_canvas(mesh, 64, 96, CanvasSettings(0.0)).any()
    other = sample_canvas(mesh, 64, 96, CanvasSettings(seed=7))
    assert abs(np.corrcoef(full.ravel(), other.ravel())[0, 1]) < 0.3
    for wrong in ({"amount": 1.5}, {"amount": -0.1}, {"amount": float("nan")}, {"seed": -1}):
        with pytest.raises(UsageError):
            CanvasSettings(**wrong)


def test_the_second_layer_is_seen_where_its_share_says() -> None:
    mesh = still_mesh(96, 160)
    two = CanvasMesh(np.stack([mesh.places[0], mesh.places[1] + 5]), np.zeros_like(mesh.share))
    share = np.zeros_like(mesh.share)
    share[:, 2] = 1
    mixed = sample_canvas(CanvasMesh(two.places, share), 96, 160, SETTINGS)
    first = sample_canvas(two, 96, 160, SETTINGS)
    second = sample_canvas(CanvasMesh(two.places, np.ones_like(share)), 96, 160, SETTINGS)
    np.testing.assert_allclose(mixed[:, :20], first[:, :20], atol=1e-5)
    assert np.abs(mixed[:, -1] - second[:, -1]).mean() < 0.1
    assert np.abs(first - second).mean() > 0.5
