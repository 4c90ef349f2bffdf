"""The grid goes along with the camera, in whole pixels, and stays where the scene only creeps."""

from __future__ import annotations

import numpy as np

from videostyle.frames import CanvasMesh
from videostyle.motion.grid_offsets import camera_move, grid_offsets
from videostyle.motion.mesh_store import MeshRecorder


def mesh(x: float, y: float, share: float = 0.0) -> CanvasMesh:
    """A mesh under a camera that has moved to (x, y), heights; its second layer lies elsewhere."""
    places = np.stack(np.meshgrid(np.linspace(0, 1.5, 7), np.linspace(0, 1, 5)), axis=-1)
    moved = places + np.array([x, y])
    return CanvasMesh(np.stack([moved, 2 * moved]).astype(np.float32), np.full((5, 7), share, np.float32))


def test_a_pan_is_followed_though_a_few_things_move_otherwise() -> None:
    before, now = mesh(0, 0), mesh(0.02, -0.01)
    now.places[0, :2, :3] += 0.3
    np.testing.assert_allclose(camera_move(before, now), (0.02, -0.01), atol=1e-6)
    np.testing.assert_allclose(camera_move(mesh(0, 0, 1), mesh(0.02, -0.01, 1)), (0.04, -0.02), atol=1e-6)
    assert not camera_move(before, before).any()


def test_from_frame_to_frame_the_scene_moves_by_half_a_pixel_at_most_against_the_grid() -> None:
    moves = np.random.default_rng(3).uniform(-0.03, 0.03, (200, 2))
    offsets = grid_offsets(moves, 360)
    assert np.abs(np.diff(offsets, axis=0) - moves[1:] * 360).max() <= 0.5


def test_a_scene_that_creeps_does_not_jump() -> None:
    moves = np.full((50, 2), 0.3 / 360)
    assert not grid_offsets(moves, 360).any()
    assert grid_offsets(moves, 1080).any()  # at three times the size it moves by 0.9 pixels a frame


def test_a_recorded_clip_knows_its_offsets() -> None:
    recorder = MeshRecorder()
    for number in range(10):
        recorder.add(mesh(3 / 360 * number, 0))
    recorder.add(mesh(5, 0))  # another shot
    offsets = recorder.track().offsets(360)
    np.testing.assert_array_equal(offsets[:10], [(3 * number, 0) for number in range(10)])
    assert offsets.shape == (11, 2)
