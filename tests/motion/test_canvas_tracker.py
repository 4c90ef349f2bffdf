"""The canvas carried along scenes whose motion is known."""

from __future__ import annotations

import cv2
import numpy as np

from videostyle.motion.canvas_tracker import CanvasTracker


def ground(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A textured picture, float32 ``[H, W, 3]`` 0..255."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for cell, weight in ((6, 0.3), (24, 0.7)):
        small = rng.uniform(0, 255, (height // cell + 2, width // cell + 2, 3)).astype(np.float32)
        total += weight * cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(total, 0, 255)


def test_a_pan_is_followed() -> None:
    wide = ground(180, 520).astype(np.uint8)
    tracker = CanvasTracker()
    meshes = [tracker(np.ascontiguousarray(wide[:, 2 * t : 2 * t + 320])) for t in range(60)]
    moved = (meshes[-1].places[0] - meshes[0].places[0]) * 180
    error = np.linalg.norm(moved - (118, 0), axis=-1)  # pixels, after a pan of 118
    assert np.median(error) < 1.5
    # Columns that lie in the frame from the first to the last; what has entered on the right is stretched by up to 6 %.
    assert error[:, : error.shape[1] * 202 // 320].max() < 4
    assert error.max() < 7


def test_a_restart_begins_anew_and_so_does_another_size() -> None:
    wide = ground(180, 520).astype(np.uint8)
    tracker = CanvasTracker()
    first = tracker(wide[:, :320])
    tracker(wide[:, 4:324])
    tracker.restart()
    assert np.array_equal(tracker(wide[:, 8:328]).places, first.places)
    assert tracker(wide[:, :180]).share.shape == (41, 41)
